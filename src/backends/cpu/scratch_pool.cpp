#include "backends/cpu/scratch_pool.h"

#include <utility>

namespace sporkle::cpu {

AlignedBlock ScratchPool::take(uint64_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    AlignedBlock* best = nullptr;
    for (AlignedBlock& block : kept_) {
      if (block.size() < bytes || block.data() == nullptr) continue;
      if (best == nullptr || block.size() < best->size()) best = &block;
    }
    if (best != nullptr) return std::move(*best);
  }
  AlignedBlock block(memory_, bytes);
  stats_->add(Counter::workspace_bytes_added, block.size());
  return block;
}

void ScratchPool::free(AlignedBlock* block) noexcept {
  stats_->add(Counter::workspace_bytes_removed, block->size());
  block->reset();
}

void ScratchPool::give_back(AlignedBlock block) noexcept {
  if (block.size() > bytes_limit) free(&block);
  if (block.data() == nullptr) return;
  const std::lock_guard lock(mutex_);
  for (;;) {
    uint64_t total = block.size();
    AlignedBlock* empty = nullptr;
    AlignedBlock* smallest = nullptr;
    for (AlignedBlock& kept : kept_) {
      total += kept.size();
      if (kept.data() == nullptr) {
        empty = &kept;
      } else if (smallest == nullptr || kept.size() < smallest->size()) {
        smallest = &kept;
      }
    }
    if (empty != nullptr && total <= bytes_limit) {
      *empty = std::move(block);
      return;
    }
    // Larger blocks serve more calls.
    if (smallest->size() >= block.size()) return free(&block);
    free(smallest);
  }
}

}  // namespace sporkle::cpu
