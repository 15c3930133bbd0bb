// OpenGL interop: buffer objects.
#include "api/gl_interop.h"

using namespace sporkle;

sporkle_status sporkle_gl_buffer_name(sporkle_buffer buffer, uint32_t* out_name) {
  return boundary("sporkle_gl_buffer_name", [&]() -> Status {
    checked_out(out_name, "out_name");
    const Pin<Buffer> pin(buffer, "buffer");
    GlInterop& interop = interop_of(pin->context(), pin->device());
    pin->check_usage("sporkle_gl_buffer_name", "buffer", SPORKLE_BUFFER_OPENGL, "SPORKLE_BUFFER_OPENGL");
    *out_name = interop.name_of(pin->memory());
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_gl_buffer_create(sporkle_context context, uint32_t device, uint64_t size,
                                        const void* data, uint32_t* out_name) {
  return boundary("sporkle_gl_buffer_create", [&]() -> Status {
    checked_out(out_name, "out_name");
    const Entered gl(context, device);
    if (size == 0) fail(SPORKLE_ERROR_INVALID_ARGUMENT, "size: 0");
    *out_name = gl->create_buffer(size, data);
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_gl_buffer_delete(sporkle_context context, uint32_t device, uint32_t name) {
  return boundary("sporkle_gl_buffer_delete", [&]() -> Status {
    Entered(context, device)->delete_buffer(name);
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_gl_buffer_write(sporkle_context context, uint32_t device, uint32_t name,
                                       uint64_t offset, uint64_t size, const void* data) {
  return boundary("sporkle_gl_buffer_write", [&]() -> Status {
    const Entered gl(context, device);
    if (data == nullptr) fail(SPORKLE_ERROR_INVALID_ARGUMENT, "data: null");
    gl->write_buffer(name, offset, size, data);
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_gl_buffer_read(sporkle_context context, uint32_t device, uint32_t name,
                                      uint64_t offset, uint64_t size, void* data) {
  return boundary("sporkle_gl_buffer_read", [&]() -> Status {
    const Entered gl(context, device);
    if (data == nullptr) fail(SPORKLE_ERROR_INVALID_ARGUMENT, "data: null");
    gl->read_buffer(name, offset, size, data);
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_gl_buffer_bind(sporkle_context context, uint32_t device, uint32_t binding,
                                      uint32_t name) {
  return boundary("sporkle_gl_buffer_bind", [&]() -> Status {
    Entered(context, device)->bind_buffer(binding, name);
    return SPORKLE_OK;
  });
}
