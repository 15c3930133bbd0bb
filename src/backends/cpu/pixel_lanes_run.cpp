// Running a pixel-lanes plan.
#include <algorithm>

#include "backends/cpu/pixel_lanes.h"
#include "backends/cpu/schedule.h"

namespace sporkle::cpu {

namespace {

// Longest tile in pixels: every pixel may be in a row of its own.
constexpr ptrdiff_t segments_limit = tile_vectors_limit * 16;

}  // namespace

PixelLanesPlan::Task PixelLanesPlan::task(int64_t index) const noexcept {
  const ptrdiff_t down = divide_up(flat_.out_h, geometry_.block_rows());
  const ptrdiff_t across = divide_up(flat_.out_w, geometry_.block_columns());
  Task t{};
  const ptrdiff_t part = index % split_;
  index /= split_;
  // Whole tiles, as even as possible.
  const ptrdiff_t tiles = divide_up(flat_.out_w, tile_), column = index % across;
  t.x = column * tiles / across * tile_;
  const ptrdiff_t end = std::min<ptrdiff_t>((column + 1) * tiles / across * tile_, flat_.out_w);
  t.columns = end - t.x;
  index /= across;
  t.y = index % down * geometry_.block_rows();
  index /= down;
  t.group = index % flat_.groups;
  t.image = index / flat_.groups;
  t.rows = std::min<ptrdiff_t>(geometry_.block_rows(), flat_.out_h - t.y);
  t.first_block = part * blocks_ / split_;
  t.last_block = (part + 1) * blocks_ / split_;
  return t;
}

void PixelLanesPlan::execute(const HostTensors& tensors, ParallelFor& parallel,
                             void* workspace) const noexcept {
  TaskBlocks blocks(workspace, threads_, task_floats() * sizeof(float));
  const int64_t count = flat_.n * flat_.groups * divide_up(flat_.out_h, geometry_.block_rows()) *
                        divide_up(flat_.out_w, geometry_.block_columns()) * split_;
  ParallelFor* pool = threads_for(kernels_, flat_.flops(), parallel);
  for_ranges(pool, count, 16, [&](int64_t first, int64_t last) {
    const TaskBlock block(blocks);
    for (int64_t i = first; i < last; ++i) {
      const Task t = task(i);
      run_task({tensors, t, block.floats(), block.floats() + slab_floats()});
    }
  });
}

void PixelLanesPlan::run_task(const Run& run) const noexcept {
  // Lanes past the last pixel read this; what they hold is dropped.
  const ptrdiff_t channel = in_place_ ? tile_ : geometry_.channel_floats();
  std::fill(run.slab + step_channels_ * channel, run.slab + slab_floats(), 0.0f);
  const ptrdiff_t channels = flat_.group_c();
  for (ptrdiff_t c = 0; c < channels; c += step_channels_) {
    run_step(run, c, c + step_channels_ >= channels);
  }
}

const float* PixelLanesPlan::input_of(const Run& run, ptrdiff_t first_channel) const noexcept {
  const Task& t = run.task;
  const ptrdiff_t channel = t.image * flat_.c + t.group * flat_.group_c() + first_channel;
  return run.tensors.input + channel * flat_.h * flat_.w;
}

void PixelLanesPlan::run_step(const Run& run, ptrdiff_t first_channel, bool last) const noexcept {
  const Task& t = run.task;
  const ptrdiff_t channels = std::min<ptrdiff_t>(step_channels_, flat_.group_c() - first_channel);
  if (!in_place_) {
    kernels_.pack(geometry_.pack_args(input_of(run, first_channel), channels, t.y, t.x, run.slab));
  }
  const ptrdiff_t count = tiles(t);
  for (ptrdiff_t tile = 0; tile < count; ++tile) run_tile(run, tile, first_channel, channels, last);
}

ptrdiff_t PixelLanesPlan::tiles(const Task& t) const noexcept {
  if (row_tiles_ > 0) return t.rows * row_tiles_;
  return divide_up((t.rows - 1) * geometry_.pitch() + t.columns, tile_);
}

// Positions of a tile, numbered with the pitch of the planes.
PixelLanesPlan::Span PixelLanesPlan::span(const Task& t, ptrdiff_t tile) const noexcept {
  if (row_tiles_ == 0) {
    const ptrdiff_t positions = (t.rows - 1) * geometry_.pitch() + t.columns;
    return {tile * tile_, std::min(tile_, positions - tile * tile_)};
  }
  const ptrdiff_t row = tile / row_tiles_, part = tile % row_tiles_;
  const ptrdiff_t vectors = divide_up(t.columns, kernels_.lanes);
  const ptrdiff_t begin = part * vectors / row_tiles_ * kernels_.lanes;
  const ptrdiff_t end = (part + 1) * vectors / row_tiles_ * kernels_.lanes;
  return {row * geometry_.pitch() + begin, std::min(end, t.columns) - begin};
}

// A tile that is not full would read past the end of the input.
const float* PixelLanesPlan::pack_tile(const Run& run, const float* input, ptrdiff_t first,
                                       ptrdiff_t channels) const noexcept {
  PackArgs args = geometry_.pack_args(input, channels, 0, run.task.x + first, run.slab);
  args.columns = tile_;
  args.out_channel = tile_;
  kernels_.pack(args);
  return run.slab;
}

// Every channel block of the task for one tile of pixels.
void PixelLanesPlan::run_tile(const Run& run, ptrdiff_t tile, ptrdiff_t first_channel,
                              ptrdiff_t channels, bool last) const noexcept {
  const Task& t = run.task;
  const ptrdiff_t taps = flat_.kernel_h * flat_.kernel_w;
  const auto [begin, count] = span(t, tile);
  const ptrdiff_t vectors = divide_up(count, kernels_.lanes);
  Segment runs[segments_limit];
  const ptrdiff_t run_count = last ? segments(t, begin, count, runs) : 0;
  TileArgs args{};
  args.x = run.slab + begin;
  args.x_channel = geometry_.channel_floats();
  if (in_place_) {
    const float* input = input_of(run, first_channel);
    const bool full = count == tile_;
    args.x = full ? input + t.x + begin : pack_tile(run, input, begin, channels);
    args.x_channel = full ? flat_.w : tile_;
  }
  args.taps = geometry_.taps().data();
  args.tap_count = taps;
  args.channels = channels;
  args.acc_row = tile_;
  args.accumulate = first_channel > 0;
  const bool held = steps() > 1;
  const ptrdiff_t group_k = t.group * flat_.group_k();
  for (ptrdiff_t block = t.first_block; block < t.last_block; ++block) {
    const ptrdiff_t k = group_k + block_begin(block);
    const ptrdiff_t rows = block_begin(block + 1) - block_begin(block);
    args.w = weights_.floats() + (k * flat_.group_c() + first_channel * rows) * taps;
    args.w_channel = rows * taps;
    const ptrdiff_t part_blocks = t.last_block - t.first_block;
    args.acc = held ? run.sums + (tile * part_blocks + block - t.first_block) * rows_ * tile_
                    : run.sums;
    const FinishArgs finish = finish_args(run, k, rows, args.acc, runs, run_count);
    const bool straight = last && run_count == 1 && runs[0].count == vectors * kernels_.lanes;
    args.finish = straight ? &finish : nullptr;
    // Segments follow each other in the output.
    args.out = run_count > 0 ? finish.output + runs[0].target : nullptr;
    args.out_row = finish.plane;
    if (in_place_ && count == tile_) {
      // Each block fetches some columns of the next tile: runs too short for the
      // hardware's own prefetching.
      const ptrdiff_t part = block - t.first_block, lines = divide_up(tile_, 16);
      const ptrdiff_t from = part * lines / part_blocks;
      args.ahead = args.x + tile_ + 16 * from;
      args.ahead_channel = flat_.w;
      args.ahead_lines = (part + 1) * lines / part_blocks - from;
    }
    kernels_.pixel_tile[rows][vectors](args);
    if (last && !straight) kernels_.finish(finish);
  }
}

// The parts of a tile that are outputs, in terms of the output plane.
ptrdiff_t PixelLanesPlan::segments(const Task& t, ptrdiff_t first, ptrdiff_t count,
                                   Segment* out) const noexcept {
  const ptrdiff_t pitch = geometry_.pitch();
  ptrdiff_t found = 0;
  for (ptrdiff_t row = first / pitch; row < t.rows && row * pitch < first + count; ++row) {
    const ptrdiff_t begin = std::max(row * pitch, first);
    const ptrdiff_t end = std::min(row * pitch + t.columns, first + count);
    if (begin >= end) continue;
    const ptrdiff_t column = t.x + begin - row * pitch;
    out[found++] = {begin - first, (t.y + row) * flat_.out_w + column, end - begin};
  }
  return found;
}

FinishArgs PixelLanesPlan::finish_args(const Run& run, ptrdiff_t first_k, ptrdiff_t rows,
                                       const float* acc, const Segment* segments,
                                       ptrdiff_t segment_count) const noexcept {
  const ptrdiff_t plane = flat_.out_h * flat_.out_w;
  const ptrdiff_t at = (run.task.image * flat_.k + first_k) * plane;
  FinishArgs args{};
  args.acc = acc;
  args.acc_row = tile_;
  args.rows = rows;
  args.segments = segments;
  args.segment_count = segment_count;
  args.bias = flat_.has_bias ? bias_.floats() + first_k : nullptr;
  args.residual = run.tensors.residual == nullptr ? nullptr : run.tensors.residual + at;
  args.output = run.tensors.output + at;
  args.plane = plane;
  set_activation(flat_, &args);
  return args;
}

}  // namespace sporkle::cpu
