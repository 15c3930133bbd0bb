// Preparing a pixel-lanes plan: what goes through which cache, and packing.
#include "backends/cpu/pixel_lanes.h"

#include <algorithm>

namespace sporkle::cpu {

namespace {

// Activations that a tile reads again and again, in the level-1 cache.
constexpr ptrdiff_t tile_cache_floats = 40 * 1024 / 4;
// Parts of the level-2 cache for the packed activations and for the partial
// sums of a task; both are in bytes and compared with floats.
constexpr ptrdiff_t block_cache_part = 4 * sizeof(float);
constexpr ptrdiff_t sums_cache_part = 2 * sizeof(float);
// Channel blocks up to which a pointwise kernel reads its input in place.
constexpr ptrdiff_t blocks_in_place = 32;
// Fewer products per accumulator make loading and storing it show.
constexpr ptrdiff_t least_products = 256;

}  // namespace

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
  choose_block(static_cast<ptrdiff_t>(request.level2_bytes));
  choose_tiles();
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
  const ptrdiff_t steps = channels <= most ? 1 : divide_up(channels, fitting);
  step_channels_ = divide_up(channels, steps);
}

void PixelLanesPlan::choose_block(ptrdiff_t cache) {
  ptrdiff_t rows = flat_.out_h, columns = flat_.out_w;
  const auto too_large = [&](ptrdiff_t r, ptrdiff_t c) {
    return (!in_place_ && geometry_.floats_for(r, c) * step_channels_ > cache / block_cache_part) ||
           (steps() > 1 && r * c * flat_.group_k() > cache / sums_cache_part);
  };
  while (rows > 1 && too_large(rows, columns)) rows = divide_up(rows, 2);
  while (columns > 2 * tile_ && too_large(rows, columns)) columns = divide_up(columns, 2);
  // Enough tasks to even out the threads, none smaller than a few tiles.
  const int64_t images = flat_.n * flat_.groups;
  const auto tasks = [&] {
    return images * divide_up(flat_.out_h, rows) * divide_up(flat_.out_w, columns);
  };
  // Without a copy small ones cost nothing.
  const int64_t each = in_place_ ? 16 : 4, least = in_place_ ? 4 : 8;
  const int64_t wanted = threads_ > 1 ? each * static_cast<int64_t>(threads_) : 1;
  while (rows > 1 && tasks() < wanted && rows * columns >= least * tile_) rows = divide_up(rows, 2);
  while (rows == 1 && tasks() < wanted && columns >= least * tile_) columns = divide_up(columns, 2);
  if (columns < flat_.out_w) columns = divide_up(columns, tile_) * tile_;
  if (threads_ > 1 && tasks() < threads_) {
    split_ = std::min<int64_t>(divide_up(wanted, tasks()), blocks_);
  }
  geometry_.set_block(rows, columns);
}

// Also saves the detour of tiles with a row end in them through scratch memory.
void PixelLanesPlan::choose_tiles() {
  const ptrdiff_t columns = geometry_.block_columns();
  const ptrdiff_t vectors = divide_up(columns, kernels_.lanes);
  const ptrdiff_t parts = divide_up(vectors * kernels_.lanes, tile_);
  const ptrdiff_t sums = kernels_.pixel_rows * pixel_vectors(kernels_, kernels_.pixel_rows);
  // Small tiles would not keep the multipliers busy.
  const bool large = 2 * rows_ * (vectors / parts) >= sums;
  if (!in_place_ && large && vectors * kernels_.lanes < geometry_.pitch()) row_tiles_ = parts;
}

ptrdiff_t PixelLanesPlan::slab_floats() const noexcept {
  const ptrdiff_t channel = in_place_ ? tile_ : geometry_.channel_floats();
  return divide_up(step_channels_ * channel + kernels_.lanes, 16) * 16;
}

ptrdiff_t PixelLanesPlan::task_floats() const noexcept {
  const ptrdiff_t slab = slab_floats();
  const ptrdiff_t positions = geometry_.block_rows() * geometry_.pitch();
  const ptrdiff_t tiles =
      row_tiles_ > 0 ? geometry_.block_rows() * row_tiles_ : divide_up(positions, tile_);
  const ptrdiff_t held = steps() == 1 ? 1 : tiles;
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

namespace {

// What surrounds the products of a group, in units of a product. Measured on Zen 4.
constexpr double group_cost = 2000;

// Lanes are lost between rows and behind the last pixel.
double cost(const PlanRequest& request, int64_t) noexcept {
  const ConvProblem p = flattened(request.problem);
  const int lanes = request.kernels.lanes;
  const int64_t pitch = p.out_w + (p.kernel_w - 1) * p.dilation_w / p.stride_w;
  const int64_t computed = std::min(divide_up((p.out_h - 1) * pitch + p.out_w, lanes) * lanes,
                                    p.out_h * divide_up(p.out_w, lanes) * lanes);
  const double copied =
      is_pointwise(request.problem) ? 0 : static_cast<double>(p.c * p.h * p.w);
  return products(p) * static_cast<double>(computed) / static_cast<double>(p.out_h * p.out_w) +
         copy_cost * copied + (p.groups > 1 ? group_cost * static_cast<double>(p.groups) : 0);
}

std::shared_ptr<ConvPlan> create(const PlanRequest& request, const char* algorithm) {
  return make_shared_in<PixelLanesPlan>(request.memory, request, algorithm);
}

}  // namespace

const Implementation pixel_lanes = {"pixel_lanes", padded_copy_usable, cost, create};

}  // namespace sporkle::cpu
