// Running a Winograd plan.
#include <algorithm>

#include "backends/cpu/winograd.h"

namespace sporkle::cpu {

namespace {

constexpr ptrdiff_t line = 16;  // floats

}  // namespace

// What a task needs beside the transformed input: scratch memory of the
// transform, sums, outputs of a tile, and the inputs of a tile that is computed
// directly.
ptrdiff_t WinogradPlan::task_floats() const noexcept {
  const ptrdiff_t scratch = winograd_input_floats(static_cast<int>(size_), block_tiles_);
  const ptrdiff_t direct = problem().c * positions_ + 16;
  return (tiles_.together ? 0 : input_floats()) + sums_floats() + outputs_floats() +
         std::max(scratch, direct) + (few_ ? positions_ * few_position() : 0);
}

uint64_t WinogradPlan::workspace_bytes() const noexcept {
  const uint64_t shared = tiles_.together ? sizeof(float) * input_floats() : 0;
  return (shared + 63) / 64 * 64 + TaskBlocks::bytes(threads_, sizeof(float) * task_floats());
}

WinogradPlan::Tile WinogradPlan::tile(ptrdiff_t index) const noexcept {
  const ptrdiff_t row = index / tile_columns_;
  return {row / tile_rows_, row % tile_rows_ * size_, index % tile_columns_ * size_};
}

void WinogradPlan::execute(const HostTensors& tensors, ParallelFor& parallel,
                           void* workspace) const noexcept {
  ParallelFor* pool = threads_for(kernels_, problem().flops() / 3, parallel);
  float* const shared = static_cast<float*>(workspace);
  const uint64_t before = tiles_.together ? (sizeof(float) * input_floats() + 63) / 64 * 64 : 0;
  TaskBlocks tasks(static_cast<char*>(workspace) + before, threads_,
                   sizeof(float) * task_floats());
  run_tile_blocks(
      tiles_, {problem().c, blocks_, parts_}, pool, tasks,
      [&](const Block& block, float* memory) {
        if (tiles_.together) return Run{tensors, block, shared, memory};
        return Run{tensors, block, memory, memory + input_floats()};
      },
      [this](const Run& run, ptrdiff_t first, ptrdiff_t last) {
        transform_input(run, first, last);
      },
      [this](const Run& run, ptrdiff_t channels, ptrdiff_t first, ptrdiff_t last) {
        run_channels(run, channels, first, last);
      },
      [this](ptrdiff_t tiles) { return groups(tiles); });
}

void WinogradPlan::transform_input(const Run& run, ptrdiff_t first, ptrdiff_t last) const noexcept {
  if (few_) return transform_few(run, first, last);
  WinogradInputArgs args = input_args(run, first, last);
  args.out = run.input + first * panel_tiles();
  args.out_position = input_position(run.block.count);
  args.out_panel = problem().c * panel_tiles();
  transforms_.input(args);
}

WinogradInputArgs WinogradPlan::input_args(const Run& run, ptrdiff_t first,
                                           ptrdiff_t last) const noexcept {
  const ConvProblem& p = problem();
  const ptrdiff_t row = run.block.first / tile_columns_;
  WinogradInputArgs args{};
  args.input = run.tensors.input + first * p.h * p.w;
  args.input_begin = run.tensors.input;
  args.input_floats = p.n * p.c * p.h * p.w;
  args.channels = last - first;
  args.image = p.c * p.h * p.w;
  args.height = p.h;
  args.width = p.w;
  args.pad_top = p.pad_top;
  args.pad_left = p.pad_left;
  args.tile_rows = tile_rows_;
  args.tile_columns = tile_columns_;
  args.first_image = row / tile_rows_;
  args.first_row = row % tile_rows_;
  args.first_column = run.block.first % tile_columns_;
  args.tiles = run.block.count;
  args.scratch = run.task + sums_floats() + outputs_floats();
  return args;
}

void WinogradPlan::run_channels(const Run& run, ptrdiff_t channels, ptrdiff_t first,
                                ptrdiff_t last) const noexcept {
  few_ ? multiply_few(run, channels, first, last) : multiply(run, channels, first, last);
  float* const outputs = run.task + sums_floats();
  const ptrdiff_t begin = first * group_tiles();
  const ptrdiff_t end = std::min<ptrdiff_t>(last * group_tiles(), run.block.count);
  WinogradInverseArgs args{};
  args.position = sums_position(run.block.count);
  args.vectors = vector_begin(channels + 1) - vector_begin(channels);
  args.out = outputs;
  for (ptrdiff_t t = begin; t < end; ++t) {
    const Tile at = tile(run.block.first + t);
    args.sums = run.task + t * row_floats();
    if (!transforms_.inverse(args)) compute_directly(run, channels, at, outputs);
    store(run, channels, at, outputs);
  }
}

void WinogradPlan::multiply(const Run& run, ptrdiff_t channels, ptrdiff_t first,
                            ptrdiff_t last) const noexcept {
  static constexpr ptrdiff_t origin = 0;
  const ptrdiff_t rows = kernels_.channel_rows, all = problem().c;
  const ptrdiff_t vectors = vector_begin(channels + 1) - vector_begin(channels);
  const ptrdiff_t lanes = vectors * kernels_.lanes;
  const ptrdiff_t end = std::min<ptrdiff_t>(last * rows, run.block.count);
  const float* const weights = weights_.floats() + lanes_begin(channels) * all * positions_;
  TileArgs args{};
  args.taps = &origin;
  args.tap_count = 1;
  args.x_channel = panel_tiles();
  args.w_channel = lanes;
  args.acc_row = row_floats();
  args.ahead_channel = divide_up(divide_up(lanes, last - first), line) * line;
  for (ptrdiff_t position = 0; position < positions_; ++position) {
    const float* const input = run.input + position * input_position(run.block.count);
    float* const sums = run.task + position * sums_position(run.block.count);
    for (ptrdiff_t c = 0; c < all; c += step_channels_) {
      args.w = weights + (position * all + c) * lanes;
      args.channels = std::min(step_channels_, all - c);
      args.accumulate = c > 0;
      // All groups of tiles together fetch the weights that come next: position and
      // channel after channel they are one stream.
      ptrdiff_t missing = args.channels * lanes;
      args.ahead = args.w + missing;
      for (ptrdiff_t t = first * rows; t < end; t += rows) {
        const ptrdiff_t count = std::min(rows, run.block.count - t);
        const ptrdiff_t panel = t / panel_tiles(), within = t % panel_tiles();
        args.x = input + (panel * all + c) * panel_tiles() + within;
        args.acc = sums + t * row_floats();
        args.ahead_lines = missing > 0 ? divide_up(args.ahead_channel, line) : 0;
        kernels_.channel_tile[count][vectors](args);
        args.ahead += args.channels * args.ahead_channel;
        missing -= args.channels * args.ahead_channel;
      }
    }
  }
}

// The transforms mix the inputs of a tile: one value that is not finite, or too
// large for them, would spread to outputs that do not depend on it.
void WinogradPlan::compute_directly(const Run& run, ptrdiff_t channels, const Tile& at,
                                    float* outputs) const noexcept {
  const ConvProblem& p = problem();
  const ptrdiff_t n = size_ + 2;
  const ptrdiff_t vectors = vector_begin(channels + 1) - vector_begin(channels);
  const ptrdiff_t lanes = vectors * kernels_.lanes;
  float* const patch = outputs + outputs_floats();
  const ptrdiff_t origin = 0;
  const ptrdiff_t top = at.y - p.pad_top, left = at.x - p.pad_left;
  kernels_.pack({run.tensors.input + at.image * p.c * p.h * p.w, p.c, p.h, p.w, &origin, &origin,
                 1, 1, 1, 1, top, left, n, n, patch, positions_});
  ptrdiff_t taps[9];
  for (ptrdiff_t i = 0; i < 9; ++i) taps[i] = i / 3 * n + i % 3;
  TileArgs args{};
  args.w = direct_.floats() + lanes_begin(channels) * p.c * 9;
  args.taps = taps;
  args.tap_count = 9;
  args.channels = p.c;
  args.x_channel = positions_;
  args.w_channel = 9 * lanes;
  args.acc_row = row_floats();
  for (ptrdiff_t i = 0; i < size_; ++i) {
    for (ptrdiff_t j = 0; j < size_; j += kernels_.channel_rows) {
      args.x = patch + i * n + j;
      args.acc = outputs + (i * size_ + j) * row_floats();
      kernels_.channel_tile[std::min<ptrdiff_t>(size_ - j, kernels_.channel_rows)][vectors](args);
    }
  }
}

void WinogradPlan::store(const Run& run, ptrdiff_t channels, const Tile& at,
                         const float* outputs) const noexcept {
  const ConvProblem& p = problem();
  const ptrdiff_t begin = lanes_begin(channels);
  const ptrdiff_t plane = p.out_h * p.out_w;
  const ptrdiff_t first = (at.image * p.k + begin) * plane + at.y * p.out_w + at.x;
  FinishArgs activation{};
  set_activation(p, &activation);
  WinogradStoreArgs args{};
  args.sums = outputs;
  args.channels = std::min<ptrdiff_t>(p.k, lanes_begin(channels + 1)) - begin;
  args.bias = bias_.floats() + begin;
  args.residual = run.tensors.residual == nullptr ? nullptr : run.tensors.residual + first;
  args.output = run.tensors.output + first;
  args.plane = plane;
  args.width = p.out_w;
  args.rows = std::min<ptrdiff_t>(size_, p.out_h - at.y);
  args.columns = std::min<ptrdiff_t>(size_, p.out_w - at.x);
  args.activate = activation.activate;
  args.low = activation.low;
  args.high = activation.high;
  transforms_.store(args);
}

}  // namespace sporkle::cpu
