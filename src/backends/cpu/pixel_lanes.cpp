// Lanes over output pixels: a vector holds neighbouring outputs of one channel,
// a tile some output channels of them. The outputs of a block are numbered
// along its rows with the pitch of the phase planes, so that a tile runs on
// over the ends of rows; what falls between rows is computed and dropped.
#include <algorithm>

#include "backends/cpu/conv_plan.h"
#include "backends/cpu/geometry.h"
#include "backends/cpu/schedule.h"
#include "backends/cpu/workspace.h"
#include "base/memory.h"

namespace sporkle::cpu {

namespace {

// Activations that a tile reads again and again, in the level-1 cache.
constexpr ptrdiff_t tile_cache_floats = 40 * 1024 / 4;
// Packed activations and partial sums of a task, in the level-2 cache.
constexpr ptrdiff_t block_cache_floats = 256 * 1024 / 4;
constexpr ptrdiff_t sums_cache_floats = 512 * 1024 / 4;
// Channel blocks up to which a pointwise kernel reads its input in place.
constexpr ptrdiff_t blocks_in_place = 32;
// Fewer products per accumulator make loading and storing it show.
constexpr ptrdiff_t least_products = 256;

class PixelLanesPlan final : public ConvPlan {
 public:
  PixelLanesPlan(const PlanRequest& request, const char* algorithm);

  const char* algorithm() const noexcept override { return algorithm_; }
  uint64_t packed_bytes() const noexcept override { return weights_.size() + bias_.size(); }
  uint64_t workspace_bytes() const noexcept override {
    return TaskBlocks::bytes(threads_, task_floats() * sizeof(float));
  }
  void execute(const HostTensors& tensors, ParallelFor& parallel,
               void* workspace) const noexcept override;

 private:
  // A part of the output channels of a group in one block of one image.
  struct Task {
    ptrdiff_t image, group, y, x, rows, columns, first_block, last_block;
  };
  // What a running task works on.
  struct Run {
    const HostTensors& tensors;
    const Task& task;
    float* slab;
    float* sums;
  };

  bool reads_in_place() const noexcept;
  void choose_channels();
  void choose_block();
  void pack_weights(const float* weights);
  ptrdiff_t slab_floats() const noexcept;
  ptrdiff_t task_floats() const noexcept;
  // Output channels are divided evenly into blocks of at most `rows_` rows.
  ptrdiff_t block_begin(ptrdiff_t block) const noexcept {
    return block * flat_.group_k() / blocks_;
  }
  ptrdiff_t steps() const noexcept { return divide_up(flat_.group_c(), step_channels_); }

  Task task(int64_t index) const noexcept;
  void run_task(const Run& run) const noexcept;
  void run_step(const Run& run, ptrdiff_t first_channel, bool last) const noexcept;
  const float* input_of(const Run& run, ptrdiff_t first_channel) const noexcept;
  const float* pack_tile(const Run& run, const float* input, ptrdiff_t first,
                         ptrdiff_t channels) const noexcept;
  void run_tile(const Run& run, ptrdiff_t tile, ptrdiff_t first_channel, ptrdiff_t channels,
                bool last) const noexcept;
  ptrdiff_t segments(const Task& task, ptrdiff_t first, ptrdiff_t count,
                     Segment* out) const noexcept;
  void finish_rows(const Run& run, ptrdiff_t first_k, ptrdiff_t rows, const float* acc,
                   const Segment* segments, ptrdiff_t segment_count) const noexcept;

