#include "backends/gl/kernels/geometry.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>

namespace sporkle::gl {
namespace {

using ull = unsigned long long;

// Shader arithmetic is 32 bits wide; this leaves room for sums of three such sizes.
constexpr int64_t max_extent = int64_t{1} << 29;

bool check_extents(const ConvProblem& p, Reason* reason) {
  const int64_t reach_h = p.dilation_h < max_extent && p.kernel_h < max_extent
                              ? p.dilation_h * p.kernel_h : max_extent;
  const int64_t reach_w = p.dilation_w < max_extent && p.kernel_w < max_extent
                              ? p.dilation_w * p.kernel_w : max_extent;
  const int64_t largest = std::max({p.h, p.w, p.out_h, p.out_w, p.pad_top, p.pad_left,
                                    p.pad_bottom, p.pad_right, p.stride_h, p.stride_w, reach_h,
                                    reach_w, p.c, p.k});
  if (largest >= max_extent)
    return refuse(reason, "a size of %lld is beyond 32-bit shader arithmetic",
                  static_cast<long long>(largest));
  return true;
}

bool check_workgroup(const Variant& v, const Limits& limits, Reason* reason) {
  const uint32_t threads = v.family == Family::fourier
                               ? std::max<uint32_t>(thread_count(v), fourier_threads)
                               : thread_count(v);
  if (threads > limits.max_invocations)
    return refuse(reason, "%u threads per workgroup, the device allows %u", threads,
                  limits.max_invocations);
  uint64_t shared = 0;
  if (multiplies_quads(v.family))
    shared = 4ull * (2 * v.block_k + 1) * (v.block_m + v.block_n);
  if (v.family == Family::spread) shared = 4ull * v.steps * v.block_m * v.block_n;
  if (v.family == Family::fourier) shared = std::max<uint64_t>(shared, 1024 * fourier_lanes);
  if (v.family == Family::igemm || v.family == Family::itable)
    shared = 8ull * v.block_k * (v.block_m + v.block_n);
  if (shared > limits.shared_bytes)
    return refuse(reason, "%llu bytes of shared memory, the device has %u",
                  static_cast<ull>(shared), limits.shared_bytes);
  if (limits.max_storage_blocks < max_bindings)
    return refuse(reason, "needs %u storage blocks, the device has %u", max_bindings,
                  limits.max_storage_blocks);
  return true;
}

bool check_gemm(const ConvProblem& p, Reason* reason) {
  if (p.kernel_h != 1 || p.kernel_w != 1 || p.stride_h != 1 || p.stride_w != 1)
    return refuse(reason, "only 1x1 kernels with stride 1");
  if (p.pad_top | p.pad_bottom | p.pad_left | p.pad_right)
    return refuse(reason, "no padding");
  if (p.h * p.w % 4 != 0)
    return refuse(reason, "height * width must be a multiple of 4");
  return true;
}

bool lay_out_packed(const Variant& v, const ConvProblem& p, const Limits& limits, Geometry* g,
                    Reason* reason) {
  const uint64_t alignment = std::max<uint64_t>(256, binding_alignment(limits));
  g->slab_bytes = 4ull * static_cast<uint64_t>(g->depth) * v.block_m;
  if (g->slab_bytes > binding_capacity(limits))
    return refuse(reason, "weights of %u output channels are larger than a storage block",
                  v.block_m);
  const uint64_t bias = p.has_bias ? 4ull * p.groups * g->slabs_per_group * v.block_m : 0;
  const uint64_t table = v.family == Family::itable ? 16ull * g->depth : 0;
  if (std::max(bias, table) > binding_capacity(limits))
    return refuse(reason, "bias or tap table is larger than a storage block");
  g->bias_offset = round_up(g->slab_bytes * g->total_slabs(), alignment);
  g->table_offset = round_up(g->bias_offset + bias, alignment);
  g->packed_bytes = std::max<uint64_t>(16, round_up(g->table_offset + table, 16));
  return true;
}

// How many slabs one dispatch may cover, by weights and by the grid.
bool limit_slabs(const Variant& v, const Limits& limits, Geometry* g, Reason* reason) {
  const uint64_t by_weights = binding_capacity(limits) / g->slab_bytes;
  const uint64_t by_grid = limits.max_groups[0] / v.splits;
  g->slabs = std::min<uint64_t>({static_cast<uint64_t>(g->total_slabs()), by_weights, by_grid});
  if (is_transformed(v.family)) {
    // x holds the slabs of a position, z the positions. One dispatch packs all of them.
    if (static_cast<uint64_t>(g->total_slabs()) > by_weights)
      return refuse(reason, "transformed weights are larger than a storage block");
    const auto positions = std::min<int64_t>(limits.max_groups[2], g->groups);
    g->slabs = by_grid < static_cast<uint64_t>(g->slabs_per_group)
                   ? 0 : positions * g->slabs_per_group;
  }
  if (v.family == Family::fused) {
    // One dispatch has the slabs of all positions.
    const bool fits = static_cast<uint64_t>(g->total_slabs()) <= by_weights &&
                      static_cast<uint64_t>(g->slabs_per_group) <= by_grid;
    g->slabs = fits ? g->total_slabs() : 0;
  }
  if (g->slabs < 1) return refuse(reason, "the product exceeds the device's grid or blocks");
  return true;
}

// How many images one dispatch may cover, by input, output and workspace.
bool limit_images(const Variant& v, const ConvProblem& p, const Limits& limits, Geometry* g,
                  Reason* reason) {
  const uint64_t capacity = binding_capacity(limits);
  const uint64_t in_image = p.input_bytes() / p.n;
  const uint64_t out_image = p.output_bytes() / p.n;
  if (in_image > capacity)
    return refuse(reason, "one input image of %llu bytes is larger than a storage block (%llu)",
                  static_cast<ull>(in_image), static_cast<ull>(limits.max_block_bytes));
  g->images = std::min<uint64_t>({static_cast<uint64_t>(p.n), capacity / in_image,
                                  std::max<uint64_t>(1, capacity / out_image)});
  if (out_image > capacity) {
    const uint64_t slab_output = out_image / p.k * v.block_m;
    g->channel_ranges = true;
    g->slabs = std::min<uint64_t>(g->slabs, capacity / slab_output);
    if (g->slabs < 1 || v.splits > 1)
      return refuse(reason, "one output image of %llu bytes is larger than a storage block (%llu)",
                    static_cast<ull>(out_image), static_cast<ull>(limits.max_block_bytes));
  }
  if (v.splits == 1) return true;
  const uint64_t room = std::min(capacity, limits.max_workspace_bytes) / v.splits;
  g->images = std::min<uint64_t>(g->images, room / (out_image + 16));
  if (g->images < 1)
    return refuse(reason, "no room for %u partial results of one image", v.splits);
  g->split_stride = round_up(g->images * out_image / 4, 4);
  g->workspace_bytes = 4ull * g->split_stride * v.splits;
  return true;
}

}  // namespace

bool refuse(Reason* reason, const char* format, ...) noexcept {
  if (!reason) return false;
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(reason->text, sizeof reason->text, format, arguments);
  va_end(arguments);
  return false;
}

int64_t packed_depth(const Variant& v, const ConvProblem& p) noexcept {
  const int64_t taps = p.kernel_h * p.kernel_w;
  switch (v.family) {
    case Family::gemm: return round_up(p.group_c(), v.block_k);
    case Family::fused: return round_up(p.c, uint64_t{v.block_k} * v.steps);
    case Family::winograd:
    case Family::fourier: return round_up(p.c * p.stride_h * p.stride_w, v.block_k);
    case Family::pgemm:
    case Family::spread:
    case Family::igemm: return taps * round_up(p.group_c(), v.block_k);
    case Family::itable: return round_up(taps * p.group_c(), v.block_k);
    case Family::direct:
    case Family::depthwise:
    case Family::stem: break;
  }
  return taps * p.group_c();
}

uint32_t thread_count(const Variant& v) noexcept {
  const uint32_t threads =
      static_cast<uint32_t>(v.block_m) * v.block_n / (v.thread_m * v.thread_n);
  if (v.family == Family::fused) return threads * fused_positions * v.steps;
  return v.family == Family::spread ? threads * v.steps : threads;
}

uint64_t binding_alignment(const Limits& limits) noexcept {
  return std::max<uint64_t>(16, limits.offset_alignment);
}

uint64_t binding_capacity(const Limits& limits) noexcept {
  const uint64_t block = std::min<uint64_t>(limits.max_block_bytes, (1ull << 31) - 1);
  const uint64_t slack = binding_alignment(limits) + 16;
  return block > slack ? block - slack : 0;
}

bool make_geometry(const Variant& v, const ConvProblem& p, const Limits& limits, Geometry* g,
                   Reason* reason) noexcept {
  *g = Geometry{};
  if (!check_extents(p, reason) || !check_workgroup(v, limits, reason)) return false;
  if (v.family == Family::gemm && !check_gemm(p, reason)) return false;
  if (v.family == Family::pgemm && (p.kernel_h > 16 || p.kernel_w > 16))
    return refuse(reason, "only kernels up to 16x16");
  if (is_transformed(v.family) && (p.groups != 1 || p.stride_h > 4 || p.stride_w > 4))
    return refuse(reason, "no groups, and only strides up to 4");
  g->groups = v.family == Family::fused     ? fused_positions
              : v.family == Family::winograd ? tile_edge(v) * tile_edge(v)
              : v.family == Family::fourier ? fourier_positions
                                            : p.groups;
  g->group_k = p.group_k();
  g->slabs_per_group = ceil_div(g->group_k, v.block_m);
  g->depth = packed_depth(v, p);
  g->blocks = g->depth / v.block_k;
  if (v.family == Family::fused) g->blocks /= v.steps;
  if (v.family == Family::spread && g->blocks < v.steps)
    return refuse(reason, "only %lld reduction steps for %u warps",
                  static_cast<long long>(g->blocks), v.steps);
  if (v.family == Family::fused && !fused_geometry(v, p, limits, g, reason)) return false;
  if (is_transformed(v.family) && !transformed_geometry(v, p, limits, g, reason)) return false;
  if (v.family == Family::depthwise && !depthwise_geometry(v, p, g, reason)) return false;
  if (v.family == Family::stem && !stem_geometry(v, p, limits, g, reason)) return false;
  if (v.splits > 1 && v.splits > g->blocks)
    return refuse(reason, "only %lld reduction steps for %u splits",
                  static_cast<long long>(g->blocks), v.splits);
  if (!lay_out_packed(v, p, limits, g, reason) || !limit_slabs(v, limits, g, reason)) return false;
  return is_transformed(v.family) || limit_images(v, p, limits, g, reason);
}

}  // namespace sporkle::gl
