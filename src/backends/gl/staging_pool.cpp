#include "backends/gl/staging_pool.h"

#include <new>

#include "backends/gl/submission_thread.h"

namespace sporkle::gl {

std::shared_ptr<GlMemory> StagingPool::find(uint32_t usage, uint64_t bytes) noexcept {
  const std::lock_guard lock(mutex_);
  auto best = free_.end();
  for (auto it = free_.begin(); it != free_.end(); ++it) {
    if ((*it)->generation() != pool_->thread()->generation()) continue;
    const uint64_t size = (*it)->size();
    if ((*it)->usage() != usage || size < bytes || size / 2 > bytes) continue;
    if (best == free_.end() || size < (*best)->size()) best = it;
  }
  if (best == free_.end()) return nullptr;
  std::shared_ptr<GlMemory> found = std::move(*best);
  free_.erase(best);
  kept_bytes_ -= found->size();
  return found;
}

std::shared_ptr<GlMemory> StagingPool::take(const Placement& placement, uint32_t usage,
                                            uint64_t bytes) {
  if (auto found = find(usage, bytes)) return found;
  drop_lost();
  const uint64_t rounded = (bytes + granule - 1) / granule * granule;
  return make_shared_in<GlMemory>(environment_.memory, pool_, environment_,
                                  placement.form_of(kind_of_usage(usage), rounded), rounded,
                                  usage);
}

void StagingPool::drop_lost() noexcept {
  const std::lock_guard lock(mutex_);
  const uint64_t now = pool_->thread()->generation();
  std::erase_if(free_, [this, now](const std::shared_ptr<GlMemory>& memory) {
    const bool lost = memory->generation() != now;
    if (lost) kept_bytes_ -= memory->size();
    return lost;
  });
}

void StagingPool::put(std::shared_ptr<GlMemory> memory) noexcept {
  if (memory == nullptr || memory->size() > kept_limit) return;
  const std::lock_guard lock(mutex_);
  while (!free_.empty() && kept_bytes_ + memory->size() > kept_limit) {
    kept_bytes_ -= free_.front()->size();
    free_.erase(free_.begin());
  }
  const uint64_t size = memory->size();
  try {
    free_.push_back(std::move(memory));
    kept_bytes_ += size;
  } catch (const std::bad_alloc&) {
    // Not kept: the memory goes back to the pool.
    memory.reset();
  }
}

void StagingPool::trim() noexcept {
  {
    const std::lock_guard lock(mutex_);
    free_.clear();
    kept_bytes_ = 0;
  }
  pool_->trim();
}

}  // namespace sporkle::gl
