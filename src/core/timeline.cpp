#include "core/timeline.h"

#include "base/error.h"
#include "core/fence_listeners.h"

namespace sporkle {

constinit Timeline timelines[timeline_limit];
constinit Protocol::Gathering gathering;

namespace {

constinit std::atomic<bool> taken[timeline_limit];

}  // namespace

void multi_notify() noexcept {
  HardwareMemory::full_fence();
  if (gathering.waiters.load(std::memory_order_relaxed) == 0) return;
  gathering.events.fetch_add(1, std::memory_order_release);
  HardwareMemory::wake(gathering.events, futex_all);
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

void timeline_keep(uint32_t index) noexcept { taken[index].store(true); }

void timeline_publish(uint32_t index, uint64_t value) noexcept {
  if (Protocol::publish(timelines[index], value, gathering)) fence_listeners_tell();
}

bool timeline_wait(uint32_t index, uint64_t value, Deadline deadline) noexcept {
  Timeline& timeline = timelines[index];
  while (timeline.counter.load(std::memory_order_acquire) < value) {
    if (deadline.passed()) return false;
    Protocol::sleep_for_value(timeline, value, deadline);
  }
  return true;
}

void timelines_reset_after_fork() noexcept {
  for (Timeline& timeline : timelines) timeline.waiters.store(0, std::memory_order_relaxed);
  for (auto& flag : taken) flag.store(false, std::memory_order_relaxed);
  gathering.waiters.store(0, std::memory_order_relaxed);
}

}  // namespace sporkle
