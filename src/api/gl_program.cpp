// OpenGL interop: programs.
#include "api/gl_interop.h"

using namespace sporkle;

namespace {

// What OpenGL's own sizes can say.
void check_bytes(const void* data, const char* data_argument, uint64_t size,
                 const char* size_argument) {
  if (data == nullptr) fail(SPORKLE_ERROR_INVALID_ARGUMENT, "%s: null", data_argument);
  if (size == 0 || size > INT32_MAX) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "%s: not in [1, %d]", size_argument, INT32_MAX);
  }
}

}  // namespace

sporkle_status sporkle_gl_program_create(sporkle_context context, uint32_t device,
                                         const char* source, uint64_t length,
                                         uint32_t* out_program) {
  return boundary("sporkle_gl_program_create", [&]() -> Status {
    checked_out(out_program, "out_program");
    const Entered gl(context, device);
    check_bytes(source, "source", length, "length");
    *out_program = gl->create_program(source, length);
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_gl_program_delete(sporkle_context context, uint32_t device,
                                         uint32_t program) {
  return boundary("sporkle_gl_program_delete", [&]() -> Status {
    Entered(context, device)->delete_program(program);
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_gl_program_save(sporkle_context context, uint32_t device, uint32_t program,
                                       void* data, uint64_t capacity, uint64_t* out_size,
                                       uint32_t* out_format) {
  return boundary("sporkle_gl_program_save", [&]() -> Status {
    checked_out(out_size, "out_size");
    checked_out(out_format, "out_format");
    const Entered gl(context, device);
    GlProgramBinary binary;
    try {
      gl->save_program(program, data, capacity, &binary);
    } catch (...) {
      // A capacity that is too small is answered with the size.
      if (binary.size != 0) *out_size = binary.size;
      throw;
    }
    *out_size = binary.size;
    *out_format = binary.format;
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_gl_program_load(sporkle_context context, uint32_t device, uint32_t format,
                                       const void* data, uint64_t size, uint32_t* out_program) {
  return boundary("sporkle_gl_program_load", [&]() -> Status {
    checked_out(out_program, "out_program");
    const Entered gl(context, device);
    check_bytes(data, "data", size, "size");
    *out_program = gl->load_program(format, data, size);
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_gl_dispatch(sporkle_context context, uint32_t device, uint32_t program,
                                   uint32_t groups_x, uint32_t groups_y, uint32_t groups_z) {
  return boundary("sporkle_gl_dispatch", [&]() -> Status {
    Entered(context, device)->dispatch(program, groups_x, groups_y, groups_z);
    return SPORKLE_OK;
  });
}
