// Which operations must be ordered by a barrier: those that touch overlapping
// bytes of a buffer, at least one of them writing. Behind an operation that has
// ended only a read of what it wrote needs one: there is nothing to order any more,
// but OpenGL makes a shader's writes visible to later commands by a barrier alone.
// Pure bookkeeping.
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

  bool has_room(uint32_t count) const noexcept { return used_ + count <= capacity; }

  void add(const Access* accesses, uint32_t count) noexcept {
    for (uint32_t i = 0; i < count && used_ < capacity; ++i) table_[used_++] = accesses[i];
  }

  void barrier_done() noexcept { used_ = ended_ = 0; }

  // How many accesses are known; for ordered().
  uint32_t mark() const noexcept { return used_; }
  // A barrier behind the first `mark` accesses, among later ones, has ordered those.
  void ordered(uint32_t mark) noexcept {
    for (uint32_t i = mark; i < used_; ++i) table_[i - mark] = table_[i];
    used_ -= mark;
    ended_ = 0;
  }

  // Everything added so far has ended: only its writes matter, each once.
  void all_ended() noexcept {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < used_; ++i) {
      if (table_[i].write && !covered(table_[i], kept)) table_[kept++] = table_[i];
    }
    used_ = ended_ = kept;
  }

 private:
  bool covered(const Access& access, uint32_t count) const noexcept {
    for (uint32_t i = 0; i < count; ++i) {
      const Access& other = table_[i];
      if (other.buffer == access.buffer && other.begin <= access.begin &&
          access.end <= other.end) {
        return true;
      }
    }
    return false;
  }

  bool conflicts(const Access& access) const noexcept {
    for (uint32_t i = 0; i < used_; ++i) {
      const Access& other = table_[i];
      const bool depends = i < ended_ ? !access.write : other.write || access.write;
      if (other.buffer == access.buffer && depends && other.begin < access.end &&
          access.begin < other.end) {
        return true;
      }
    }
    return false;
  }

  static constexpr uint32_t capacity = 256;
  Access table_[capacity];
  uint32_t used_ = 0;
  uint32_t ended_ = 0;  // the first ones: writes that have ended
};

}  // namespace sporkle::gl
