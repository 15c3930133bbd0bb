// F(4 x 4, 3 x 3) for few tiles: transformed weights would be four times as large as the
// weights, and reading them takes longer than the products of few tiles. Here
// the products transform them in registers. A row of positions at a time goes over some
// channels, whose weights stay in the level-1 cache for all six rows.
#include <algorithm>

#include "backends/cpu/winograd.h"
#include "backends/cpu/winograd_weights.h"

namespace sporkle::cpu {

namespace {

constexpr ptrdiff_t rows = 6;  // of positions, and columns
// Weights of a step, in the level-1 cache.
constexpr ptrdiff_t step_floats = 24 * 1024 / 4;

}  // namespace

// From [position][panel][channel][tile] of some channels to what the products read, times
// the factors that their transformation of the weights leaves out.
void WinogradPlan::transform_few(const Run& run, ptrdiff_t first, ptrdiff_t last) const noexcept {
  const ptrdiff_t tiles = run.block.count, group = group_tiles();
  float scales[rows];
  for (int i = 0; i < rows; ++i) scales[i] = static_cast<float>(weight_scale(4, i));
  float* const from = run.task + task_floats() - positions_ * few_position();
  for (ptrdiff_t c = first; c < last; c += few_channels) {
    const ptrdiff_t count = std::min(few_channels, last - c);
    WinogradInputArgs args = input_args(run, c, c + count);
    args.out = from;
    args.out_position = few_position();
    args.out_panel = few_channels * panel_tiles();
    transforms_.input(args);
    for (ptrdiff_t t = 0; t < groups(tiles) * group; t += group) {
      const ptrdiff_t real = std::min(group, tiles - t);
      for (ptrdiff_t i = 0; i < positions_; ++i) {
        const float* x = from + i * few_position() + t;
        float* to = run.input + t / group * few_group() +
                    (i / rows * problem().c + c) * rows * group + i % rows * group;
        const float scale = scales[i / rows] * scales[i % rows];
        for (ptrdiff_t k = 0; k < count; ++k, x += panel_tiles(), to += rows * group) {
          for (ptrdiff_t n = 0; n < real; ++n) to[n] = x[n] * scale;
          for (ptrdiff_t n = real; n < group; ++n) to[n] = 0.0f;
        }
      }
    }
  }
}

void WinogradPlan::multiply_few(const Run& run, ptrdiff_t channels, ptrdiff_t first,
                                ptrdiff_t last) const noexcept {
  const ptrdiff_t all = problem().c, lanes = kernels_.lanes, group = group_tiles();
  const float* const weights = direct_.floats() + lanes_begin(channels) * all * 9;
  const ptrdiff_t fitting = step_floats / (9 * lanes);
  const ptrdiff_t step = divide_up(all, divide_up(all, fitting));
  const ptrdiff_t position = sums_position(run.block.count);
  WinogradFewArgs args{};
  args.sums_position = position;
  args.sums_tile = row_floats();
  for (ptrdiff_t c = 0; c < all; c += step) {
    args.w = weights + c * 9 * lanes;
    args.channels = std::min(step, all - c);
    args.accumulate = c > 0;
    const float* const next = args.w + args.channels * 9 * lanes;
    for (ptrdiff_t g = first; g < last; ++g) {
      for (ptrdiff_t row = 0; row < rows; ++row) {
        args.x = run.input + g * few_group() + (row * all + c) * rows * group;
        args.sums = run.task + row * rows * position + g * group * row_floats();
        args.ahead = reinterpret_cast<const char*>(next + row * args.channels * 9 * lanes / rows);
        kernels_.winograd_few.row[row](args);
      }
    }
  }
}

}  // namespace sporkle::cpu
