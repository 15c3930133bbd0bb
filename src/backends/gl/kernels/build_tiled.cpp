// Recipes of gemm, igemm, itable, direct and stem: one dispatch per range of images
// and slabs, and one more per range of images when the reduction is split.
#include <algorithm>

#include "backends/gl/kernels/emit.h"

namespace sporkle::gl {
namespace {

constexpr uint32_t reduce_threads = 128;

Program::Shader shader_of(Family family) {
  switch (family) {
    case Family::gemm:
    case Family::pgemm: return Program::Shader::gemm;
    case Family::igemm:
    case Family::itable: return Program::Shader::igemm;
    case Family::direct: return Program::Shader::direct;
    case Family::spread: return Program::Shader::spread;
    case Family::depthwise: return Program::Shader::depthwise;
    default: return Program::Shader::stem;
  }
}

void add_igemm_defines(Defines& d, const Variant& v, const ConvProblem& p) {
  const int64_t quads = v.block_k / 4;
  const int64_t rows = std::min<int64_t>(quads, thread_count(v) / v.block_n);
  add_problem_defines(d, p);
  d.add("BKQ", quads).add("TN", v.thread_n);
  d.add("B_ROWS", rows).add("B_PASSES", quads / rows);
  d.add("GROUP_C", p.group_c()).add("BLOCKS_C", ceil_div(p.group_c(), v.block_k));
  d.add("BY_TAPS", v.family == Family::igemm);
}

void add_direct_defines(Defines& d, const Variant& v, const ConvProblem& p, const Geometry& g) {
  const int64_t lane = v.block_m == 1 ? 1 : 4;
  add_problem_defines(d, p);
  d.add("BM", v.block_m).add("BM_LANES", v.block_m / lane).add("CHANNELS_PER_LANE", lane);
  d.add("SLABS", g.slabs_per_group).add("GROUP_K", g.group_k).add("GROUP_C", p.group_c());
  d.add("TN", v.thread_n);
}

void add_depthwise_defines(Defines& d, const Variant& v, const ConvProblem& p, const Geometry& g) {
  add_problem_defines(d, p);
  d.add("GROUP_K", g.group_k).add("TILE_H", v.steps).add("TILE_W", v.thread_n / v.steps);
  d.add("TILES_Y", g.tiles_y).add("TILES_X", g.tiles_x);
  d.add("PATCH_H", g.patch_h).add("PATCH_W", g.patch_w);
}

// The input is read at taps that may lie outside of it.
bool is_checked(const ConvProblem& p) {
  const auto inside = [](int64_t size, int64_t out, int64_t stride, int64_t reach) {
    return (out - 1) * stride + reach < size;
  };
  return p.pad_top != 0 || p.pad_left != 0 ||
         !inside(p.h, p.out_h, p.stride_h, (p.kernel_h - 1) * p.dilation_h) ||
         !inside(p.w, p.out_w, p.stride_w, (p.kernel_w - 1) * p.dilation_w);
}

void add_pgemm_defines(Defines& d, const Variant& v, const ConvProblem& p) {
  add_quad_defines(d, v);
  add_problem_defines(d, p);
  d.add("GATHER", 1).add("CHECKED", is_checked(p));
  d.add("GROUP_C", p.group_c()).add("BLOCKS_C", ceil_div(p.group_c(), v.block_k));
}

void add_spread_defines(Defines& d, const Variant& v, const ConvProblem& p, const Geometry& g) {
  add_problem_defines(d, p);
  d.add("BM", v.block_m).add("BM4", v.block_m / 4).add("TN", v.thread_n);
  d.add("WARPS", v.steps).add("UNROLL", v.block_k).add("BLOCKS", g.blocks);
  d.add("BLOCKS_C", ceil_div(p.group_c(), v.block_k));
  d.add("SLABS", g.slabs_per_group).add("GROUP_K", g.group_k).add("GROUP_C", p.group_c());
  d.add("CHECKED", is_checked(p));
}

void add_stem_defines(Defines& d, const Variant& v, const ConvProblem& p, const Geometry& g) {
  constexpr int64_t tile_w = 16;
  const int64_t segments_x = tile_w / v.thread_n;
  add_tile_defines(d, v, g);
  add_problem_defines(d, p);
  d.add("TN", v.thread_n).add("TN4", v.thread_n / 4).add("TILE_W", tile_w);
  d.add("TILE_H", v.block_n / tile_w).add("SEGMENTS_X", segments_x);
  d.add("WARPS_N", v.block_n / (v.thread_n * (32 / v.lanes_m)));
  d.add("TILES_Y", g.tiles_y).add("TILES_X", g.tiles_x).add("CSTAGE", g.stage);
  d.add("TAPS", p.kernel_h * p.kernel_w);
  d.add("PATCH_H", g.patch_h).add("PATCH_W4", g.patch_w4).add("WINDOW4", g.window4);
  // What the next stage needs is loaded ahead where registers hold it.
  const int64_t patch = g.stage * g.patch_h * p.stride_w * g.patch_w4;
  const int64_t weights = g.stage * p.kernel_h * p.kernel_w * v.block_m / 4;
  const int64_t x_passes = ceil_div(patch, thread_count(v));
  const int64_t w_passes = ceil_div(weights, thread_count(v));
  d.add("X_PASSES", x_passes).add("W_PASSES", w_passes);
  d.add("AHEAD", x_passes + w_passes <= (g.stage < p.c ? 14 : 28));
}

void add_tiled_program(Recipe& recipe, const ConvProblem& p, const Geometry& g) {
  const Variant& v = recipe.variant;
  Defines d = add_program(recipe, shader_of(v.family), thread_count(v), p, v.splits == 1);
  if (v.family == Family::direct) return add_direct_defines(d, v, p, g);
  if (v.family == Family::spread) return add_spread_defines(d, v, p, g);
  if (v.family == Family::depthwise) return add_depthwise_defines(d, v, p, g);
  if (v.family == Family::stem) return add_stem_defines(d, v, p, g);
  add_tile_defines(d, v, g);
  d.add("GROUPS_ALONG_Z", 0);
  if (v.family == Family::gemm) return add_gemm_defines(d, v, p.group_c(), p.c, p.k, p.h * p.w);
  if (v.family == Family::pgemm) return add_pgemm_defines(d, v, p);
  add_igemm_defines(d, v, p);
}

void add_reduce_program(Recipe& recipe, const ConvProblem& p, const Geometry& g) {
  const int64_t plane = p.out_h * p.out_w;
  Defines d = add_program(recipe, Program::Shader::reduce, reduce_threads, p, true);
  d.add("LANES", plane % 4 == 0 ? 4 : 1).add("PLANE_OUT", plane).add("OUT_C", p.k);
  d.add("GROUP_K", g.group_k).add("SLABS", g.slabs_per_group).add("BM", recipe.variant.block_m);
  d.add("SPLITS", recipe.variant.splits);
}

// One range of images: what of the input and output tensors it covers.
struct ImageRange {
  int64_t count;
  uint64_t in_begin, in_end, out_begin, out_end;

