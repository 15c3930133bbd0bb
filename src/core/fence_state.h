// The state word of a slot:
//   {generation 39 | timeline 12 | moved 1 | moving 1 | owned 1 | code 8 | kind 2}
//
// A pending slot is answered by its timeline's counter. A final kind is written
// for what a counter cannot say: an operation that failed alone, a lost device,
// a cancelled context.
#pragma once

#include <cstdint>

#include "sporkle.h"

namespace sporkle {

enum class FenceKind : uint32_t { free = 0, pending = 1, signalled = 2, failed = 3 };

struct FenceState {
  uint64_t word = 0;

  static constexpr uint64_t code_shift = 2, owned_shift = 10, moving_shift = 11, moved_shift = 12;
  static constexpr uint64_t timeline_shift = 13, generation_shift = 25;
  static constexpr uint64_t generation_limit = (uint64_t{1} << 39) - 1;

  static FenceState make(uint64_t generation, uint32_t timeline, FenceKind kind, bool owned) {
    return {generation << generation_shift | uint64_t{timeline} << timeline_shift |
            uint64_t{owned} << owned_shift | static_cast<uint64_t>(kind)};
  }
  uint64_t generation() const { return word >> generation_shift; }
  uint32_t timeline() const { return static_cast<uint32_t>(word >> timeline_shift) & 0xfff; }
  bool moved() const { return (word >> moved_shift & 1) != 0; }
  bool moving() const { return (word >> moving_shift & 1) != 0; }
  bool owned() const { return (word >> owned_shift & 1) != 0; }
  FenceKind kind() const { return static_cast<FenceKind>(word & 3); }
  sporkle_status code() const { return -static_cast<sporkle_status>(word >> code_shift & 0xff); }
  bool pending(uint64_t of_generation) const {
    return generation() == of_generation && kind() == FenceKind::pending;
  }

  FenceState with_failure(sporkle_status status) const {
    const uint64_t code = static_cast<uint64_t>(-status) & 0xff;
    return {(word & ~(uint64_t{0xff} << code_shift | 3)) | code << code_shift |
            static_cast<uint64_t>(FenceKind::failed)};
  }
  // A move sets both bits and takes the first away when it is complete.
  FenceState with_move_begun() const {
    return {word | uint64_t{1} << moving_shift | uint64_t{1} << moved_shift};
  }
  FenceState with_move_ended() const { return {word & ~(uint64_t{1} << moving_shift)}; }
  FenceState with_timeline(uint32_t timeline) const {
    return {(word & ~(uint64_t{0xfff} << timeline_shift)) | uint64_t{timeline} << timeline_shift};
  }
};

// A handle's index and generation, as the submitting code and the device hold it.
struct FenceRef {
  uint32_t slot = 0;
  uint64_t generation = 0;  // 0: no fence

  explicit operator bool() const { return generation != 0; }
};

}  // namespace sporkle
