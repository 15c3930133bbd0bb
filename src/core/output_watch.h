// What the device has written to a buffer, range by range: whether it is still at work
// there, and whether anybody could see what it wrote.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "core/fence_pool.h"

namespace sporkle {

class OutputWatch {
 public:
  // `keeps_unseen`: whether output that nobody looked at is of interest.
  OutputWatch(std::pmr::memory_resource* memory, bool keeps_unseen)
      : keeps_unseen_(keeps_unseen), writes_(memory) {}

  // An operation that writes the range has been submitted. Returns whether it
  // overwrites output that was never made visible to the CPU nor read by the device.
  // Without memory for one more range the oldest is forgotten.
  bool written(sporkle_fence fence, uint64_t offset, uint64_t bytes) noexcept;

  // The CPU has made it visible, the device reads it, or the CPU provides
  // something else: of each output a part is enough.
  void seen(uint64_t offset, uint64_t bytes) noexcept;
  bool unseen() noexcept;

  // Whether an operation that nothing else has overwritten since is known to be still at
  // work in the range. A fence that was destroyed early says nothing.
  bool pending(uint64_t offset, uint64_t bytes) noexcept;
  // The same by the count of what has ended, which also tells when the fence was destroyed
  // early, but not of work that a lost device never ended. Calls work(offset, bytes) for
  // each part of the range.
  template <class Work>
  void each_not_ended(uint64_t offset, uint64_t bytes, Work work) noexcept {
    const std::lock_guard lock(mutex_);
    for (const Write& write : writes_) {
      if (!write.overlaps(offset, offset + bytes) || write.ended()) continue;
      const uint64_t begin = write.begin > offset ? write.begin : offset;
      const uint64_t end = write.end < offset + bytes ? write.end : offset + bytes;
      work(begin, end - begin);
    }
  }

 private:
  struct Write {
    sporkle_fence fence;
    uint32_t timeline;
    uint64_t value;  // of the timeline, with which it has ended
    uint64_t begin, end;
    bool unseen;

    bool overlaps(uint64_t from, uint64_t to) const noexcept { return from < to && from < end && begin < to; }
    bool ended() const noexcept {
      return timelines[timeline].counter.load(std::memory_order_acquire) >= value;
    }
  };

  std::mutex mutex_;
  const bool keeps_unseen_;
  std::pmr::vector<Write> writes_;  // in the order of their submission
};

}  // namespace sporkle
