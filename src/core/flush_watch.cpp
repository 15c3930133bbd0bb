#include "core/flush_watch.h"

#include <cstring>

namespace sporkle {

void FlushWatch::flushed(uint64_t offset, uint64_t bytes) noexcept {
  if (bytes == 0) return;
  const std::lock_guard lock(mutex_);
  for (uint64_t i = offset / line; i <= (offset + bytes - 1) / line; ++i) {
    std::memcpy(static_cast<char*>(copy_.data()) + i * line, data_ + i * line, line_bytes(i));
    lines_[i] = State::flushed;
  }
}

void FlushWatch::device_writes(uint64_t offset, uint64_t bytes) noexcept {
  if (bytes == 0) return;
  const std::lock_guard lock(mutex_);
  for (uint64_t i = offset / line; i <= (offset + bytes - 1) / line; ++i) {
    lines_[i] = State::device;
  }
}

bool FlushWatch::misses(uint64_t offset, uint64_t bytes, uint64_t* at) noexcept {
  if (bytes == 0) return false;
  const std::lock_guard lock(mutex_);
  for (uint64_t i = offset / line; i <= (offset + bytes - 1) / line; ++i) {
    if (lines_[i] == State::device) continue;
    const void* known = static_cast<const char*>(copy_.data()) + i * line;
    if (lines_[i] == State::flushed &&
        std::memcmp(known, data_ + i * line, line_bytes(i)) == 0) {
      continue;
    }
    *at = i * line;
    return true;
  }
  return false;
}

}  // namespace sporkle
