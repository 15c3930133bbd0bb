#include "core/timeline.h"

#include <climits>

#include "base/error.h"

namespace sporkle {

constinit Timeline timelines[timeline_limit];
constinit std::atomic<uint32_t> multi_events{0};
constinit std::atomic<uint32_t> multi_waiters{0};

namespace {

constinit std::atomic<bool> taken[timeline_limit];

void wake(Timeline& timeline, uint32_t mask) noexcept {
  // Pairs with the waiter, which counts itself in before it looks at the
  // counter: either it sees the new value or we see the waiter.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (timeline.waiters.load(std::memory_order_relaxed) != 0) {
    timeline.events.fetch_add(1, std::memory_order_release);
    futex_wake(timeline.events, INT_MAX, mask);
  }
  multi_notify();
}

uint32_t range_mask(uint64_t after, uint64_t last) noexcept {
  if (last - after >= 32) return futex_all;
  uint32_t mask = 0;
  for (uint64_t v = after + 1; v <= last; ++v) mask |= timeline_mask(v);
  return mask;
}

}  // namespace

void multi_notify() noexcept {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (multi_waiters.load(std::memory_order_relaxed) == 0) return;
  multi_events.fetch_add(1, std::memory_order_release);
  futex_wake(multi_events, INT_MAX);
}

uint32_t timeline_acquire() {
  for (uint32_t i = 0; i < timeline_limit; ++i) {
    bool expected = false;
    if (taken[i].load(std::memory_order_relaxed)) continue;
    if (taken[i].compare_exchange_strong(expected, true)) return i;
  }
  fail(SPORKLE_ERROR_POOL_EXHAUSTED, "timeline: all %u timelines of the process are in use",
       timeline_limit);
}

void timeline_release(uint32_t index) noexcept { taken[index].store(false); }

void timeline_publish(uint32_t index, uint64_t value) noexcept {
  Timeline& timeline = timelines[index];
  const uint64_t before = timeline.counter.load(std::memory_order_relaxed);
  if (value <= before) return;
  timeline.counter.store(value, std::memory_order_release);
  wake(timeline, range_mask(before, value));
}

bool timeline_wait(uint32_t index, uint64_t value, Deadline deadline) noexcept {
  Timeline& timeline = timelines[index];
  while (timeline.counter.load(std::memory_order_acquire) < value) {
    if (deadline.passed()) return false;
    timeline.waiters.fetch_add(1);
    const uint32_t events = timeline.events.load(std::memory_order_acquire);
    if (timeline.counter.load(std::memory_order_acquire) < value) {
      futex_wait(timeline.events, events, deadline, timeline_mask(value));
    }
    timeline.waiters.fetch_sub(1);
  }
  return true;
}

void timeline_notify(uint32_t index) noexcept { wake(timelines[index], futex_all); }

void timelines_reset_after_fork() noexcept {
  for (Timeline& timeline : timelines) timeline.waiters.store(0, std::memory_order_relaxed);
  for (auto& flag : taken) flag.store(false, std::memory_order_relaxed);
  multi_waiters.store(0, std::memory_order_relaxed);
}

}  // namespace sporkle
