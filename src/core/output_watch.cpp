#include "core/output_watch.h"

#include <algorithm>
#include <new>

namespace sporkle {

void OutputWatch::append(const Write& write) noexcept {
  try {
    writes_.push_back(write);
  } catch (const std::bad_alloc&) {
    writes_.erase(writes_.begin());
    writes_.push_back(write);
  }
}

// Once in a while: a look at all of them with each submission would cost 0.3 us where 128
// parts of one buffer are in flight.
void OutputWatch::make_room() noexcept {
  std::erase_if(writes_, [](const Write& write) { return write.ended(); });
  const size_t room = writes_.capacity();
  if (writes_.size() <= room - room / 4) return;
  try {
    writes_.reserve(2 * room);
  } catch (const std::bad_alloc&) {
  }
}

void OutputWatch::written_unwatched(const Write& next) noexcept {
  if (!writes_.empty() && writes_.back().covered_by(next)) {
    writes_.back() = next;
    return;
  }
  if (writes_.size() == writes_.capacity()) make_room();
  append(next);
}

bool OutputWatch::written(sporkle_fence fence, uint64_t offset, uint64_t bytes) noexcept {
  const uint64_t end = offset + bytes;
  Write next{fence, 0, 0, offset, end, keeps_unseen_};
  if (const FenceSlot* slot = fence_slot(fence)) {
    next.timeline = FenceState{slot->state.load(std::memory_order_acquire)}.timeline();
    next.value = slot->value.load(std::memory_order_acquire);
  }
  const std::lock_guard lock(mutex_);
  if (!keeps_unseen_) {
    written_unwatched(next);
    return false;
  }
  bool lost = false;
  auto kept = writes_.begin();
  for (Write& write : writes_) {
    if (write.overlaps(offset, end)) {
      lost |= write.unseen;
      write.unseen = false;
    }
    if (!write.covered_by(next) && (write.unseen || !write.ended())) *kept++ = write;
  }
  writes_.erase(kept, writes_.end());
  append(next);
  return lost;
}

void OutputWatch::seen(uint64_t offset, uint64_t bytes) noexcept {
  if (!keeps_unseen_) return;
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
    return write.overlaps(offset, offset + bytes) && !overwritten(write) &&
           fence_poll(write.fence) == SPORKLE_NOT_READY;
  });
}

}  // namespace sporkle
