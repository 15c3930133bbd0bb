#include "backends/cpu/geometry.h"

#include <algorithm>

namespace sporkle::cpu {

Axis::Axis(std::pmr::memory_resource* memory, int64_t kernel, int64_t stride, int64_t dilation,
           int64_t pad)
    : phases(memory), phase_of_tap(memory), shift_of_tap(memory) {
  phase_of_tap.reserve(static_cast<size_t>(kernel));
  shift_of_tap.reserve(static_cast<size_t>(kernel));
  for (int64_t tap = 0; tap < kernel; ++tap) {
    const ptrdiff_t phase = tap * dilation % stride - pad;
    auto found = std::find(phases.begin(), phases.end(), phase);
    if (found == phases.end()) found = phases.insert(phases.end(), phase);
    phase_of_tap.push_back(found - phases.begin());
    shift_of_tap.push_back(tap * dilation / stride);
    reach = std::max(reach, shift_of_tap.back());
  }
}

Geometry::Geometry(const ConvProblem& p, std::pmr::memory_resource* memory)
    : height_(p.h), width_(p.w), stride_h_(p.stride_h), stride_w_(p.stride_w),
      kernel_h_(p.kernel_h), kernel_w_(p.kernel_w),
      rows_(memory, p.kernel_h, p.stride_h, p.dilation_h, p.pad_top),
      columns_(memory, p.kernel_w, p.stride_w, p.dilation_w, p.pad_left),
      taps_(static_cast<size_t>(p.kernel_h * p.kernel_w), 0, memory) {}

ptrdiff_t Geometry::floats_for(ptrdiff_t rows, ptrdiff_t columns) const noexcept {
  const auto planes = static_cast<ptrdiff_t>(rows_.phases.size() * columns_.phases.size());
  return planes * (rows + rows_.reach) * (columns + columns_.reach);
}

ptrdiff_t Geometry::floats_touched(ptrdiff_t count) const noexcept {
  // Every kernel row is a row of its own in some plane.
  return kernel_h_ * static_cast<ptrdiff_t>(columns_.phases.size()) * (count + 16);
}

void Geometry::set_block(ptrdiff_t block_rows, ptrdiff_t block_columns) {
  block_rows_ = block_rows;
  block_columns_ = block_columns;
  // An odd number of cache lines: channels spread over the sets of the cache.
  channel_floats_ = (divide_up(floats_for(block_rows, block_columns), 16) | 1) * 16;
  const ptrdiff_t plane = (block_rows + rows_.reach) * pitch();
  const auto column_phases = static_cast<ptrdiff_t>(columns_.phases.size());
  for (ptrdiff_t r = 0; r < kernel_h_; ++r) {
    for (ptrdiff_t s = 0; s < kernel_w_; ++s) {
      const ptrdiff_t which = rows_.phase_of_tap[r] * column_phases + columns_.phase_of_tap[s];
      taps_[r * kernel_w_ + s] =
          which * plane + rows_.shift_of_tap[r] * pitch() + columns_.shift_of_tap[s];
    }
  }
}

PackArgs Geometry::pack_args(const float* input, ptrdiff_t channels, ptrdiff_t y, ptrdiff_t x,
                             float* out) const noexcept {
  PackArgs args{};
  args.input = input;
  args.channels = channels;
  args.height = height_;
  args.width = width_;
  args.row_phases = rows_.phases.data();
  args.column_phases = columns_.phases.data();
  args.row_phase_count = static_cast<ptrdiff_t>(rows_.phases.size());
  args.column_phase_count = static_cast<ptrdiff_t>(columns_.phases.size());
  args.stride_h = stride_h_;
  args.stride_w = stride_w_;
  args.first_row = y;
  args.first_column = x;
  args.rows = block_rows_ + rows_.reach;
  args.columns = pitch();
  args.out = out;
  args.out_channel = channel_floats_;
  return args;
}

bool is_pointwise(const ConvProblem& p) noexcept {
  return p.kernel_h == 1 && p.kernel_w == 1 && p.stride_h == 1 && p.stride_w == 1 &&
         p.pad_top == 0 && p.pad_left == 0 && p.pad_bottom == 0 && p.pad_right == 0;
}

ConvProblem flattened(const ConvProblem& problem) noexcept {
  if (!is_pointwise(problem)) return problem;
  ConvProblem flat = problem;
  flat.w = flat.out_w = problem.h * problem.w;
  flat.h = flat.out_h = 1;
  return flat;
}

}  // namespace sporkle::cpu
