// Into how many pieces a synchronous call on ordinary memory splits its batch.
// Pure arithmetic.
#pragma once

#include <algorithm>
#include <cstdint>

namespace sporkle::gl {

// What a piece costs beyond its share: a submit, the driver's time for its two copies,
// a batch with its sync object, and a device that is filled later. On an H100 the
// headline's batch of 4 took 409, 494 and 668 us in 1, 2 and 4 pieces, from the first
// submit to the end.
constexpr uint64_t piece_cost_ns = 85000;
constexpr uint32_t piece_limit = 8;

// `copy_in_ns`: the CPU's copies into staging memory. `device_ns`: transfers and
// computation of the whole batch. p pieces take
//   max(copy_in, device) + min(copy_in, device) / p + (p - 1) * piece_cost,
// so each doubling must save more of the shorter stage than its pieces cost.
inline uint32_t choose_pieces(uint64_t copy_in_ns, uint64_t device_ns, uint64_t images,
                              uint64_t most) noexcept {
  const uint64_t shorter = std::min(copy_in_ns, device_ns);
  const uint64_t limit = std::min({images, most, uint64_t{piece_limit}});
  uint32_t pieces = 1;
  while (pieces * 2u <= limit && shorter / 2 > uint64_t{pieces} * pieces * piece_cost_ns) {
    pieces *= 2;
  }
  return pieces;
}

}  // namespace sporkle::gl
