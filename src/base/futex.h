// Sleeping on a 32-bit word with a deadline. std::atomic::wait has none.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"

namespace sporkle {

constexpr uint32_t futex_all = UINT32_MAX;

// Sleeps while word == expected, until woken with an overlapping mask or the
// deadline. May return early; the caller re-checks.
void futex_wait(const std::atomic<uint32_t>& word, uint32_t expected, Deadline deadline,
                uint32_t mask = futex_all) noexcept;

// Wakes up to `count` sleepers whose mask overlaps.
void futex_wake(const std::atomic<uint32_t>& word, int count, uint32_t mask = futex_all) noexcept;

// Hint for a bounded spin loop.
inline void cpu_pause() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace sporkle
