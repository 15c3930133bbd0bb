// Recipes of winograd and fourier: input transform, one matrix product per position of the
// tile, output transform; repeated per range of images that the workspace holds. The
// weights are transformed on the device, once per plan.
#include <algorithm>

#include "backends/gl/kernels/emit.h"

namespace sporkle::gl {
namespace {

using Shader = Program::Shader;

// Threads of a transform's workgroup, and the (depth row, tile) pairs that it covers.
struct Transform {
  uint32_t threads, pairs;

  explicit Transform(Family family)
      : threads(family == Family::fourier ? fourier_threads : 128),
        pairs(family == Family::fourier ? fourier_lanes : 128) {}
};

// The only size in the programs that depends on the batch: tiles of a dispatch, which lie
// args[1].w apart where the program is to serve any batch.
constexpr uint32_t tiles_arg = 7;

void add_transform_defines(Defines& d, const Recipe& recipe, const ConvProblem& p,
                           const Geometry& g) {
  const Variant& v = recipe.variant;
  add_problem_defines(d, p);
  d.add("DEPTH", g.rows);
  if (recipe.any_batch) {
    d.add_text("TILES", "int(args[1].w)");
  } else {
    d.add("TILES", g.tiles);
  }
  d.add("TILES_Y", g.tiles_y).add("TILES_X", g.tiles_x);
  d.add("TILE_H", g.tile_h).add("TILE_W", g.tile_w);
  if (v.family == Family::winograd) d.add("TILE", v.tile).add("EDGE", tile_edge(v));
}

// Knows only the form of the kernel: problems share it, so that a plan for a new problem finds
// it compiled. It runs once per plan, where sizes as arguments cost nothing.
void add_packer(Recipe& recipe, const ConvProblem& p) {
  const Variant& v = recipe.variant;
  const bool fourier = v.family == Family::fourier;
  recipe.packers.push_back(
      Program{fourier ? Shader::fourier_weights : Shader::winograd_weights,
              std::pmr::string(recipe.packers.get_allocator().resource())});
  Defines d(recipe.packers.back().defines);
  d.add("THREADS", Transform(v.family).threads).add("ACTIVATION", 0).add("HAS_BIAS", 0);
  d.add_text("IN_C", "int(args[1].x)").add_text("OUT_C", "int(args[1].y)");
  d.add_text("DEPTH", "int(args[1].z)");
  d.add("KERNEL_H", p.kernel_h).add("KERNEL_W", p.kernel_w);
  d.add("STRIDE_H", p.stride_h).add("STRIDE_W", p.stride_w);
  if (fourier) {
    d.add("FILTER", 1).add("DILATION_H", p.dilation_h).add("DILATION_W", p.dilation_w);
  } else {
    d.add("EDGE", tile_edge(v)).add("TAPS", v.kernel);
  }
}

void add_programs(Recipe& recipe, const ConvProblem& p, const Geometry& g) {
  const Variant& v = recipe.variant;
  const bool fourier = v.family == Family::fourier;
  const Transform transform(v.family);
  Defines input = add_program(recipe, fourier ? Shader::fourier_input : Shader::winograd_input,
                              transform.threads, p, false);
  add_transform_defines(input, recipe, p, g);
  if (fourier) input.add("FILTER", 0);
  Defines product = add_program(recipe, Shader::gemm, thread_count(v), p, false);
  // A 1x1 convolution of one image of g.tiles pixels with a group per position.
  add_tile_defines(product, v, g);
  if (recipe.any_batch) {
    add_quad_defines(product, v);
    product.add("GATHER", 0).add("DEPTH", g.rows).add_text("PLANE4", "int(args[1].w / 4u)");
    product.add("IMAGE_IN4", 0).add("IMAGE_OUT4", 0);
  } else {
    add_gemm_defines(product, v, g.rows, 0, 0, g.tiles);
  }
  product.add("GROUPS_ALONG_Z", 1);
  Defines output = add_program(
      recipe, fourier ? Shader::fourier_output : Shader::winograd_output, transform.threads, p,
      true);
  add_transform_defines(output, recipe, p, g);
  output.add("SPLITS", v.splits);
}

void emit_packing(Recipe& recipe, const ConvProblem& p, const Limits& limits, const Geometry& g) {
  const Variant& v = recipe.variant;
  const int64_t count = g.slabs_per_group * g.depth * v.block_m;
  DispatchBuilder d(recipe, limits, 0);
  d.set_arg(1, count);
  d.set_arg(2, v.block_m);
  d.set_arg(3, g.depth);
  d.set_arg(4, p.c);
  d.set_arg(5, p.k);
  d.set_arg(6, g.rows);
  d.bind(0, Tensor::raw, 0, p.weights_bytes());
  d.bind(4, Tensor::packed, 0, 4ull * g.groups * count);
  d.finish(1, ceil_div(count, Transform(v.family).pairs), false, &recipe.packing);
}

void emit_input(Recipe& recipe, const ConvProblem& p, const Limits& limits, const Geometry& g,
                int64_t first, int64_t count) {
  const uint64_t image = p.input_bytes() / p.n;
  DispatchBuilder d(recipe, limits, 0);
  d.set_arg(1, count * g.tiles_y * g.tiles_x);
  d.set_arg(2, d.bind(0, Tensor::input, first * image, (first + count) * image));
  d.set_arg(tiles_arg, g.tiles);
  d.bind(4, Tensor::workspace, 0, 4ull * g.groups * g.rows * g.tiles);
  d.finish(1, ceil_div(g.rows * g.tiles, Transform(recipe.variant.family).pairs), first > 0);
}

void emit_product(Recipe& recipe, const Limits& limits, const Geometry& g, int64_t first_slab,
                  int64_t tiles) {
  const Variant& v = recipe.variant;
  const int64_t count = std::min(g.slabs, g.total_slabs() - first_slab);
  DispatchBuilder d(recipe, limits, 1);
  d.set_arg(1, tiles);
  d.set_arg(tiles_arg, g.tiles);
  d.bind(0, Tensor::workspace, 0, 4ull * g.groups * g.rows * g.tiles);
  bind_slabs(d, v, g, first_slab, count);
  d.bind(4, Tensor::workspace, g.product_offset,
         g.product_offset + 4ull * g.split_stride * v.splits);
  d.set_arg(6, g.split_stride);
  d.finish_box(g.slabs_per_group * v.splits, ceil_div(tiles, v.block_n),
               count / g.slabs_per_group, first_slab == 0);
}

void emit_output(Recipe& recipe, const ConvProblem& p, const Limits& limits, const Geometry& g,
                 int64_t first, int64_t count) {
  const uint64_t image = p.output_bytes() / p.n;
  const uint64_t begin = first * image, end = (first + count) * image;
  DispatchBuilder d(recipe, limits, 2);
  d.set_arg(1, count * g.tiles_y * g.tiles_x);
  d.bind(0, Tensor::workspace, g.product_offset,
         g.product_offset + 4ull * g.split_stride * recipe.variant.splits);
  bind_epilogue(d, recipe, g, p, begin, end);
  d.set_arg(3, d.bind(4, Tensor::output, begin, end));
  d.set_arg(tiles_arg, g.tiles);
  d.finish(1, ceil_div(p.k * g.tiles, Transform(recipe.variant.family).pairs), true);
}

}  // namespace

void build_packing(Recipe& recipe, const ConvProblem& p, const Limits& limits,
                   const Geometry& g) {
  add_packer(recipe, p);
  emit_packing(recipe, p, limits, g);
}

void build_transformed(Recipe& recipe, const ConvProblem& p, const Limits& limits,
                       const Geometry& g) {
  build_packing(recipe, p, limits, g);
  add_programs(recipe, p, g);
  for (int64_t n = 0; n < p.n; n += g.images) {
    const int64_t count = std::min(g.images, p.n - n);
    const int64_t tiles = round_up(count * g.tiles_y * g.tiles_x, 4);
    emit_input(recipe, p, limits, g, n, count);
    for (int64_t slab = 0; slab < g.total_slabs(); slab += g.slabs)
      emit_product(recipe, limits, g, slab, tiles);
    emit_output(recipe, p, limits, g, n, count);
  }
}

}  // namespace sporkle::gl
