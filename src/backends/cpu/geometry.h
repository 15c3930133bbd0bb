// How strides, dilation and padding are taken out of the inner loops.
//
// A block of outputs reads its inputs from phase planes: for every residue of
// the stride that some tap needs, a plane of the padded input with only the
// rows and columns of that residue. There, neighbouring outputs are neighbours
// in memory for every tap, and a tap is a constant offset.
#pragma once

#include <memory_resource>
#include <vector>

#include "backends/cpu/kernels.h"
#include "core/conv_problem.h"

namespace sporkle::cpu {

// Of the outputs, seen from the input's rows or columns: one dimension.
struct Axis {
  std::pmr::vector<ptrdiff_t> phases;       // input index of plane index 0, output 0
  std::pmr::vector<ptrdiff_t> phase_of_tap; // index into phases
  std::pmr::vector<ptrdiff_t> shift_of_tap; // index within the plane at output 0
  ptrdiff_t reach = 0;                      // largest shift

  Axis(std::pmr::memory_resource* memory, int64_t kernel, int64_t stride, int64_t dilation,
       int64_t pad);
};

// A block of `block_rows` x `block_columns` outputs.
class Geometry {
 public:
  // Throws std::bad_alloc.
  Geometry(const ConvProblem& problem, std::pmr::memory_resource* memory);

  void set_block(ptrdiff_t block_rows, ptrdiff_t block_columns);

  ptrdiff_t block_rows() const noexcept { return block_rows_; }
  ptrdiff_t block_columns() const noexcept { return block_columns_; }
  // Plane width: output (y, x) of the block reads from y * pitch() + x + tap.
  ptrdiff_t pitch() const noexcept { return columns_.reach + block_columns_; }
  ptrdiff_t channel_floats() const noexcept { return channel_floats_; }
  const std::pmr::vector<ptrdiff_t>& taps() const noexcept { return taps_; }
  // Floats of one channel for a block of these outputs.
  ptrdiff_t floats_for(ptrdiff_t rows, ptrdiff_t columns) const noexcept;
  // Floats of one channel that a run of `count` outputs touches.
  ptrdiff_t floats_touched(ptrdiff_t count) const noexcept;

  // Packs `channels` channels of one image from `input` for the block at (y, x).
  PackArgs pack_args(const float* input, ptrdiff_t channels, ptrdiff_t y, ptrdiff_t x,
                     float* out) const noexcept;

 private:
  ptrdiff_t height_, width_, stride_h_, stride_w_, kernel_h_, kernel_w_;
  Axis rows_, columns_;
  std::pmr::vector<ptrdiff_t> taps_;
  ptrdiff_t block_rows_ = 0, block_columns_ = 0, channel_floats_ = 0;
};

// A convolution with a 1x1 kernel, no stride and no padding does not see rows:
// the same problem with each plane as one row. Others are returned unchanged.
ConvProblem flattened(const ConvProblem& problem) noexcept;
bool is_pointwise(const ConvProblem& problem) noexcept;

inline ptrdiff_t divide_up(ptrdiff_t value, ptrdiff_t by) noexcept { return (value + by - 1) / by; }

}  // namespace sporkle::cpu
