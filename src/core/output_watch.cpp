#include "core/output_watch.h"

#include <algorithm>
#include <new>

namespace sporkle {

bool OutputWatch::written(sporkle_fence fence, uint64_t offset, uint64_t bytes) noexcept {
  const uint64_t end = offset + bytes;
  Write next{fence, 0, 0, offset, end, keeps_unseen_};
  if (const FenceSlot* slot = fence_slot(fence)) {
    next.timeline = FenceState{slot->state.load(std::memory_order_acquire)}.timeline();
    next.value = slot->value.load(std::memory_order_acquire);
  }
  const std::lock_guard lock(mutex_);
  bool lost = false;
  auto kept = writes_.begin();
  for (Write& write : writes_) {
    if (write.overlaps(offset, end)) {
      lost |= write.unseen;
      write.unseen = false;
    }
    const bool covered = offset <= write.begin && write.end <= end;
    if (!covered && (write.unseen || !write.ended())) *kept++ = write;
  }
  writes_.erase(kept, writes_.end());
  try {
    writes_.push_back(next);
  } catch (const std::bad_alloc&) {
    writes_.erase(writes_.begin());
    writes_.push_back(next);
  }
  return lost;
}

void OutputWatch::seen(uint64_t offset, uint64_t bytes) noexcept {
  const std::lock_guard lock(mutex_);
  for (Write& write : writes_) {
    if (write.overlaps(offset, offset + bytes)) write.unseen = false;
  }
}

bool OutputWatch::unseen() noexcept {
  const std::lock_guard lock(mutex_);
  return std::any_of(writes_.begin(), writes_.end(), [](const Write& w) { return w.unseen; });
}

bool OutputWatch::pending(uint64_t offset, uint64_t bytes) noexcept {
  const std::lock_guard lock(mutex_);
  return std::any_of(writes_.begin(), writes_.end(), [&](const Write& write) {
    return write.overlaps(offset, offset + bytes) && fence_poll(write.fence) == SPORKLE_NOT_READY;
  });
}

}  // namespace sporkle
