// Lanes over output channels: a vector holds neighbouring output channels of
// one pixel, a tile some pixels of a row. No lane is lost at the ends of rows,
// and taps above and below the input are skipped, which counts on small planes.
// The price is a transposition of every tile at its end.
#include <algorithm>

#include "backends/cpu/conv_plan.h"
#include "backends/cpu/geometry.h"
#include "backends/cpu/schedule.h"
#include "backends/cpu/workspace.h"
#include "base/memory.h"

namespace sporkle::cpu {

namespace {

// Packed weights that the tiles of a task share, in the level-2 cache.
constexpr ptrdiff_t step_cache_floats = 192 * 1024 / 4;
// How far a 1x1 kernel fetches its weights ahead, in floats.
constexpr ptrdiff_t weights_ahead = 4096 / 4;
// Padded copies of this many floats are made at a time: whole images.
constexpr ptrdiff_t copy_floats = 8 * 1024 * 1024 / 4;
// Tiles that go through the weights together.
constexpr ptrdiff_t tiles_together = 64;
constexpr ptrdiff_t tile_lanes_limit = 3 * 16;

class ChannelLanesPlan final : public ConvPlan {
 public:
  ChannelLanesPlan(const PlanRequest& request, const char* algorithm);

  const char* algorithm() const noexcept override { return algorithm_; }
  uint64_t packed_bytes() const noexcept override { return weights_.size() + bias_.size(); }
  uint64_t workspace_bytes() const noexcept override {
    return copy_bytes() + TaskBlocks::bytes(threads_, task_bytes());
  }
  void execute(const HostTensors& tensors, ParallelFor& parallel,
               void* workspace) const noexcept override;

 private:
  // Tiles of some images that one block of output channels is computed for.
  struct Task {
    ptrdiff_t group, block, first_tile, last_tile;
  };
  struct Run {
    const HostTensors& tensors;
    const float* x;  // activations of the first of the images
    ptrdiff_t first_image, images;
  };
  struct Pixels {
    ptrdiff_t image, y, x, count;
  };

  void pack_weights(const float* weights);
  uint64_t copy_bytes() const noexcept {
    return pointwise_ ? 0 : sizeof(float) * (images_together_ * flat_.c * x_channel_ + 16);
  }
  uint64_t task_bytes() const noexcept {
    return sizeof(float) * tiles_together * kernels_.channel_rows * tile_lanes_limit;
  }
  ptrdiff_t vector_begin(ptrdiff_t block) const noexcept { return block * vectors_ / blocks_; }

  void pack_images(const Run& run, ParallelFor* pool, float* copy) const noexcept;
  void run_images(const Run& run, ParallelFor* pool, TaskBlocks& blocks) const noexcept;
  void run_task(const Run& run, const Task& task, float* sums) const noexcept;
  void run_tile(const Run& run, const Task& task, ptrdiff_t tile, ptrdiff_t first_channel,
                float* acc) const noexcept;
  Pixels pixels(ptrdiff_t tile) const noexcept;
  void finish_tile(const Run& run, const Task& task, ptrdiff_t tile,
                   const float* acc) const noexcept;

