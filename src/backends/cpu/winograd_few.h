// What both plans for few Winograd tiles share: winograd_few.cpp, blocked_winograd.cpp.
#pragma once

#include <algorithm>

#include "backends/cpu/geometry.h"
#include "backends/cpu/kernels.h"

namespace sporkle::cpu {

// The products of one vector of output channels with a group of tiles.
struct WinogradFewProducts {
  const float* w;      // [channel][tap][lane]
  const float* x;      // [row of positions][channel][column][tile]
  ptrdiff_t channels;
  float* sums;
  ptrdiff_t sums_position, sums_tile;
};

// A row of positions at a time goes over some channels, whose weights stay in the level-1
// cache for all six rows.
inline void winograd_few_multiply(const Kernels& kernels,
                                  const WinogradFewProducts& all) noexcept {
  constexpr ptrdiff_t rows = 6, step_floats = 24 * 1024 / 4;
  const ptrdiff_t weight = 9 * kernels.lanes, inputs = rows * kernels.winograd_few.tiles;
  const ptrdiff_t steps = divide_up(all.channels, step_floats / weight);
  const ptrdiff_t step = divide_up(all.channels, steps);
  WinogradFewArgs args{};
  args.sums_position = all.sums_position;
  args.sums_tile = all.sums_tile;
  for (ptrdiff_t c = 0; c < all.channels; c += step) {
    args.w = all.w + c * weight;
    args.channels = std::min(step, all.channels - c);
    args.accumulate = c > 0;
    const float* const next = args.w + args.channels * weight;
    for (ptrdiff_t row = 0; row < rows; ++row) {
      args.x = all.x + (row * all.channels + c) * inputs;
      args.sums = all.sums + row * rows * all.sums_position;
      args.ahead = reinterpret_cast<const char*>(next + row * args.channels * weight / rows);
      kernels.winograd_few.row[row](args);
    }
  }
}

}  // namespace sporkle::cpu
