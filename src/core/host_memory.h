// Device memory that is ordinary host memory: coherent, used directly.
#pragma once

#include "base/memory.h"
#include "core/device.h"

namespace sporkle {

class HostMemory final : public DeviceMemory {
 public:
  // Throws std::bad_alloc.
  HostMemory(std::pmr::memory_resource* memory, uint64_t bytes) : block_(memory, bytes) {}

  void* data() const noexcept override { return block_.data(); }
  uint64_t size() const noexcept override { return block_.size(); }
  uint32_t placement() const noexcept override { return SPORKLE_PLACEMENT_HOST; }
  bool coherent() const noexcept override { return true; }
  void flush(uint64_t, uint64_t) override {}
  void invalidate(uint64_t, uint64_t) override {}

 private:
  AlignedBlock block_;
};

// Throws SPORKLE_ERROR_OUT_OF_MEMORY with the size in the text.
std::shared_ptr<DeviceMemory> make_host_memory(std::pmr::memory_resource* memory, uint64_t bytes);

}  // namespace sporkle
