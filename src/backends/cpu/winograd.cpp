// Preparing a Winograd plan: blocks, weights, and when it is worth while.
#include "backends/cpu/winograd.h"

#include <algorithm>

#include "backends/cpu/winograd_weights.h"

namespace sporkle::cpu {

namespace {

// Transformed weights that the panels of a block share, in the level-1 cache.
constexpr ptrdiff_t step_cache_floats = 16 * 1024 / 4;
// Fewer tiles would read the weights too often.
constexpr ptrdiff_t tiles_least = 32;
constexpr ptrdiff_t tiles_most = 96;
// With more of them weights transformed beforehand were as fast or faster.
constexpr int64_t few_tiles_most = 8;

}  // namespace

WinogradPlan::WinogradPlan(const PlanRequest& request, const char* algorithm, int size, bool few)
    : ConvPlan(request.problem),
      algorithm_(algorithm),
      kernels_(request.kernels),
      transforms_(request.kernels.winograd[size / 2 - 1]),
      threads_(request.threads),
      parts_(std::min(request.threads, request.cores)),
      few_(few),
      size_(size),
      positions_((size + 2) * (size + 2)),
      tile_rows_(divide_up(request.problem.out_h, size)),
      tile_columns_(divide_up(request.problem.out_w, size)),
      tiles_{request.problem.n * tile_rows_ * tile_columns_},
      vectors_(divide_up(request.problem.k, kernels_.lanes)),
      blocks_(few ? vectors_ : divide_up(vectors_, kernels_.channel_vectors)),
      weights_(request.memory, few ? 0 : sizeof(float) * positions_ * request.problem.c *
                                             vectors_ * kernels_.lanes),
      direct_(request.memory, sizeof(float) * 9 * request.problem.c * vectors_ * kernels_.lanes),
      bias_(request.memory, sizeof(float) * vectors_ * kernels_.lanes) {
  const ptrdiff_t channels = problem().c;
  // The order of the sums depends on nothing but the number of channels.
  const ptrdiff_t fitting = std::max<ptrdiff_t>(step_cache_floats / row_floats(), 1);
  step_channels_ = divide_up(channels, divide_up(channels, fitting));
  usable_ = above_denormals(request.weights, request.problem.weights_bytes() / sizeof(float));
  choose_blocks(request.level2_bytes);
  pack_weights(request.weights);
  std::fill_n(bias_.floats(), vectors_ * kernels_.lanes, 0.0f);
  if (request.bias != nullptr) std::copy_n(request.bias, problem().k, bias_.floats());
}

// Not a multiple of 4 KiB, which would put all
// positions of a channel in the same set of the cache.
ptrdiff_t WinogradPlan::input_position(ptrdiff_t tiles) const noexcept {
  return divide_up(tiles, panel_tiles()) * panel_tiles() * problem().c + 16;
}

void WinogradPlan::choose_blocks(uint64_t cache) {
  if (few_) {
    tiles_.share(panel_tiles());
  } else {
    const ptrdiff_t tile_floats = positions_ * (problem().c + row_floats());
    const ptrdiff_t fitting = static_cast<ptrdiff_t>(cache / sizeof(float)) * 3 / 4 / tile_floats;
    tiles_.divide(fitting, tiles_least, tiles_most, 2 * kernels_.channel_rows, parts_);
    if (tiles_.together) blocks_ = std::min(divide_up(blocks_, parts_) * parts_, vectors_);
  }
  block_tiles_ = tiles_.largest();
}

void WinogradPlan::pack_weights(const float* weights) {
  const ptrdiff_t channels = problem().c;
  float* direct = direct_.floats();
  for (ptrdiff_t b = 0; b < blocks_; ++b) {
    const ptrdiff_t begin = lanes_begin(b), lanes = lanes_begin(b + 1) - begin;
    const ptrdiff_t real = std::min<ptrdiff_t>(problem().k - begin, lanes);
    for (ptrdiff_t i = 0; i < channels * 9; ++i, direct += lanes) {
      for (ptrdiff_t k = 0; k < real; ++k) direct[k] = weights[(begin + k) * channels * 9 + i];
      std::fill(direct + real, direct + lanes, 0.0f);
    }
    if (few_) continue;
    transform_weights(direct - channels * 9 * lanes, b,
                      weights_.floats() + begin * channels * positions_);
  }
}

// `from` is [channel][tap][lane], `out` [position][channel][lane].
void WinogradPlan::transform_weights(const float* from, ptrdiff_t block, float* out) {
  const ptrdiff_t channels = problem().c;
  const ptrdiff_t lanes = lanes_begin(block + 1) - lanes_begin(block);
  for (ptrdiff_t c = 0; c < channels; ++c, from += 9 * lanes, out += lanes) {
    const auto size = static_cast<int>(size_);
    usable_ &= transform_channel(size, from, lanes, lanes, out, channels * lanes);
  }
}

namespace {

bool can(const PlanRequest& request, Reason* reason) noexcept {
  const ConvProblem& p = request.problem;
  if (request.kernels.winograd[0].input == nullptr) {
    reason->set("the instruction set has no vectors");
    return false;
  }
  if (p.kernel_h != 3 || p.kernel_w != 3 || p.stride_h != 1 || p.stride_w != 1 ||
      p.dilation_h != 1 || p.dilation_w != 1 || p.groups != 1) {
    reason->set("only 3x3 kernels with stride 1, without dilation and groups");
    return false;
  }
  return padded_copy_usable(request, reason);
}

// Products, transforms and the reading of the transformed weights.
template <int size>
double cost(const PlanRequest& request, int64_t images) noexcept {
  const ConvProblem& p = request.problem;
  constexpr double positions = (size + 2) * (size + 2);
  constexpr double transform = 16, read = 7;  // as copy_cost
  const double inputs = static_cast<double>(p.c);
  const double outputs = static_cast<double>(divide_up(p.k, request.kernels.lanes) *
                                             request.kernels.lanes);
  const double tiles = static_cast<double>(divide_up(p.out_h, size) * divide_up(p.out_w, size));
  return positions * (tiles * (inputs * outputs + transform * (inputs + outputs)) +
                      read * inputs * outputs / static_cast<double>(images));
}

bool can_few(const PlanRequest& request, Reason* reason) noexcept {
  const ConvProblem& p = request.problem;
  if (!can(request, reason)) return false;
  if (divide_up(p.out_h, 4) * divide_up(p.out_w, 4) > few_tiles_most) {
    reason->set("so many tiles would transform the weights too often");
    return false;
  }
  return true;
}

// Each group of tiles transforms the weights, which takes ten more products per row of
// positions beside six per tile, and waits that short sums do not hide.
double cost_few(const PlanRequest& request, int64_t images) noexcept {
  const ConvProblem& p = request.problem;
  constexpr double positions = 36, transform = 16, read = 2;
  const ptrdiff_t group = request.kernels.winograd_few.tiles;
  const double weights = group < 4 ? 3.3 : 1.8;  // measured on Zen 4
  const double inputs = static_cast<double>(p.c);
  const double outputs = static_cast<double>(divide_up(p.k, request.kernels.lanes) *
                                             request.kernels.lanes);
  const int64_t tiles = images * divide_up(p.out_h, 4) * divide_up(p.out_w, 4);
  const auto computed = static_cast<double>(divide_up(tiles, group) * group);
  return (positions * computed * (weights * inputs * outputs + transform * (inputs + outputs)) +
          9 * read * inputs * outputs) / static_cast<double>(images);
}

template <int size, bool few>
std::shared_ptr<ConvPlan> create(const PlanRequest& request, const char* algorithm) {
  auto plan = make_shared_in<WinogradPlan>(request.memory, request, algorithm, size, few);
  if (plan->usable()) return plan;
  return nullptr;
}

}  // namespace

const Implementation winograd_2x2 = {"winograd_2x2", can, cost<2>, create<2, false>};
const Implementation winograd_4x4 = {"winograd_4x4", can, cost<4>, create<4, false>};
const Implementation winograd_4x4_few = {"winograd_4x4_few", can_few, cost_few, create<4, true>};

}  // namespace sporkle::cpu
