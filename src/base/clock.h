// Monotonic time and deadlines in nanoseconds.
#pragma once

#include <cstdint>
#include <ctime>

namespace sporkle {

inline uint64_t now_ns() noexcept {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<uint64_t>(t.tv_sec) * 1000000000u + static_cast<uint64_t>(t.tv_nsec);
}

// A point in time, or never. Timeouts beyond INT64_MAX count as infinite, so
// that adding them to the clock cannot wrap.
struct Deadline {
  static constexpr uint64_t never = UINT64_MAX;
  uint64_t at = never;

  static Deadline after(uint64_t timeout_ns) noexcept {
    Deadline d;
    if (timeout_ns <= static_cast<uint64_t>(INT64_MAX)) d.at = now_ns() + timeout_ns;
    return d;
  }
  bool infinite() const noexcept { return at == never; }
  bool passed() const noexcept { return !infinite() && now_ns() >= at; }
};

}  // namespace sporkle
