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
  // `keeps_unseen`: whether output that nobody looked at is of interest. Has room for
  // eight ranges from the beginning. Throws std::bad_alloc.
  OutputWatch(std::pmr::memory_resource* memory, bool keeps_unseen)
      : keeps_unseen_(keeps_unseen), writes_(memory) {
    writes_.reserve(8);
  }

  // An operation that writes the range has been submitted. Returns whether it
  // overwrites output that was never made visible to the CPU nor read by the device.
  // Without memory for one more range the oldest is forgotten. With `keeps_unseen` it
  // looks at every range that is kept: those in flight and those that nobody has seen.
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
    each(offset, bytes, [](const Write& write) { return !write.ended(); }, work);
  }
  // The same where the fence was destroyed as well. One that has failed is final before
  // its end is counted.
  template <class Work>
  void each_abandoned(uint64_t offset, uint64_t bytes, Work work) noexcept {
    each(offset, bytes, [](const Write& write) { return write.abandoned(); }, work);
  }

 private:
  struct Write {
    sporkle_fence fence;
    uint32_t timeline;
    uint64_t value;  // of the timeline, with which it has ended
    uint64_t begin, end;
    bool unseen;

    bool covered_by(const Write& other) const noexcept {
      return other.begin <= begin && end <= other.end;
    }
    bool overlaps(uint64_t from, uint64_t to) const noexcept { return from < to && from < end && begin < to; }
    bool ended() const noexcept {
      return timelines[timeline].counter.load(std::memory_order_acquire) >= value;
    }
    bool abandoned() const noexcept {
      return fence_poll(fence) == SPORKLE_ERROR_INVALID_HANDLE && !ended();
    }
  };

  void append(const Write& write) noexcept;
  void make_room() noexcept;
  void written_unwatched(const Write& next) noexcept;
  // By one that was submitted later.
  bool overwritten(const Write& write) const noexcept {
    for (const Write* later = writes_.data() + writes_.size() - 1; later > &write; --later) {
      if (write.covered_by(*later)) return true;
    }
    return false;
  }

  template <class Wanted, class Work>
  void each(uint64_t offset, uint64_t bytes, Wanted wanted, Work work) noexcept {
    const std::lock_guard lock(mutex_);
    for (const Write& write : writes_) {
      if (!write.overlaps(offset, offset + bytes) || overwritten(write) || !wanted(write)) continue;
      const uint64_t begin = write.begin > offset ? write.begin : offset;
      const uint64_t end = write.end < offset + bytes ? write.end : offset + bytes;
      work(begin, end - begin);
    }
  }

  std::mutex mutex_;
  const bool keeps_unseen_;
  std::pmr::vector<Write> writes_;  // in the order of their submission
};

}  // namespace sporkle
