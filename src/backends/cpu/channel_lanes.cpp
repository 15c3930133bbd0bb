#include "backends/cpu/channel_lanes.h"

#include <algorithm>

namespace sporkle::cpu {

namespace {

// Packed weights that the tiles of a task share, in the level-2 cache.
constexpr ptrdiff_t step_cache_floats = 192 * 1024 / 4;
// Padded copies of this many floats are made at a time: whole images.
constexpr ptrdiff_t copy_floats = 8 * 1024 * 1024 / 4;
constexpr ptrdiff_t least_strip_rows = 4;
// Unused, between the scratch memory of one thread and of the next: two threads on Zen 4 run
// 17 to 13 channels with 5x5 at 31x31 at 166 GFLOP/s with it, at 155 without.
constexpr ptrdiff_t apart_floats = 64 * 1024 / 4;

}  // namespace

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
  const ptrdiff_t taps = flat_.kernel_h * flat_.kernel_w;
  const ptrdiff_t lanes = divide_up(vectors_, blocks_) * kernels_.lanes;
  const ptrdiff_t fitting = std::max<ptrdiff_t>(step_cache_floats / (taps * lanes), 1);
  step_channels_ = divide_up(flat_.group_c(), divide_up(flat_.group_c(), fitting));
  sums_row_ = divide_up(lanes, 16) * 16;
  choose_strips(request.level2_bytes);
  x_channel_ = pointwise_ ? flat_.w : geometry_.channel_floats();
  pitch_ = geometry_.pitch();
  images_together_ = std::clamp<ptrdiff_t>(copy_floats / (flat_.c * x_channel_), 1, flat_.n);
  pack_weights(request.weights);
  if (request.bias != nullptr) std::copy_n(request.bias, flat_.k, bias_.floats());
}

// For several threads, where weights and waiting sums stay in the level-2 cache of each. One
// thread is not faster with strips (102 to 107 GFLOP/s instead of 103 to 108 with 128x56x56,
// stride 2). The order of a sum depends on neither.
void ChannelLanesPlan::choose_strips(uint64_t level2_bytes) {
  geometry_.set_block(flat_.out_h, flat_.out_w);
  const ptrdiff_t threads = threads_;
  if (pointwise_ || threads == 1 || weights_.size() > level2_bytes) return;
  // Shorter strips copy too many rows twice.
  if (flat_.out_h / least_strip_rows < 2 * threads) return;
  const auto quarter = static_cast<ptrdiff_t>(level2_bytes / 4 / sizeof(float));
  // Of an output row. No product overflows: at most 64e6 positions (can() below) times
  // the output channels of weights that fit the cache.
  const ptrdiff_t waiting = row_tiles_ * blocks_ * next_tile();
  const ptrdiff_t copied = step_channels_ * geometry_.channel_floats();
  const ptrdiff_t fitting = divide_up(std::max(copied, flat_.out_h * waiting), quarter);
  // As many for each thread.
  const ptrdiff_t most = flat_.out_h / least_strip_rows / threads;
  const ptrdiff_t strips = std::clamp<ptrdiff_t>(divide_up(fitting, threads), 2, most) * threads;
  const ptrdiff_t rows = divide_up(flat_.out_h, strips);
  if (rows * waiting > 2 * quarter) return;
  strips_ = strips;
  geometry_.set_block(rows, flat_.out_w);
}

uint64_t ChannelLanesPlan::copy_bytes() const noexcept {
  if (pointwise_ || strips_ > 0) return 0;
  return sizeof(float) * (images_together_ * flat_.c * x_channel_ + 16);
}

ptrdiff_t ChannelLanesPlan::strip_floats() const noexcept {
  return step_channels_ * x_channel_ + 16;
}

uint64_t ChannelLanesPlan::task_bytes() const noexcept {
  const ptrdiff_t copied = strips_ > 0 ? strip_floats() : 0;
  const ptrdiff_t tiles =
      strips_ > 0 ? geometry_.block_rows() * row_tiles_ * blocks_ : tiles_together;
  return sizeof(float) * (copied + tile_floats() + (tiles - 1) * next_tile() + apart_floats);
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

namespace {

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
