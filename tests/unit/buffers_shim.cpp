#include "unit/buffers_shim.h"

#include "core/buffer.h"

using namespace sporkle;

void shim_buffer_submitted(sporkle_buffer buffer, sporkle_fence fence, uint64_t offset,
                           uint64_t bytes) {
  const Pin<Buffer> pin(buffer, "buffer");
  pin->note_submitted(fence, offset, bytes);
}
