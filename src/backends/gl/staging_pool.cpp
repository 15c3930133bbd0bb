#include "backends/gl/staging_pool.h"

#include <new>

#include "backends/gl/submission_thread.h"

namespace sporkle::gl {

std::shared_ptr<GlMemory> StagingPool::find(uint64_t bytes) noexcept {
  const std::lock_guard lock(mutex_);
  auto best = free_.end();
  for (auto it = free_.begin(); it != free_.end(); ++it) {
    if ((*it)->generation() != thread_->generation()) continue;
    const uint64_t size = (*it)->size();
    if (size < bytes || size / 2 > bytes) continue;
    if (best == free_.end() || size < (*best)->size()) best = it;
  }
  if (best == free_.end()) return nullptr;
  std::shared_ptr<GlMemory> found = std::move(*best);
  free_.erase(best);
  kept_bytes_ -= found->size();
  return found;
}

std::shared_ptr<GlMemory> StagingPool::create(MemoryForm form, uint64_t bytes) {
  constexpr uint32_t every_usage = SPORKLE_BUFFER_CPU_WRITE | SPORKLE_BUFFER_CPU_READ |
                                   SPORKLE_BUFFER_DEVICE_READ | SPORKLE_BUFFER_DEVICE_WRITE;
  return make_shared_in<GlMemory>(environment_.memory, thread_, environment_, form, bytes,
                                  every_usage);
}

std::shared_ptr<GlMemory> StagingPool::take(MemoryForm form, uint64_t bytes) {
  if (auto found = find(bytes)) return found;
  drop_lost();
  const uint64_t rounded = (bytes + granule - 1) / granule * granule;
  try {
    return create(form, rounded);
  } catch (const Error& error) {
    if (error.status != SPORKLE_ERROR_OUT_OF_MEMORY) throw;
    clear();
    return create(form, rounded);
  }
}

void StagingPool::drop_lost() noexcept {
  const std::lock_guard lock(mutex_);
  std::erase_if(free_, [this](const std::shared_ptr<GlMemory>& memory) {
    const bool lost = memory->generation() != thread_->generation();
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
    // Not kept: the memory goes back to the driver.
    memory.reset();
  }
}

void StagingPool::clear() noexcept {
  const std::lock_guard lock(mutex_);
  free_.clear();
  kept_bytes_ = 0;
}

}  // namespace sporkle::gl
