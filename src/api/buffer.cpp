// Buffers.
#include "core/buffer.h"

#include "api/boundary.h"
#include "core/free_flush.h"

using namespace sporkle;

sporkle_status sporkle_buffer_create(sporkle_context context, const sporkle_buffer_desc* desc,
                                     sporkle_buffer* out_buffer) {
  return boundary("sporkle_buffer_create", [&]() -> Status {
    checked_out(out_buffer, "out_buffer") = nullptr;
    const Pin<ContextObject> pin(context, "context");
    const sporkle_buffer_desc defaults = SPORKLE_BUFFER_DESC_INIT;
    *out_buffer = create_buffer(pin->context, read_struct(desc, defaults, "desc"));
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_buffer_destroy(sporkle_buffer buffer) {
  return boundary("sporkle_buffer_destroy", [&]() -> Status {
    { const Pin<Buffer> pin(buffer, "buffer"); }
    if (!object_destroy(buffer, HandleType::buffer)) {
      fail(SPORKLE_ERROR_INVALID_HANDLE, "buffer: destroyed by another thread");
    }
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_buffer_describe(sporkle_buffer buffer, sporkle_buffer_info* out_info) {
  return boundary("sporkle_buffer_describe", [&]() -> Status {
    const Pin<Buffer> pin(buffer, "buffer");
    check_out_struct(out_info, "out_info");
    sporkle_buffer_info info{};
    info.device = pin->device();
    info.usage = pin->usage();
    info.placement = pin->memory().placement();
    info.size = pin->memory().size();
    info.data = pin->data();
    info.coherent = pin->memory().coherent() ? 1 : 0;
    write_struct(info, out_info);
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_buffer_data(sporkle_buffer buffer, void** out_data) {
  return boundary("sporkle_buffer_data", [&]() -> Status {
    checked_out(out_data, "out_data") = nullptr;
    const Pin<Buffer> pin(buffer, "buffer");
    *out_data = pin->data();
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_buffer_flush(sporkle_buffer buffer, uint64_t offset, uint64_t size) {
  if (flush_is_free(buffer, HandleType::buffer, offset, size)) return SPORKLE_OK;
  return boundary("sporkle_buffer_flush", [&]() -> Status {
    const Pin<Buffer> pin(buffer, "buffer");
    pin->check_range("sporkle_buffer_flush", "offset", offset, size);
    pin->check_usage("sporkle_buffer_flush", "buffer",
                      SPORKLE_BUFFER_CPU_WRITE, "SPORKLE_BUFFER_CPU_WRITE");
    pin->flush(offset, size);
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_buffer_invalidate(sporkle_buffer buffer, uint64_t offset, uint64_t size) {
  return boundary("sporkle_buffer_invalidate", [&]() -> Status {
    const Pin<Buffer> pin(buffer, "buffer");
    pin->check_range("sporkle_buffer_invalidate", "offset", offset, size);
    pin->check_usage("sporkle_buffer_invalidate", "buffer",
                      SPORKLE_BUFFER_CPU_READ, "SPORKLE_BUFFER_CPU_READ");
    pin->invalidate(offset, size);
    return SPORKLE_OK;
  });
}
