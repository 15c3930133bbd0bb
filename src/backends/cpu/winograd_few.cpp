// F(4 x 4, 3 x 3) for few tiles: transformed weights would be four times as large as the
// weights, and reading them takes longer than the products of few tiles. Here
// the products transform them in registers.
#include <algorithm>

#include "backends/cpu/winograd.h"
#include "backends/cpu/winograd_few.h"
#include "backends/cpu/winograd_weights.h"

namespace sporkle::cpu {

namespace {

constexpr ptrdiff_t rows = 6;  // of positions, and columns

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
  const ptrdiff_t all = problem().c;
  for (ptrdiff_t g = first; g < last; ++g) {
    winograd_few_multiply(kernels_, {direct_.floats() + lanes_begin(channels) * all * 9,
                                     run.input + g * few_group(), all,
                                     run.task + g * group_tiles() * row_floats(),
                                     sums_position(run.block.count), row_floats()});
  }
}

}  // namespace sporkle::cpu
