#include "base/futex.h"

#include <climits>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace sporkle {

namespace {

const uint32_t* address(const std::atomic<uint32_t>& word) {
  static_assert(sizeof word == sizeof(uint32_t));
  return reinterpret_cast<const uint32_t*>(&word);
}

}  // namespace

void futex_wait(const std::atomic<uint32_t>& word, uint32_t expected, Deadline deadline,
                uint32_t mask) noexcept {
  timespec until{};
  if (!deadline.infinite()) {
    until.tv_sec = static_cast<time_t>(deadline.at / 1000000000u);
    until.tv_nsec = static_cast<long>(deadline.at % 1000000000u);
  }
  // FUTEX_WAIT_BITSET takes an absolute CLOCK_MONOTONIC time: futex(2).
  syscall(SYS_futex, address(word), FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, expected,
          deadline.infinite() ? nullptr : &until, nullptr, mask);
}

void futex_wake(const std::atomic<uint32_t>& word, int count, uint32_t mask) noexcept {
  syscall(SYS_futex, address(word), FUTEX_WAKE_BITSET | FUTEX_PRIVATE_FLAG, count, nullptr,
          nullptr, mask);
}

}  // namespace sporkle
