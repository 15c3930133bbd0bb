#include "core/host_memory.h"

#include <cinttypes>
#include <new>

namespace sporkle {

std::shared_ptr<DeviceMemory> make_host_memory(std::pmr::memory_resource* memory, uint64_t bytes) {
  try {
    return make_shared_in<HostMemory>(memory, memory, bytes);
  } catch (const std::bad_alloc&) {
    fail(SPORKLE_ERROR_OUT_OF_MEMORY, "size: no memory for a buffer of %" PRIu64 " bytes", bytes);
  }
}

}  // namespace sporkle
