// Timelines: 64-bit counters that only grow, one per queue of a device.
//
// The array is type-stable: it lives in static storage for the whole process,
// so that a fence may be polled while its device is being torn down.
#pragma once

#include <atomic>
#include <climits>
#include <cstdint>

#include "base/futex.h"
#include "core/fence_protocol.h"

namespace sporkle {

// The memory interface of fence_protocol.h on the machine at hand.
struct HardwareMemory {
  template <class T>
  using Atomic = std::atomic<T>;

  static void full_fence() noexcept { std::atomic_thread_fence(std::memory_order_seq_cst); }
  static void sleep(const Atomic<uint32_t>& word, uint32_t seen, Deadline deadline,
                    uint32_t mask) noexcept {
    futex_wait(word, seen, deadline, mask);
  }
  static void wake(const Atomic<uint32_t>& word, uint32_t mask) noexcept {
    futex_wake(word, INT_MAX, mask);
  }
};

using Protocol = FenceProtocol<HardwareMemory>;
using Timeline = Protocol::Timeline;
using FenceSlot = Protocol::Slot;
static_assert(sizeof(FenceSlot) == 16, "a chunk of 64 fences is 1 KiB");

constexpr uint32_t timeline_limit = 4096;
extern constinit Timeline timelines[timeline_limit];

// Waiters on several timelines sleep on this word instead.
extern constinit Protocol::Gathering gathering;

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

// Makes everyone who sleeps on the gathering look again.
void multi_notify() noexcept;

// Waiters for `value` sleep with this mask, so that a publish wakes those in
// the range it covers and few others.
inline uint32_t timeline_mask(uint64_t value) noexcept { return Protocol::mask_of(value); }

// Called in a forked child before the first context is created: nothing of the
// parent is in flight here. Every timeline is free then, whoever had it.
void timelines_reset_after_fork() noexcept;

// Takes a timeline for good, in a forked child: a fence of the parent is pending
// on it and must not end by what the child does.
void timeline_keep(uint32_t index) noexcept;

}  // namespace sporkle
