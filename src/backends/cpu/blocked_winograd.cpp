// Winograd's algorithm on blocked tensors: both transforms work on whole
// vectors of channels where they lie.
#include <algorithm>
#include <cstring>

#include "backends/cpu/blocked_step.h"
#include "backends/cpu/winograd_weights.h"

namespace sporkle::cpu {

namespace {

// Fewer tiles would read the weights too often.
constexpr ptrdiff_t tiles_least = 28, tiles_most = 112;
constexpr ptrdiff_t line_bytes = 64;
constexpr ptrdiff_t taps = 9;

ptrdiff_t lines(uint64_t bytes) noexcept { return static_cast<ptrdiff_t>((bytes + 63) / 64 * 64); }

}  // namespace

BlockedWinograd::BlockedWinograd(const PlanRequest& request, int size, bool few)
    : BlockedStep(request),
      size_(size),
      positions_((size + 2) * (size + 2)),
      tile_rows_(divide_up(request.problem.out_h, size)),
      tile_columns_(divide_up(request.problem.out_w, size)),
      tiles_{request.problem.n * tile_rows_ * tile_columns_},
      few_(few) {
  choose_tiles(request.level2_bytes);
  usable_ = above_denormals(request.weights, request.problem.weights_bytes() / sizeof(float));
  few ? pack_few(request) : pack_weights(request);
}

void BlockedWinograd::choose_tiles(uint64_t cache) {
  if (few_) {
    tiles_.share(tiles_.tiles);
  } else {
    const ptrdiff_t each = positions_ * lanes_ * (in_blocks_ + blocked_vectors);
    const ptrdiff_t fitting = static_cast<ptrdiff_t>(cache / sizeof(float)) * 3 / 4 / each;
    tiles_.divide(fitting, tiles_least, tiles_most, kernels_.blocked.rows, threads_);
  }
  most_tiles_ = tiles_.largest();
}

// [block][position][block of input channels][channel][output channel],
// transformed in float64, and the direct form beside it.
void BlockedWinograd::pack_weights(const PlanRequest& request) {
  direct_ = pack_direct(request);
  const uint64_t floats =
      static_cast<uint64_t>(vectors_ * lanes_ * positions_ * in_blocks_ * lanes_);
  weights_ = AlignedBlock(request.memory, sizeof(float) * floats);
  const ptrdiff_t channels = in_blocks_ * lanes_;
  for (ptrdiff_t b = 0; b < blocks_; ++b) {
    const ptrdiff_t width = vectors(b) * lanes_;
    float* out = weights_.floats() + weights_before(b, positions_);
    for (ptrdiff_t c = 0; c < channels; ++c, out += width) {
      const float* const from = direct_.floats() + weights_before(b, taps) +
                                (c / lanes_ * taps * lanes_ + c % lanes_) * width;
      usable_ &= transform_channel(static_cast<int>(size_), from, lanes_ * width, width, out,
                                   channels * width);
    }
  }
}

ptrdiff_t BlockedWinograd::task_floats() const noexcept {
  return (tiles_.together ? 0 : input_floats()) + sums_floats() + outputs_floats() +
         positions_ * in_blocks_ * lanes_;
}

uint64_t BlockedWinograd::workspace_bytes() const noexcept {
  const uint64_t shared = tiles_.together ? sizeof(float) * (input_floats() + mixed_floats()) : 0;
  return lines(shared) + TaskBlocks::bytes(threads_, sizeof(float) * task_floats());
}

void BlockedWinograd::execute(const BlockedOperands& operands, ParallelFor& parallel,
                              void* workspace) const noexcept {
  ParallelFor* pool = threads_for(kernels_, problem_.flops() / 3, parallel);
  float* const shared = static_cast<float*>(workspace);
  float* const mixed = shared + input_floats();
  const ptrdiff_t before =
      tiles_.together ? lines(sizeof(float) * (input_floats() + mixed_floats())) : 0;
  TaskBlocks tasks(static_cast<char*>(workspace) + before, threads_,
                   sizeof(float) * task_floats());
  run_tile_blocks(
      tiles_, {in_blocks_, blocks_, threads_}, pool, tasks,
      [&](const Tiles& tiles, float* memory) {
        if (tiles_.together) return Run{operands, tiles, shared, mixed, memory};
        return Run{operands, tiles, memory, nullptr, memory + input_floats()};
      },
      [this](const Run& run, ptrdiff_t first, ptrdiff_t last) { transform(run, first, last); },
      [this](const Run& run, ptrdiff_t block, ptrdiff_t first, ptrdiff_t last) {
        run_channels(run, block, first, last);
      },
      [this](ptrdiff_t tiles) { return groups(tiles); });
}

void BlockedWinograd::transform(const Run& run, ptrdiff_t first_block,
                                ptrdiff_t last_block) const noexcept {
  BlockedInputArgs args{};
  args.block = x_.block();
  args.pitch = x_.pitch();
  args.height = x_.height;
  args.width = x_.width;
  args.blocks = last_block - first_block;
  args.out_position = input_position(run.tiles.count);
  args.out_block = run.tiles.count * lanes_;
  for (ptrdiff_t t = 0; t < run.tiles.count; ++t) {
    const ptrdiff_t row = (run.tiles.first + t) / tile_columns_;
    const ptrdiff_t column = (run.tiles.first + t) % tile_columns_;
    args.x = run.operands.x + row / tile_rows_ * x_.image() + first_block * x_.block();
    args.first_row = row % tile_rows_ * size_ - problem_.pad_top;
    args.first_column = column * size_ - problem_.pad_left;
    args.out = run.input + first_block * args.out_block + t * lanes_;
    kernels_.blocked.winograd_input[size_ / 2 - 1](args);
  }
  if (few_) mix(run, first_block, last_block);
}

// Groups [first, last) of the tiles.
void BlockedWinograd::run_channels(const Run& run, ptrdiff_t block, ptrdiff_t first,
                                   ptrdiff_t last) const noexcept {
  few_ ? multiply_few(run, block, first, last) : multiply(run, block, first, last);
  const ptrdiff_t width = vectors(block) * lanes_;
  float* const outputs = run.task + sums_floats();
  WinogradInverseArgs args{};
  args.position = sums_position(run.tiles.count);
  args.vectors = vectors(block);
  args.out = outputs;
  const ptrdiff_t end = group_begin(last, run.tiles.count);
  for (ptrdiff_t t = group_begin(first, run.tiles.count); t < end; ++t) {
    args.sums = run.task + t * width;
    if (!kernels_.winograd[size_ / 2 - 1].inverse(args)) {
      compute_directly(run, block, run.tiles.first + t, outputs);
    }
    finish(run, block, run.tiles.first + t, outputs);
  }
}

void BlockedWinograd::multiply(const Run& run, ptrdiff_t block, ptrdiff_t first,
                               ptrdiff_t last) const noexcept {
  static constexpr ptrdiff_t origin = 0;
  const ptrdiff_t count = run.tiles.count;
  const ptrdiff_t width = vectors(block) * lanes_, channels = in_blocks_ * lanes_;
  const float* w = weights_.floats() + weights_before(block, positions_);
  BlockedTileArgs args{};
  args.taps = &origin;
  args.tap_count = 1;
  args.channels = problem_.c;
  args.x_block = count * lanes_;
  args.w_block = lanes_ * width;
  args.out_row = width;
  args.out_vector = lanes_;
  for (ptrdiff_t position = 0; position < positions_; ++position, w += channels * width) {
    const float* const input = run.input + position * input_position(count);
    float* const sums = run.task + position * sums_position(count);
    // The weights of the next position, or of what comes next.
    const char* ahead = reinterpret_cast<const char*>(w + channels * width);
    const bool end = block + 1 == blocks_ && position + 1 == positions_;
    if (end) ahead = reinterpret_cast<const char*>(run.operands.next_weights);
    ptrdiff_t missing = static_cast<ptrdiff_t>(sizeof(float)) * channels * width;
    for (ptrdiff_t g = first; g < last; ++g) {
      const ptrdiff_t t = group_begin(g, count);
      args.x = input + t * lanes_;
      args.w = w;
      args.out = sums + t * width;
      args.ahead = ahead;
      args.ahead_step = missing > 0 ? line_bytes : 0;
      if (missing > 0) ahead += problem_.c * line_bytes;
      missing -= problem_.c * line_bytes;
      kernels_.blocked.tile[0][group_begin(g + 1, count) - t][vectors(block)](args);
    }
  }
}

// The transforms mix the inputs of a tile: one value that is not finite, or too
// large for them, would spread to outputs that do not depend on it.
void BlockedWinograd::compute_directly(const Run& run, ptrdiff_t block, ptrdiff_t tile,
                                       float* outputs) const noexcept {
  const ptrdiff_t n = size_ + 2, row = tile / tile_columns_;
  const ptrdiff_t top = row % tile_rows_ * size_ - problem_.pad_top;
  const ptrdiff_t left = tile % tile_columns_ * size_ - problem_.pad_left;
  const float* const image = run.operands.x + row / tile_rows_ * x_.image();
  float* const patch = outputs + outputs_floats();
  for (ptrdiff_t b = 0; b < in_blocks_; ++b) {
    for (ptrdiff_t i = 0; i < positions_; ++i) {
      const ptrdiff_t y = top + i / n, x = left + i % n;
      float* const to = patch + (b * positions_ + i) * lanes_;
      if (y < 0 || y >= x_.height || x < 0 || x >= x_.width) {
        std::fill_n(to, lanes_, 0.0f);
      } else {
        std::copy_n(image + b * x_.block() + y * x_.pitch() + x * lanes_, lanes_, to);
      }
    }
  }
  ptrdiff_t offsets[taps];
  for (ptrdiff_t i = 0; i < taps; ++i) offsets[i] = (i / 3 * n + i % 3) * lanes_;
  BlockedTileArgs args{};
  args.w = direct_.floats() + weights_before(block, taps);
  args.taps = offsets;
  args.tap_count = taps;
  args.channels = problem_.c;
  args.x_block = positions_ * lanes_;
  args.w_block = taps * lanes_ * vectors(block) * lanes_;
  args.ahead = reinterpret_cast<const char*>(args.w);
  args.out_row = outputs_row();
  args.out_vector = lanes_;
  for (ptrdiff_t i = 0; i < size_; ++i) {
    args.x = patch + i * n * lanes_;
    args.out = outputs + i * size_ * outputs_row();
    kernels_.blocked.tile[0][size_][vectors(block)](args);
  }
}

void BlockedWinograd::finish(const Run& run, ptrdiff_t block, ptrdiff_t tile,
                             const float* outputs) const noexcept {
  const ptrdiff_t row = tile / tile_columns_, image = row / tile_rows_;
  const ptrdiff_t y = row % tile_rows_ * size_, x = tile % tile_columns_ * size_;
  const ptrdiff_t vector = block * blocked_vectors;
  FinishArgs activation{};
  set_activation(problem_, &activation);
  BlockedFinishArgs args{};
  args.sums = outputs;
  args.sums_row = size_ * outputs_row();
  args.sums_column = outputs_row();
  args.rows = std::min<ptrdiff_t>(size_, problem_.out_h - y);
  args.columns = std::min<ptrdiff_t>(size_, problem_.out_w - x);
  args.vectors = vectors(block);
  args.bias = bias(block);
  if (run.operands.residual != nullptr) {
    args.residual = run.operands.residual + image * residual_.image() +
                    vector * residual_.block() + y * residual_.pitch() + x * lanes_;
  }
  args.residual_vector = residual_.block();
  args.residual_pitch = residual_.pitch();
  args.out = run.operands.out + image * out_.image() + vector * out_.block() + y * out_.pitch() +
             x * lanes_;
  args.out_vector = out_.block();
  args.out_pitch = out_.pitch();
  args.activate = activation.activate;
  args.low = activation.low;
  args.high = activation.high;
  kernels_.blocked.finish(args);
}

}  // namespace sporkle::cpu
