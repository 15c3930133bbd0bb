// Memory for the tensors of synchronous calls, kept between them up to a limit.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "backends/gl/gl_memory.h"

namespace sporkle::gl {

class StagingPool final : public IdleMemory {
 public:
  StagingPool(std::shared_ptr<MemoryPool> pool, const DeviceEnvironment& environment)
      : pool_(std::move(pool)), environment_(environment), free_(environment.memory) {}

  // At least `bytes` with that usage; belongs to the caller until put(). Throws
  // OUT_OF_MEMORY when the driver has none left, also after giving back what is
  // kept.
  std::shared_ptr<GlMemory> take(const Placement& placement, uint32_t usage, uint64_t bytes);
  void put(std::shared_ptr<GlMemory> memory) noexcept;
  // Gives back what is kept, here and in the pool behind.
  void trim() noexcept override;

 private:
  // Memory of a context that was lost is of no use.
  void drop_lost() noexcept;
  std::shared_ptr<GlMemory> find(uint32_t usage, uint64_t bytes) noexcept;

  static constexpr uint64_t kept_limit = uint64_t{256} << 20;
  static constexpr uint64_t granule = 4096;

  std::shared_ptr<MemoryPool> pool_;
  // A copy: the pool may outlive the device.
  const DeviceEnvironment environment_;
  std::mutex mutex_;
  std::pmr::vector<std::shared_ptr<GlMemory>> free_;
  uint64_t kept_bytes_ = 0;
};

}  // namespace sporkle::gl
