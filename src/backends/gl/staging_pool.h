// Memory for the tensors of synchronous calls, kept between them up to a limit.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "backends/gl/gl_memory.h"

namespace sporkle::gl {

class StagingPool {
 public:
  StagingPool(std::shared_ptr<SubmissionThread> thread, const DeviceEnvironment& environment)
      : thread_(std::move(thread)), environment_(environment), free_(environment.memory) {}

  // At least `bytes`; belongs to the caller until put(). Throws OUT_OF_MEMORY
  // when the driver has none left, also after giving back what is kept.
  std::shared_ptr<GlMemory> take(MemoryForm form, uint64_t bytes);
  void put(std::shared_ptr<GlMemory> memory) noexcept;
  void clear() noexcept;

 private:
  // Memory of a context that was lost is of no use.
  void drop_lost() noexcept;
  std::shared_ptr<GlMemory> find(uint64_t bytes) noexcept;
  std::shared_ptr<GlMemory> create(MemoryForm form, uint64_t bytes);

  static constexpr uint64_t kept_limit = uint64_t{256} << 20;
  static constexpr uint64_t granule = 4096;

  std::shared_ptr<SubmissionThread> thread_;
  const DeviceEnvironment& environment_;
  std::mutex mutex_;
  std::pmr::vector<std::shared_ptr<GlMemory>> free_;
  uint64_t kept_bytes_ = 0;
};

}  // namespace sporkle::gl
