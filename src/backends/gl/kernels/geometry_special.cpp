// Geometry of the families that cut the output into two-dimensional tiles.
#include <algorithm>

#include "backends/gl/kernels/geometry.h"

namespace sporkle::gl {

bool stem_geometry(const Variant& v, const ConvProblem& p, const Limits& limits, Geometry* g,
                   Reason* reason) noexcept {
  constexpr int64_t tile_w = 16;
  if (p.groups != 1) return refuse(reason, "no groups");
  if (p.c > 8) return refuse(reason, "only up to 8 input channels");
  // A multiply-add per tap of a row and pixel is written out in the source.
  if (p.kernel_w > 11 || p.kernel_h > 32) return refuse(reason, "only kernels up to 32x11");
  // Of each phase of the stride; some of them may have no tap.
  g->window4 = ceil_div(v.thread_n + (p.kernel_w - 1) * p.dilation_w / p.stride_w, 4);
  if (p.stride_w * g->window4 > 12)
    return refuse(reason, "stride and dilation make the window too wide");
  const int64_t tile_h = v.block_n / tile_w;
  g->patch_h = (tile_h - 1) * p.stride_h + (p.kernel_h - 1) * p.dilation_h + 1;
  g->patch_w4 = (tile_w - v.thread_n) / 4 + g->window4;
  const int64_t channel_bytes =
      16 * g->patch_h * p.stride_w * g->patch_w4 + 4 * p.kernel_h * p.kernel_w * v.block_m;
  for (g->stage = std::min<int64_t>(p.c, v.block_k); g->stage > 0; --g->stage)
    if (p.c % g->stage == 0 && g->stage * channel_bytes <= limits.shared_bytes) break;
  if (g->stage == 0)
    return refuse(reason, "needs %lld bytes of shared memory, the device has %u",
                  static_cast<long long>(channel_bytes), limits.shared_bytes);
  g->tiles_y = ceil_div(p.out_h, tile_h);
  g->tiles_x = ceil_div(p.out_w, tile_w);
  return true;
}

bool depthwise_geometry(const Variant& v, const ConvProblem& p, Geometry* g,
                        Reason* reason) noexcept {
  constexpr int64_t register_limit = 144;
  if (p.group_c() != 1) return refuse(reason, "only groups of one input channel");
  // A multiply-add per tap and pixel is written out in the source.
  if (p.kernel_h > 11 || p.kernel_w > 11) return refuse(reason, "only kernels up to 11x11");
  const int64_t rows = v.steps, columns = v.thread_n / v.steps;
  g->patch_h = (rows - 1) * p.stride_h + (p.kernel_h - 1) * p.dilation_h + 1;
  g->patch_w = (columns - 1) * p.stride_w + (p.kernel_w - 1) * p.dilation_w + 1;
  if (g->patch_h > register_limit || g->patch_w > register_limit ||
      g->patch_h * g->patch_w > register_limit)
    return refuse(reason, "the patch of %lld x %lld inputs does not fit in registers",
                  static_cast<long long>(g->patch_h), static_cast<long long>(g->patch_w));
  g->tiles_y = ceil_div(p.out_h, rows);
  g->tiles_x = ceil_div(p.out_w, columns);
  return true;
}

bool fused_geometry(const Variant& v, const ConvProblem& p, const Limits& limits, Geometry* g,
                    Reason* reason) noexcept {
  if (p.kernel_h != 3 || p.kernel_w != 3 || p.groups != 1 || p.stride_h != 1 || p.stride_w != 1 ||
      p.dilation_h != 1 || p.dilation_w != 1)
    return refuse(reason, "only 3x3 kernels, no stride, dilation or groups");
  const uint64_t capacity = binding_capacity(limits);
  if (p.output_bytes() / p.n > capacity || p.weights_bytes() > capacity)
    return refuse(reason, "one image or the weights are larger than a storage block");
  g->rows = p.c;
  g->tiles_y = ceil_div(p.out_h, 2);
  g->tiles_x = ceil_div(p.out_w, 2);
  // As in the shader; its padding keeps positions in different banks.
  const int64_t step = int64_t{v.block_k} * v.steps;
  const int64_t weights = 16 * (step * v.block_m / 4 + 2);
  int64_t shared = 0;
  for (const int64_t rounds : {1, v.thread_m / 4}) {
    g->rounds = rounds;
    const int64_t row = v.block_n + (v.block_n / v.thread_n > 4 ? 2 : 1);
    const auto exchanged = static_cast<int64_t>(round_up(v.block_m / rounds * row, 32)) + 16;
    g->area = std::max(step * v.block_n + 8, exchanged);
    shared = fused_positions * (4 * g->area + weights);
    if (shared <= limits.shared_bytes) return true;
  }
  return refuse(reason, "%lld bytes of shared memory, the device has %u",
                static_cast<long long>(shared), limits.shared_bytes);
}

namespace {

// Outputs of a tile, from the taps of the filter that one phase of the stride has.
bool transformed_tile(const Variant& v, const ConvProblem& p, Geometry* g, Reason* reason) {
  const int64_t taps_h = ceil_div((p.kernel_h - 1) * p.dilation_h + 1, p.stride_h);
  const int64_t taps_w = ceil_div((p.kernel_w - 1) * p.dilation_w + 1, p.stride_w);
  if (v.family == Family::winograd) {
    if (taps_h != v.kernel || taps_w != v.kernel || p.dilation_h != 1 || p.dilation_w != 1)
      return refuse(reason, "only kernels of %ux%u per phase of the stride, no dilation", v.kernel,
                    v.kernel);
    g->tile_h = g->tile_w = v.tile;
    return true;
  }
  constexpr int64_t most_taps = 12;
  if (taps_h > most_taps || taps_w > most_taps || taps_h * taps_w == 1)
    return refuse(reason, "only kernels of 2 to 12x12 taps per phase of the stride");
  g->tile_h = fourier_edge + 1 - taps_h;
  g->tile_w = fourier_edge + 1 - taps_w;
  return true;
}

}  // namespace

bool transformed_geometry(const Variant& v, const ConvProblem& p, const Limits& limits,
                          Geometry* g, Reason* reason) noexcept {
  if (!transformed_tile(v, p, g, reason)) return false;
  g->rows = p.c * p.stride_h * p.stride_w;
  g->tiles_y = ceil_div(p.out_h, g->tile_h);
  g->tiles_x = ceil_div(p.out_w, g->tile_w);
  const uint64_t alignment = binding_alignment(limits);
  const uint64_t capacity = binding_capacity(limits);
  const uint64_t image_tiles = static_cast<uint64_t>(g->tiles_y) * g->tiles_x;
  const uint64_t in_tile = 4ull * g->groups * g->rows;
  const uint64_t out_tile = 4ull * g->groups * p.k * v.splits;
  const uint64_t in_image = p.input_bytes() / p.n;
  const uint64_t out_image = p.output_bytes() / p.n;
  if (in_image > capacity || out_image > capacity)
    return refuse(reason, "one image is larger than a storage block");
  if (p.weights_bytes() > capacity)
    return refuse(reason, "weights are larger than a storage block");
  const uint64_t room = std::min(capacity / std::max(in_tile, out_tile),
                                 limits.max_workspace_bytes / (in_tile + out_tile));
  const uint64_t by_workspace = room > 8 ? (room - 8) / image_tiles : 0;
  if (by_workspace < 1)
    return refuse(reason, "the workspace of one image does not fit");
  g->images = std::min<uint64_t>(
      {static_cast<uint64_t>(p.n), by_workspace, capacity / in_image, capacity / out_image});
  g->images = std::min<int64_t>(
      g->images, static_cast<int64_t>(limits.max_groups[1]) * v.block_n / image_tiles);
  if (g->images < 1) return refuse(reason, "one image has too many tiles for the device's grid");
  g->tiles = round_up(g->images * image_tiles, 4);
  g->product_offset = round_up(in_tile * g->tiles, alignment);
  g->split_stride = g->groups * p.k * g->tiles;
  g->workspace_bytes = round_up(g->product_offset + out_tile * g->tiles, 16);
  return true;
}

}  // namespace sporkle::gl
