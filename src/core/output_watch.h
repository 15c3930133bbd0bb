// What the device has written to a buffer last, and whether anybody could see it.
#pragma once

#include <cstdint>
#include <mutex>

#include "core/fence_pool.h"

namespace sporkle {

class OutputWatch {
 public:
  // An operation that writes the range has been submitted. Returns whether
  // output from before was never made visible to the CPU nor read by the device.
  bool written(sporkle_fence fence, uint64_t offset, uint64_t bytes) noexcept {
    const std::lock_guard lock(mutex_);
    const bool lost = unseen_;
    fence_ = fence;
    begin_ = offset;
    end_ = offset + bytes;
    unseen_ = true;
    return lost;
  }

  // The CPU has made it visible, the device reads it, or the CPU provides
  // something else.
  void seen() noexcept {
    const std::lock_guard lock(mutex_);
    unseen_ = false;
  }

  bool unseen() noexcept {
    const std::lock_guard lock(mutex_);
    return unseen_;
  }

  // Whether the operation that wrote last is known to be still at work in the
  // range. A fence that was destroyed early says nothing.
  bool pending(uint64_t offset, uint64_t bytes) noexcept {
    const std::lock_guard lock(mutex_);
    if (fence_ == nullptr || bytes == 0 || offset >= end_ || begin_ >= offset + bytes) return false;
    if (fence_poll(fence_) == SPORKLE_NOT_READY) return true;
    fence_ = nullptr;
    return false;
  }

 private:
  std::mutex mutex_;
  sporkle_fence fence_ = nullptr;
  uint64_t begin_ = 0, end_ = 0;
  bool unseen_ = false;
};

}  // namespace sporkle