  const char* algorithm_;
  const Kernels& kernels_;
  uint32_t threads_;
  bool pointwise_;  // reads the input itself instead of a padded copy
  ConvProblem flat_;
  Geometry geometry_;
  ptrdiff_t vectors_, blocks_;  // vectors of output channels of a group, blocks of them
  ptrdiff_t row_tiles_;         // tiles of an output row, all nearly as long
  ptrdiff_t x_channel_ = 0, pitch_ = 0;
  ptrdiff_t step_channels_ = 0;
  ptrdiff_t images_together_ = 1;
  AlignedBlock weights_, bias_;  // weights: [group][block][channel][tap][lane]
};

ChannelLanesPlan::ChannelLanesPlan(const PlanRequest& request, const char* algorithm)
    : ConvPlan(request.problem),
      algorithm_(algorithm),
      kernels_(request.kernels),
      threads_(request.threads),
      pointwise_(is_pointwise(request.problem)),
      flat_(flattened(request.problem)),
      geometry_(flat_, request.memory),
      vectors_(divide_up(flat_.group_k(), kernels_.lanes)),
      blocks_(divide_up(vectors_, kernels_.channel_vectors)),
      row_tiles_(divide_up(flat_.out_w, kernels_.channel_rows)),
      weights_(request.memory, sizeof(float) * flat_.groups * vectors_ * kernels_.lanes *
                                   flat_.group_c() * flat_.kernel_h * flat_.kernel_w),
      bias_(request.memory, flat_.bias_bytes()) {
  geometry_.set_block(flat_.out_h, flat_.out_w);
  x_channel_ = pointwise_ ? flat_.w : geometry_.channel_floats();
  pitch_ = geometry_.pitch();
  const ptrdiff_t taps = flat_.kernel_h * flat_.kernel_w;
  const ptrdiff_t lanes = divide_up(vectors_, blocks_) * kernels_.lanes;
  const ptrdiff_t fitting = std::max<ptrdiff_t>(step_cache_floats / (taps * lanes), 1);
  step_channels_ = divide_up(flat_.group_c(), divide_up(flat_.group_c(), fitting));
  images_together_ = std::clamp<ptrdiff_t>(copy_floats / (flat_.c * x_channel_), 1, flat_.n);
  pack_weights(request.weights);
  if (request.bias != nullptr) std::copy_n(request.bias, flat_.k, bias_.floats());
}

void ChannelLanesPlan::pack_weights(const float* weights) {
  const ptrdiff_t products = flat_.group_c() * flat_.kernel_h * flat_.kernel_w;
  float* out = weights_.floats();
  for (ptrdiff_t group = 0; group < flat_.groups; ++group) {
    for (ptrdiff_t block = 0; block < blocks_; ++block) {
      const ptrdiff_t begin = vector_begin(block) * kernels_.lanes;
      const ptrdiff_t end = vector_begin(block + 1) * kernels_.lanes;
      const ptrdiff_t real = std::min<ptrdiff_t>(end, flat_.group_k());
      const float* from = weights + group * flat_.group_k() * products;
      for (ptrdiff_t i = 0; i < products; ++i) {
        for (ptrdiff_t k = begin; k < real; ++k) *out++ = from[k * products + i];
        for (ptrdiff_t k = real; k < end; ++k) *out++ = 0.0f;
      }
    }
  }
}

void ChannelLanesPlan::execute(const HostTensors& tensors, ParallelFor& parallel,
                               void* workspace) const noexcept {
  ParallelFor* pool = threads_for(kernels_, flat_.flops(), parallel);
  float* copy = static_cast<float*>(workspace);
  TaskBlocks blocks(static_cast<char*>(workspace) + (copy_bytes() + 63) / 64 * 64, threads_,
                    task_bytes());
  for (ptrdiff_t image = 0; image < flat_.n; image += images_together_) {
    const float* input = tensors.input + image * flat_.c * flat_.h * flat_.w;
    const Run run{tensors, pointwise_ ? input : copy, image,
                  std::min<ptrdiff_t>(images_together_, flat_.n - image)};
    if (!pointwise_) pack_images(run, pool, copy);
    run_images(run, pool, blocks);
  }
}

void ChannelLanesPlan::pack_images(const Run& run, ParallelFor* pool, float* copy) const noexcept {
  const float* input = run.tensors.input + run.first_image * flat_.c * flat_.h * flat_.w;
  const ptrdiff_t channels = run.images * flat_.c;
  for_ranges(pool, channels, 8, [&](int64_t first, int64_t last) {
    kernels_.pack(geometry_.pack_args(input + first * flat_.h * flat_.w, last - first, 0, 0,
                                      copy + first * x_channel_));
  });
}

void ChannelLanesPlan::run_images(const Run& run, ParallelFor* pool,
                                  TaskBlocks& blocks) const noexcept {
  const ptrdiff_t tiles = run.images * flat_.out_h * row_tiles_;
  const ptrdiff_t columns = flat_.groups * blocks_;
  // Parts of the tiles: no more than fit together, enough for all threads.
  ptrdiff_t parts = divide_up(tiles, tiles_together);
  if (pool != nullptr) {
    const ptrdiff_t wanted = divide_up(16 * static_cast<ptrdiff_t>(threads_), columns);
    parts = std::max(parts, std::min(wanted, divide_up(tiles, 2)));
  }
  for_ranges(pool, columns * parts, 16, [&](int64_t first, int64_t last) {
    const TaskBlock block(blocks);
    for (int64_t i = first; i < last; ++i) {
      const ptrdiff_t column = i / parts, part = i % parts;
      run_task(run, {column / blocks_, column % blocks_, part * tiles / parts,
                     (part + 1) * tiles / parts}, block.floats());
    }
  });
}

void ChannelLanesPlan::run_task(const Run& run, const Task& task, float* sums) const noexcept {
  const ptrdiff_t tile_floats = kernels_.channel_rows * tile_lanes_limit;
  const ptrdiff_t channels = flat_.group_c();
  for (ptrdiff_t c = 0; c < channels; c += step_channels_) {
    for (ptrdiff_t tile = task.first_tile; tile < task.last_tile; ++tile) {
      float* acc = sums + (tile - task.first_tile) * tile_floats;
      run_tile(run, task, tile, c, acc);
      if (c + step_channels_ >= channels) finish_tile(run, task, tile, acc);
    }
  }
}

ChannelLanesPlan::Pixels ChannelLanesPlan::pixels(ptrdiff_t tile) const noexcept {
  const ptrdiff_t part = tile % row_tiles_, row = tile / row_tiles_;
  const ptrdiff_t begin = part * flat_.out_w / row_tiles_;
  const ptrdiff_t end = (part + 1) * flat_.out_w / row_tiles_;
  return {row / flat_.out_h, row % flat_.out_h, begin, end - begin};
}

void ChannelLanesPlan::run_tile(const Run& run, const Task& task, ptrdiff_t tile,
                                ptrdiff_t first_channel, float* acc) const noexcept {
  const Pixels at = pixels(tile);
  const ptrdiff_t vectors = vector_begin(task.block + 1) - vector_begin(task.block);
  const ptrdiff_t lanes = vectors * kernels_.lanes;
  // Kernel rows whose input row exists; the copy holds zeros for the others.
  const ptrdiff_t top = at.y * flat_.stride_h - flat_.pad_top;
  const ptrdiff_t first_row = top >= 0 ? 0 : divide_up(-top, flat_.dilation_h);
  const ptrdiff_t past_row =
      top >= flat_.h ? 0 : std::min<ptrdiff_t>(flat_.kernel_h,
                                               (flat_.h - top - 1) / flat_.dilation_h + 1);
  const ptrdiff_t rows = std::max<ptrdiff_t>(past_row - first_row, 0);
  const ptrdiff_t first_tap = rows == 0 ? 0 : first_row * flat_.kernel_w;
  const ptrdiff_t taps = flat_.kernel_h * flat_.kernel_w;
  const ptrdiff_t before = (task.group * vectors_ + vector_begin(task.block)) * kernels_.lanes;
  TileArgs args{};
  const ptrdiff_t channel = at.image * flat_.c + task.group * flat_.group_c() + first_channel;
  args.x = run.x + channel * x_channel_ + at.y * pitch_ + at.x;
  args.w = weights_.floats() + (before * flat_.group_c() + first_channel * lanes) * taps +
           first_tap * lanes;
  args.taps = geometry_.taps().data() + first_tap;
  args.tap_count = rows * flat_.kernel_w;
  args.channels = std::min<ptrdiff_t>(step_channels_, flat_.group_c() - first_channel);
  args.x_channel = x_channel_;
  args.w_channel = lanes * taps;
  args.acc = acc;
  args.acc_row = tile_lanes_limit;
  args.accumulate = first_channel > 0;
  args.ahead = args.w + weights_ahead;
  args.ahead_channel = lanes;
  args.ahead_lines = divide_up(lanes, 16);
  kernels_.channel_tile[at.count][vectors](args);
}

void ChannelLanesPlan::finish_tile(const Run& run, const Task& task, ptrdiff_t tile,
                                   const float* acc) const noexcept {
  const Pixels at = pixels(tile);
  const ptrdiff_t begin = vector_begin(task.block) * kernels_.lanes;
  const ptrdiff_t end = vector_begin(task.block + 1) * kernels_.lanes;
  alignas(64) float turned[tile_lanes_limit * transposed_row + 16];
  kernels_.transpose({acc, tile_lanes_limit, at.count, end - begin, turned});
  const ptrdiff_t plane = flat_.out_h * flat_.out_w;
  const ptrdiff_t k = task.group * flat_.group_k() + begin;
  const ptrdiff_t base = ((run.first_image + at.image) * flat_.k + k) * plane;
  const Segment segment{0, at.y * flat_.out_w + at.x, at.count};
  FinishArgs args{};
  args.acc = turned;
  args.acc_row = transposed_row;
  args.rows = std::min<ptrdiff_t>(end, flat_.group_k()) - begin;
  args.segments = &segment;
  args.segment_count = 1;
  args.bias = flat_.has_bias ? bias_.floats() + k : nullptr;
  args.residual = run.tensors.residual == nullptr ? nullptr : run.tensors.residual + base;
  args.output = run.tensors.output + base;
  args.plane = plane;
  set_activation(flat_, &args);
  kernels_.finish(args);
}

bool can(const PlanRequest& request, Reason* reason) noexcept {
  if (!padded_copy_usable(request, reason)) return false;
  // The copy is of whole images, which large padding may blow up.
  const ConvProblem& p = request.problem;
  const double rows = static_cast<double>(p.h + p.pad_top + p.pad_bottom);
  const double columns = static_cast<double>(p.w + p.pad_left + p.pad_right);
  if (rows * columns * static_cast<double>(p.c) > 64e6 && !is_pointwise(p)) {
    reason->set("a padded copy of an image is too large");
    return false;
  }
  return true;
}

// Part of the kernel rows that meet padding above and below and are skipped.
double skipped(const ConvProblem& p) noexcept {
  const auto rows = [&](int64_t pad) {
    return 0.5 * static_cast<double>(pad) * static_cast<double>(pad + 1) /
           static_cast<double>(p.stride_h * p.dilation_h);
  };
  const double part = (rows(p.pad_top) + rows(p.pad_bottom)) /
                      static_cast<double>(p.out_h * p.kernel_h);
  return std::min(part, 0.5);
}

// Full lanes but for the last output channels; tiles of short rows have few
// accumulators; every output is turned at its end.
double cost(const PlanRequest& request, int64_t) noexcept {
  const ConvProblem p = flattened(request.problem);
  const Kernels& kernels = request.kernels;
  const int64_t vectors = divide_up(p.group_k(), kernels.lanes);
  const double lanes = static_cast<double>(vectors * kernels.lanes) /
                       static_cast<double>(p.group_k());
  const int64_t sums = std::min<int64_t>(p.out_w, kernels.channel_rows) *
                       std::min<int64_t>(vectors, kernels.channel_vectors);
  const double latency = sums < 8 ? 8.0 / static_cast<double>(sums) : 1.0;
  const double outputs = static_cast<double>(p.k * p.out_h * p.out_w);
  const double copied =
      is_pointwise(request.problem) ? 0 : static_cast<double>(p.c * p.h * p.w);
  return products(p) * (1 - skipped(p)) * lanes * latency + turn_cost * outputs +
         copy_cost * copied;
}

std::shared_ptr<ConvPlan> create(const PlanRequest& request, const char* algorithm) {
  return make_shared_in<ChannelLanesPlan>(request.memory, request, algorithm);
}

}  // namespace

const Implementation channel_lanes = {"channel_lanes", can, cost, create};

}  // namespace sporkle::cpu
