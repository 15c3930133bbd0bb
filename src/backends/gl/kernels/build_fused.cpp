// Recipes of fused: one dispatch per range of images. The weights are transformed on the
// device, once per plan, as for winograd.
#include <algorithm>

#include "backends/gl/kernels/emit.h"

namespace sporkle::gl {
namespace {

void add_program_of(Recipe& recipe, const ConvProblem& p, const Geometry& g) {
  const Variant& v = recipe.variant;
  const int64_t threads = thread_count(v), rows = int64_t{v.block_k} * v.steps;
  Defines d = add_program(recipe, Program::Shader::winograd_fused, thread_count(v), p, true);
  add_problem_defines(d, p);
  d.add("BM", v.block_m).add("BM4", v.block_m / 4).add("BN", v.block_n).add("BK", v.block_k);
  d.add("TM4", v.thread_m / 4).add("TN", v.thread_n).add("SPLIT", v.steps);
  d.add("SLABS", g.slabs_per_group).add("DEPTH", g.depth).add("BLOCKS", g.blocks);
  d.add("TILES_Y", g.tiles_y).add("TILES_X", g.tiles_x);
  d.add("UNROLL", std::min<int64_t>(v.block_k, 4)).add("ROUNDS", g.rounds).add("AREA", g.area);
  d.add("V_PASSES", ceil_div(rows * v.block_n, threads));
  d.add("U_PASSES", ceil_div(g.groups * rows * v.block_m / 4, threads));
}

}  // namespace

void build_fused(Recipe& recipe, const ConvProblem& p, const Limits& limits, const Geometry& g) {
  const Variant& v = recipe.variant;
  build_packing(recipe, p, limits, g);
  add_program_of(recipe, p, g);
  const uint64_t in_image = p.input_bytes() / p.n, out_image = p.output_bytes() / p.n;
  for (int64_t n = 0; n < p.n; n += g.images) {
    const int64_t count = std::min(g.images, p.n - n);
    const int64_t tiles = count * g.tiles_y * g.tiles_x;
    DispatchBuilder d(recipe, limits, 0);
    d.set_arg(1, tiles);
    d.set_arg(2, d.bind(0, Tensor::input, n * in_image, (n + count) * in_image));
    bind_slabs(d, v, g, 0, g.total_slabs());
    bind_epilogue(d, recipe, g, p, n * out_image, (n + count) * out_image);
    d.set_arg(3, d.bind(4, Tensor::output, n * out_image, (n + count) * out_image));
    d.finish(g.slabs_per_group, ceil_div(tiles, v.block_n), false);
  }
}

}  // namespace sporkle::gl
