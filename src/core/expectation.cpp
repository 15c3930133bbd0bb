#include "core/expectation.h"

#include <algorithm>

#include "core/lateness.h"

namespace sporkle {

constinit Expectation expectations[timeline_limit];

void timeline_expect(uint32_t index, uint64_t after, uint64_t value, uint64_t until) noexcept {
  Expectation& expectation = expectations[index];
  expectation.value.store(value, std::memory_order_relaxed);
  expectation.until.store(until, std::memory_order_release);
  expectation.told.store(now_ns(), std::memory_order_relaxed);
  Protocol::notify(timelines[index], gathering, Protocol::mask_of_range(after, value));
}

void timeline_note_waking(uint32_t index, uint64_t asleep_ns) noexcept {
  Expectation& expectation = expectations[index];
  const uint64_t told = expectation.told.load(std::memory_order_relaxed), now = now_ns();
  // Woken by something else, or not asleep yet.
  if (told <= asleep_ns || told > now) return;
  const uint64_t known = expectation.waking_ns.load(std::memory_order_relaxed);
  expectation.waking_ns.store(lateness_after(known, now - told), std::memory_order_relaxed);
}

bool timeline_await(uint32_t index, uint64_t value, Deadline deadline) noexcept {
  Timeline& timeline = timelines[index];
  const Expectation& expectation = expectations[index];
  for (uint64_t awake = awake_ns;; awake = 0) {
    const uint64_t start = now_ns();
    for (uint64_t now = start;; now = now_ns()) {
      if (timeline.counter.load(std::memory_order_acquire) >= value) return true;
      const uint64_t until = expectation.until.load(std::memory_order_acquire);
      const bool meant = value <= expectation.value.load(std::memory_order_relaxed);
      const uint64_t limit = std::max(start + awake, meant ? until : 0);
      if (now >= std::min(limit, start + expected_awake_limit_ns)) break;
      cpu_pause();
    }
    if (deadline.passed()) return false;
    Protocol::sleep_for_value(timeline, value, deadline);
  }
}

}  // namespace sporkle