  const char* algorithm_;
  const Kernels& kernels_;
  uint32_t threads_;
  ConvProblem flat_;
  Geometry geometry_;
  ptrdiff_t blocks_, rows_, tile_;  // channel blocks of a group, their rows, pixels of a tile
  bool in_place_;                   // reads the input itself instead of phase planes
  ptrdiff_t step_channels_ = 0;     // input channels packed at a time
  ptrdiff_t split_ = 1;             // parts of a group's channel blocks
  AlignedBlock weights_, bias_;     // [group][block][channel][tap][row]
};

// Longest tile in pixels: every pixel may be in a row of its own.
constexpr ptrdiff_t segments_limit = tile_vectors_limit * 16;

PixelLanesPlan::PixelLanesPlan(const PlanRequest& request, const char* algorithm)
    : ConvPlan(request.problem),
      algorithm_(algorithm),
      kernels_(request.kernels),
      threads_(request.threads),
      flat_(flattened(request.problem)),
      geometry_(flat_, request.memory),
      blocks_(divide_up(flat_.group_k(), kernels_.pixel_rows)),
      rows_(divide_up(flat_.group_k(), blocks_)),
      tile_(pixel_vectors(kernels_, static_cast<int>(rows_)) * kernels_.lanes),
      in_place_(is_pointwise(request.problem) && reads_in_place()),
      weights_(request.memory, flat_.weights_bytes()),
      bias_(request.memory, flat_.bias_bytes()) {
  choose_channels();
  choose_block();
  pack_weights(request.weights);
  if (request.bias != nullptr) std::copy_n(request.bias, flat_.k, bias_.floats());
}

// Copying pays when many channel blocks read the copy, or when channels that
// are a multiple of 1 KiB apart would fight for the same sets of the cache.
bool PixelLanesPlan::reads_in_place() const noexcept {
  return blocks_ <= blocks_in_place && flat_.w % 256 != 0;
}

void PixelLanesPlan::choose_channels() {
  const ptrdiff_t channels = flat_.group_c();
  const ptrdiff_t taps = flat_.kernel_h * flat_.kernel_w;
  const ptrdiff_t fitting = std::max(tile_cache_floats / geometry_.floats_touched(tile_),
                                     divide_up(least_products, taps));
  const ptrdiff_t most = std::clamp<ptrdiff_t>(fitting + fitting / 2, 1, channels);
  const ptrdiff_t steps = channels <= most ? 1 : divide_up(channels, std::max<ptrdiff_t>(fitting, 1));
  step_channels_ = divide_up(channels, steps);
}

void PixelLanesPlan::choose_block() {
  ptrdiff_t rows = flat_.out_h, columns = flat_.out_w;
  const auto too_large = [&](ptrdiff_t r, ptrdiff_t c) {
    return (!in_place_ && geometry_.floats_for(r, c) * step_channels_ > block_cache_floats) ||
           (steps() > 1 && r * c * flat_.group_k() > sums_cache_floats);
  };
  while (rows > 1 && too_large(rows, columns)) rows = divide_up(rows, 2);
  while (columns > 2 * tile_ && too_large(rows, columns)) columns = divide_up(columns, 2);
  // Enough tasks to even out the threads, none smaller than a few tiles.
  const int64_t images = flat_.n * flat_.groups;
  const auto tasks = [&] {
    return images * divide_up(flat_.out_h, rows) * divide_up(flat_.out_w, columns);
  };
  const int64_t wanted = threads_ > 1 ? 4 * static_cast<int64_t>(threads_) : 1;
  while (rows > 1 && tasks() < wanted && rows * columns >= 8 * tile_) rows = divide_up(rows, 2);
  while (rows == 1 && tasks() < wanted && columns >= 8 * tile_) columns = divide_up(columns, 2);
  if (columns < flat_.out_w) columns = divide_up(columns, tile_) * tile_;
  if (threads_ > 1 && tasks() < threads_) {
    split_ = std::min<int64_t>(divide_up(wanted, tasks()), blocks_);
  }
  geometry_.set_block(rows, columns);
}

ptrdiff_t PixelLanesPlan::slab_floats() const noexcept {
  const ptrdiff_t channel = in_place_ ? tile_ : geometry_.channel_floats();
  return divide_up(step_channels_ * channel + kernels_.lanes, 16) * 16;
}

ptrdiff_t PixelLanesPlan::task_floats() const noexcept {
  const ptrdiff_t slab = slab_floats();
  const ptrdiff_t positions = geometry_.block_rows() * geometry_.pitch();
  const ptrdiff_t held = steps() == 1 ? 1 : divide_up(positions, tile_);
  const ptrdiff_t rows = steps() == 1 ? rows_ : divide_up(blocks_, split_) * rows_;
  return slab + held * rows * tile_ + kernels_.lanes;
}

void PixelLanesPlan::pack_weights(const float* weights) {
  const ptrdiff_t channels = flat_.group_c(), taps = flat_.kernel_h * flat_.kernel_w;
  float* out = weights_.floats();
  for (ptrdiff_t group = 0; group < flat_.groups; ++group) {
    for (ptrdiff_t block = 0; block < blocks_; ++block) {
      const ptrdiff_t begin = group * flat_.group_k() + block_begin(block);
      const ptrdiff_t rows = block_begin(block + 1) - block_begin(block);
      for (ptrdiff_t i = 0; i < channels * taps; ++i) {
        for (ptrdiff_t r = 0; r < rows; ++r) *out++ = weights[(begin + r) * channels * taps + i];
      }
    }
  }
}

PixelLanesPlan::Task PixelLanesPlan::task(int64_t index) const noexcept {
  const ptrdiff_t down = divide_up(flat_.out_h, geometry_.block_rows());
  const ptrdiff_t across = divide_up(flat_.out_w, geometry_.block_columns());
  Task t{};
  const ptrdiff_t part = index % split_;
  index /= split_;
  t.x = index % across * geometry_.block_columns();
  index /= across;
  t.y = index % down * geometry_.block_rows();
  index /= down;
  t.group = index % flat_.groups;
  t.image = index / flat_.groups;
  t.rows = std::min<ptrdiff_t>(geometry_.block_rows(), flat_.out_h - t.y);
  t.columns = std::min<ptrdiff_t>(geometry_.block_columns(), flat_.out_w - t.x);
  t.first_block = part * blocks_ / split_;
  t.last_block = (part + 1) * blocks_ / split_;
  return t;
}

void PixelLanesPlan::execute(const HostTensors& tensors, ParallelFor& parallel,
                             void* workspace) const noexcept {
  TaskBlocks blocks(workspace, threads_, task_floats() * sizeof(float));
  const int64_t count = flat_.n * flat_.groups * divide_up(flat_.out_h, geometry_.block_rows()) *
                        divide_up(flat_.out_w, geometry_.block_columns()) * split_;
  ParallelFor* pool = worth_splitting(kernels_, flat_.flops()) ? &parallel : nullptr;
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
  const ptrdiff_t positions = (t.rows - 1) * geometry_.pitch() + t.columns;
  for (ptrdiff_t tile = 0; tile * tile_ < positions; ++tile) {
    run_tile(run, tile, first_channel, channels, last);
  }
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
  const ptrdiff_t positions = (t.rows - 1) * geometry_.pitch() + t.columns;
  const ptrdiff_t count = std::min(tile_, positions - tile * tile_);
  const ptrdiff_t vectors = divide_up(count, kernels_.lanes);
  Segment runs[segments_limit];
  const ptrdiff_t run_count = last ? segments(t, tile * tile_, count, runs) : 0;
  TileArgs args{};
  args.x = run.slab + tile * tile_;
  args.x_channel = geometry_.channel_floats();
  if (in_place_) {
    const float* input = input_of(run, first_channel);
    const bool full = count == tile_;
    args.x = full ? input + t.x + tile * tile_ : pack_tile(run, input, tile * tile_, channels);
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
    kernels_.pixel_tile[rows][vectors](args);
    if (last) finish_rows(run, k, rows, args.acc, runs, run_count);
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

void PixelLanesPlan::finish_rows(const Run& run, ptrdiff_t first_k, ptrdiff_t rows,
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
  kernels_.finish(args);
}

bool prefers(const PlanRequest&) noexcept { return true; }

std::shared_ptr<ConvPlan> create(const PlanRequest& request, const char* algorithm) {
  return make_shared_in<PixelLanesPlan>(request.memory, request, algorithm);
}

}  // namespace

const Implementation pixel_lanes = {"pixel_lanes", padded_copy_usable, prefers, create};

}  // namespace sporkle::cpu