  ImageRange(const ConvProblem& p, int64_t first, int64_t limit)
      : count(std::min(limit, p.n - first)) {
    const uint64_t in_image = p.input_bytes() / p.n;
    const uint64_t out_image = p.output_bytes() / p.n;
    in_begin = first * in_image;
    in_end = in_begin + count * in_image;
    out_begin = first * out_image;
    out_end = out_begin + count * out_image;
  }
};

int64_t first_channel(const Variant& v, const Geometry& g, int64_t slab) {
  return slab / g.slabs_per_group * g.group_k +
         std::min(slab % g.slabs_per_group * v.block_m, g.group_k);
}

void emit_slabs(Recipe& recipe, const ConvProblem& p, const Limits& limits, const Geometry& g,
                const ImageRange& images, int64_t first, int64_t count, bool barrier) {
  const Variant& v = recipe.variant;
  const int64_t plane = p.out_h * p.out_w;
  DispatchBuilder d(recipe, limits, 0);
  // Families that cut the output into tiles of rows and columns count images.
  const bool cuts_planes = g.tiles_y != 0;
  d.set_arg(1, cuts_planes ? images.count : images.count * plane);
  d.set_arg(2, d.bind(0, Tensor::input, images.in_begin, images.in_end));
  bind_slabs(d, v, g, first, count);
  if (v.splits > 1) {
    d.bind(4, Tensor::workspace, 0, g.workspace_bytes);
    d.set_arg(6, g.split_stride);
  } else {
    uint64_t begin = images.out_begin, end = images.out_end;
    int64_t skipped = 0;
    if (g.channel_ranges) {
      skipped = first_channel(v, g, first) * plane;
      const int64_t last = first + count - 1;
      const int64_t stop = std::min(first_channel(v, g, last) + v.block_m,
                                    (last / g.slabs_per_group + 1) * g.group_k);
      end = begin + 4ull * stop * plane;
      begin += 4ull * skipped;
    }
    bind_epilogue(d, recipe, g, p, begin, end);
    // The shader counts channels from the first of the image; wraps as intended.
    d.set_arg(3, d.bind(4, Tensor::output, begin, end) - skipped);
  }
  if (v.family == Family::itable)
    d.bind(5, Tensor::packed, g.table_offset, g.table_offset + 16ull * g.depth);
  const int64_t plane_tiles = images.count * g.tiles_y * g.tiles_x;
  const int64_t tiles = v.family == Family::stem ? plane_tiles
                        : cuts_planes ? ceil_div(plane_tiles, thread_count(v))
                                      : ceil_div(images.count * plane, v.block_n);
  d.finish(count * v.splits, tiles, barrier);
}

void emit_reduce(Recipe& recipe, const ConvProblem& p, const Limits& limits, const Geometry& g,
                 const ImageRange& images) {
  const int64_t elements = images.count * p.k * p.out_h * p.out_w;
  const int64_t lanes = p.out_h * p.out_w % 4 == 0 ? 4 : 1;
  DispatchBuilder d(recipe, limits, 1);
  d.set_arg(1, elements);
  d.set_arg(6, g.split_stride);
  d.bind(0, Tensor::workspace, 0, g.workspace_bytes);
  bind_epilogue(d, recipe, g, p, images.out_begin, images.out_end);
  d.set_arg(3, d.bind(4, Tensor::output, images.out_begin, images.out_end));
  d.finish(1, ceil_div(elements / lanes, reduce_threads), true);
}

}  // namespace

void build_tiled(Recipe& recipe, const ConvProblem& p, const Limits& limits, const Geometry& g) {
  const bool split = recipe.variant.splits > 1;
  add_tiled_program(recipe, p, g);
  if (split) add_reduce_program(recipe, p, g);
  for (int64_t n = 0; n < p.n; n += g.images) {
    const ImageRange images(p, n, g.images);
    for (int64_t slab = 0; slab < g.total_slabs(); slab += g.slabs) {
      const bool reuses_workspace = split && n > 0 && slab == 0;
      emit_slabs(recipe, p, limits, g, images, slab, std::min(g.slabs, g.total_slabs() - slab),
                 reuses_workspace);
    }
    if (split) emit_reduce(recipe, p, limits, g, images);
  }
}

}  // namespace sporkle::gl
