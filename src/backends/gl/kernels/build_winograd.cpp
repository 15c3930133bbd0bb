// Recipes of winograd: input transform, one matrix product per position of the
// tile, output transform; repeated per range of images that the workspace holds.
#include <algorithm>

#include "backends/gl/kernels/emit.h"

namespace sporkle::gl {
namespace {

constexpr uint32_t transform_threads = 128;

void add_transform_defines(Defines& d, const Variant& v, const ConvProblem& p,
                           const Geometry& g) {
  add_problem_defines(d, p);
  d.add("TILE", v.tile).add("EDGE", tile_edge(v)).add("TILES", g.tiles);
  d.add("TILES_Y", g.tiles_y).add("TILES_X", g.tiles_x);
}

void add_programs(Recipe& recipe, const ConvProblem& p, const Geometry& g) {
  const Variant& v = recipe.variant;
  Defines input =
      add_program(recipe, Program::Shader::winograd_input, transform_threads, p, false);
  add_transform_defines(input, v, p, g);
  Defines product = add_program(recipe, Program::Shader::gemm, thread_count(v), p, false);
  // A 1x1 convolution of one image of g.tiles pixels with a group per position.
  add_tile_defines(product, v, g);
  add_gemm_defines(product, v, p.c, 0, 0, g.tiles);
  product.add("GROUPS_ALONG_Z", 1);
  Defines output =
      add_program(recipe, Program::Shader::winograd_output, transform_threads, p, true);
  add_transform_defines(output, v, p, g);
  output.add("SPLITS", v.splits);
}

void emit_input(Recipe& recipe, const ConvProblem& p, const Limits& limits, const Geometry& g,
                int64_t first, int64_t count) {
  const uint64_t image = p.input_bytes() / p.n;
  DispatchBuilder d(recipe, limits, 0);
  d.set_arg(1, count * g.tiles_y * g.tiles_x);
  d.set_arg(2, d.bind(0, Tensor::input, first * image, (first + count) * image));
  d.bind(4, Tensor::workspace, 0, 4ull * g.groups * p.c * g.tiles);
  d.finish(1, ceil_div(p.c * g.tiles, transform_threads), first > 0);
}

void emit_product(Recipe& recipe, const ConvProblem& p, const Limits& limits, const Geometry& g,
                  int64_t first_slab, int64_t tiles) {
  const Variant& v = recipe.variant;
  const int64_t count = std::min(g.slabs, g.total_slabs() - first_slab);
  DispatchBuilder d(recipe, limits, 1);
  d.set_arg(1, tiles);
  d.bind(0, Tensor::workspace, 0, 4ull * g.groups * p.c * g.tiles);
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
  d.finish(1, ceil_div(p.k * g.tiles, transform_threads), true);
}

}  // namespace

void build_winograd(Recipe& recipe, const ConvProblem& p, const Limits& limits,
                    const Geometry& g) {
  add_programs(recipe, p, g);
  for (int64_t n = 0; n < p.n; n += g.images) {
    const int64_t count = std::min(g.images, p.n - n);
    const int64_t tiles = round_up(count * g.tiles_y * g.tiles_x, 4);
    emit_input(recipe, p, limits, g, n, count);
    for (int64_t slab = 0; slab < g.total_slabs(); slab += g.slabs)
      emit_product(recipe, p, limits, g, slab, tiles);
    emit_output(recipe, p, limits, g, n, count);
  }
}

}  // namespace sporkle::gl
