// Timelines: 64-bit counters that only grow, one per queue of a device.
//
// The array is type-stable: it lives in static storage for the whole process,
// so that a fence may be polled while its device is being torn down.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/futex.h"

namespace sporkle {

struct alignas(64) Timeline {
  std::atomic<uint64_t> counter{0};  // everything up to this value has ended
  std::atomic<uint32_t> events{0};   // futex word, changed whenever a waiter must look again
  std::atomic<uint32_t> waiters{0};
};

constexpr uint32_t timeline_limit = 4096;
extern constinit Timeline timelines[timeline_limit];

// Takes a timeline; its counter continues from where the last owner left it.
// Throws Error SPORKLE_ERROR_POOL_EXHAUSTED.
uint32_t timeline_acquire();

// Gives a timeline back. No pending fence may refer to it any more.
void timeline_release(uint32_t index) noexcept;

// Publishes that everything up to `value` has ended and wakes those who wait
// for it. One thread at a time per timeline.
void timeline_publish(uint32_t index, uint64_t value) noexcept;

// Sleeps until the counter reaches `value` or the deadline has passed; returns
// whether it did.
bool timeline_wait(uint32_t index, uint64_t value, Deadline deadline) noexcept;

// Wakes everyone who waits on the timeline: a fence changed state by itself.
void timeline_notify(uint32_t index) noexcept;

// Waiters on several timelines sleep on this word instead.
extern constinit std::atomic<uint32_t> multi_events;
extern constinit std::atomic<uint32_t> multi_waiters;

// Makes everyone who sleeps on multi_events look again.
void multi_notify() noexcept;

// Waiters for `value` sleep with this mask, so that a publish wakes those in
// the range it covers and few others.
inline uint32_t timeline_mask(uint64_t value) noexcept { return 1u << (value % 32); }

// Called in a forked child before the first context is created: nothing of the
// parent is in flight here.
void timelines_reset_after_fork() noexcept;

}  // namespace sporkle
