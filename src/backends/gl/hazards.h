// Which operations must be ordered by a barrier: those that touch overlapping
// bytes of a buffer, at least one of them writing. Pure bookkeeping.
#pragma once

#include <cstdint>

namespace sporkle::gl {

struct Access {
  uint32_t buffer;
  uint64_t begin, end;
  bool write;
};

class HazardTracker {
 public:
  // Whether one of the accesses depends on one since the last barrier, or the
  // table has no room for them.
  bool needs_barrier(const Access* accesses, uint32_t count) const noexcept {
    if (used_ + count > capacity) return true;
    for (uint32_t i = 0; i < count; ++i) {
      if (conflicts(accesses[i])) return true;
    }
    return false;
  }

  void add(const Access* accesses, uint32_t count) noexcept {
    for (uint32_t i = 0; i < count && used_ < capacity; ++i) table_[used_++] = accesses[i];
  }

  void barrier_done() noexcept { used_ = 0; }

 private:
  bool conflicts(const Access& access) const noexcept {
    for (uint32_t i = 0; i < used_; ++i) {
      const Access& other = table_[i];
      if (other.buffer == access.buffer && (other.write || access.write) &&
          other.begin < access.end && access.begin < other.end) {
        return true;
      }
    }
    return false;
  }

  static constexpr uint32_t capacity = 256;
  Access table_[capacity];
  uint32_t used_ = 0;
};

}  // namespace sporkle::gl
