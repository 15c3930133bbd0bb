#include "backends/gl/kernels/emit.h"

#include <algorithm>

namespace sporkle::gl {

Defines add_program(Recipe& recipe, Program::Shader shader, uint32_t threads,
                    const ConvProblem& p, bool finish) {
  recipe.programs.push_back(
      Program{shader, std::pmr::string(recipe.programs.get_allocator().resource())});
  Defines defines(recipe.programs.back().defines);
  const int64_t activation = finish ? static_cast<int64_t>(p.activation) : 0;
  defines.add("THREADS", threads).add("ACTIVATION", activation);
  defines.add("HAS_BIAS", finish && p.has_bias).add("HAS_RESIDUAL", finish && p.has_residual);
  if (finish && p.activation == Activation::clamp)
    defines.add_bits("CLAMP_MIN_BITS", p.clamp_min).add_bits("CLAMP_MAX_BITS", p.clamp_max);
  return defines;
}

void add_tile_defines(Defines& defines, const Variant& v, const Geometry& g) {
  const int64_t threads = thread_count(v);
  const int64_t lanes_n = 32 / v.lanes_m;
  defines.add("BM", v.block_m).add("BM4", v.block_m / 4);
  defines.add("SLABS", g.slabs_per_group).add("GROUP_K", g.group_k);
  defines.add("TM4", v.thread_m / 4).add("LANES_M", v.lanes_m).add("LANES_N", lanes_n);
  defines.add("MIXED_LANES", v.lanes_m > 1 && lanes_n > 1);
  if (v.family == Family::stem) return;
  defines.add("BN", v.block_n).add("BK", v.block_k);
  defines.add("BLOCKS", g.blocks).add("SPLITS", v.splits);
  defines.add("A_PASSES", ceil_div(int64_t{v.block_k} * v.block_m / 4, threads));
  defines.add("WARPS_N", v.block_n / (v.thread_n * lanes_n));
}

void add_quad_defines(Defines& defines, const Variant& v) {
  const int64_t rows = std::min<int64_t>(v.block_k, 4 * thread_count(v) / v.block_n);
  defines.add("BN4", v.block_n / 4).add("TN4", v.thread_n / 4).add("PAIRS", v.steps / 2);
  defines.add("B_ROWS", rows).add("B_PASSES", v.block_k / rows);
}

void add_gemm_defines(Defines& defines, const Variant& v, int64_t depth, int64_t in_rows,
                      int64_t out_rows, int64_t plane) {
  add_quad_defines(defines, v);
  defines.add("GATHER", 0);
  defines.add("DEPTH", depth).add("PLANE4", plane / 4);
  defines.add("IMAGE_IN4", in_rows * plane / 4).add("IMAGE_OUT4", out_rows * plane / 4);
}

void add_problem_defines(Defines& defines, const ConvProblem& p) {
  defines.add("IN_C", p.c).add("IN_H", p.h).add("IN_W", p.w);
  defines.add("PLANE_IN", p.h * p.w).add("IMAGE_IN", p.c * p.h * p.w);
  defines.add("OUT_C", p.k).add("OUT_H", p.out_h).add("OUT_W", p.out_w);
  defines.add("PLANE_OUT", p.out_h * p.out_w).add("IMAGE_OUT", p.k * p.out_h * p.out_w);
  defines.add("KERNEL_H", p.kernel_h).add("KERNEL_W", p.kernel_w);
  defines.add("STRIDE_H", p.stride_h).add("STRIDE_W", p.stride_w);
  defines.add("PAD_TOP", p.pad_top).add("PAD_LEFT", p.pad_left);
  defines.add("DILATION_H", p.dilation_h).add("DILATION_W", p.dilation_w);
}

uint32_t DispatchBuilder::bind(uint32_t slot, Tensor tensor, uint64_t begin, uint64_t end) {
  const uint64_t alignment = binding_alignment(limits_);
  const uint64_t offset = begin / alignment * alignment;
  dispatch_.bindings[dispatch_.binding_count++] = Binding{slot, tensor, offset, end - offset};
  return static_cast<uint32_t>((begin - offset) / 4);
}

void DispatchBuilder::finish(int64_t columns, int64_t tiles, bool barrier,
                             std::pmr::vector<Dispatch>* list) {
  // Equal rows: at most one tile per layer of z is computed for nothing.
  const int64_t layers = ceil_div(tiles, limits_.max_groups[1]);
  finish_box(columns, ceil_div(tiles, layers), layers, barrier, list);
}

void DispatchBuilder::finish_box(int64_t x, int64_t y, int64_t z, bool barrier,
                                 std::pmr::vector<Dispatch>* list) {
  dispatch_.groups[0] = static_cast<uint32_t>(x);
  dispatch_.groups[1] = static_cast<uint32_t>(y);
  dispatch_.groups[2] = static_cast<uint32_t>(z);
  dispatch_.barrier = barrier;
  (list != nullptr ? *list : recipe_.dispatches).push_back(dispatch_);
}

void bind_epilogue(DispatchBuilder& dispatch, const Recipe& recipe, const Geometry& g,
                   const ConvProblem& p, uint64_t begin, uint64_t end) {
  if (p.has_bias) {
    const uint64_t bytes = 4ull * p.groups * g.slabs_per_group * recipe.variant.block_m;
    dispatch.bind(2, Tensor::packed, g.bias_offset, g.bias_offset + bytes);
  }
  if (p.has_residual) dispatch.bind(3, Tensor::residual, begin, end);
}

void bind_slabs(DispatchBuilder& dispatch, const Variant& v, const Geometry& g, int64_t first,
                int64_t count) {
  const uint64_t begin = first * g.slab_bytes;
  const uint64_t end = begin + count * g.slab_bytes;
  const uint64_t skipped = 4ull * dispatch.bind(1, Tensor::packed, begin, end);
  dispatch.set_arg(4, first);
  dispatch.set_arg(5, (begin - skipped) / (v.block_m == 1 ? 4 : 16));
}

}  // namespace sporkle::gl
