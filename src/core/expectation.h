// What the queue behind a timeline expects: until when its waiters do well to
// stay awake, because the next end is near. A hint: a waiter that misses it
// sleeps on its futex as always.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/timeline.h"

namespace sporkle {

struct Expectation {
  std::atomic<uint64_t> value{0};  // the value that is about to be reached
  std::atomic<uint64_t> until{0};  // on the clock of now_ns()
  std::atomic<uint64_t> told{0};   // when waiters were told
  // How long they take to wake up, learnt by themselves; updates may get lost.
  std::atomic<uint64_t> waking_ns{50000};
};

extern constinit Expectation expectations[timeline_limit];

// Announces that `value` will probably be reached before `until`, and wakes who
// waits for something in (after, value], so that the wake-up is over when the
// work is. For the thread that publishes the timeline.
void timeline_expect(uint32_t index, uint64_t after, uint64_t value, uint64_t until) noexcept;

// For a waiter that fell asleep at `asleep_ns` and has been woken.
void timeline_note_waking(uint32_t index, uint64_t asleep_ns) noexcept;

// Waiters stay awake for this long before they sleep ...
constexpr uint64_t awake_ns = 30000;
// ... and no expectation keeps them awake for longer.
constexpr uint64_t expected_awake_limit_ns = 400000;

// timeline_wait, awake at first and near the expected end.
bool timeline_await(uint32_t index, uint64_t value, Deadline deadline) noexcept;

}  // namespace sporkle
