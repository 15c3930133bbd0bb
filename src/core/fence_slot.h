// The state word of a fence slot and the poll rule. Pure: no storage, no
// waiting, so that it can be explored exhaustively by a test.
//
//   state = {generation 39 | timeline 12 | spare 1 | moving 1 | owned 1 | code 8 | kind 2}
//
// A pending slot is answered by its timeline's counter. The library writes a
// final kind for what a counter cannot say: an operation that failed alone, a
// lost device, a cancelled context.
#pragma once

#include <atomic>
#include <cstdint>

#include "sporkle.h"

namespace sporkle {

enum class FenceKind : uint32_t { free = 0, pending = 1, signalled = 2, failed = 3 };

struct FenceState {
  uint64_t word = 0;

  static constexpr uint64_t code_shift = 2, owned_shift = 10, moving_shift = 11;
  static constexpr uint64_t timeline_shift = 13, generation_shift = 25;
  static constexpr uint64_t generation_limit = (uint64_t{1} << 39) - 1;

  static FenceState make(uint64_t generation, uint32_t timeline, FenceKind kind, bool owned) {
    return {generation << generation_shift | uint64_t{timeline} << timeline_shift |
            uint64_t{owned} << owned_shift | static_cast<uint64_t>(kind)};
  }
  uint64_t generation() const { return word >> generation_shift; }
  uint32_t timeline() const { return static_cast<uint32_t>(word >> timeline_shift) & 0xfff; }
  bool moving() const { return (word >> moving_shift & 1) != 0; }
  bool owned() const { return (word >> owned_shift & 1) != 0; }
  FenceKind kind() const { return static_cast<FenceKind>(word & 3); }
  sporkle_status code() const { return -static_cast<sporkle_status>(word >> code_shift & 0xff); }

  FenceState with_failure(sporkle_status status) const {
    const uint64_t code = static_cast<uint64_t>(-status) & 0xff;
    return {(word & ~(uint64_t{0xff} << code_shift | 3)) | code << code_shift |
            static_cast<uint64_t>(FenceKind::failed)};
  }
  FenceState with_signal() const {
    return {(word & ~uint64_t{3}) | static_cast<uint64_t>(FenceKind::signalled)};
  }
  FenceState with_moving(bool moving) const {
    return {(word & ~(uint64_t{1} << moving_shift)) | uint64_t{moving} << moving_shift};
  }
  FenceState with_timeline(uint32_t timeline) const {
    return {(word & ~(uint64_t{0xfff} << timeline_shift)) | uint64_t{timeline} << timeline_shift};
  }
};

struct FenceSlot {
  std::atomic<uint64_t> state{0};
  std::atomic<uint64_t> value{0};
};
static_assert(sizeof(FenceSlot) == 16, "a pool of 64 fences is 1 KiB");

// What a poll finds. `counter_of(timeline)` loads a timeline's counter with
// acquire order. A failure is written before its counter value is published,
// so re-reading the state after the counter cannot miss it.
template <class CounterOf>
sporkle_status fence_poll_slot(const FenceSlot& slot, uint64_t generation, CounterOf counter_of) {
  FenceState state{slot.state.load(std::memory_order_acquire)};
  for (;;) {
    if (state.generation() != generation) return SPORKLE_ERROR_INVALID_HANDLE;
    switch (state.kind()) {
      case FenceKind::free: return SPORKLE_ERROR_INVALID_HANDLE;
      case FenceKind::signalled: return SPORKLE_OK;
      case FenceKind::failed: return state.code();
      case FenceKind::pending: break;
    }
    if (state.moving()) return SPORKLE_NOT_READY;
    const uint64_t value = slot.value.load(std::memory_order_acquire);
    const uint64_t counter = counter_of(state.timeline());
    const FenceState again{slot.state.load(std::memory_order_acquire)};
    if (again.word == state.word) return counter >= value ? SPORKLE_OK : SPORKLE_NOT_READY;
    state = again;
  }
}

}  // namespace sporkle
