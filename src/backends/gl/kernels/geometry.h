// What a variant means for one problem on one device: tile counts, how much of
// the tensors one dispatch covers, and where things lie. Pure arithmetic.
#pragma once

#include <cstdint>

#include "backends/gl/kernels/recipe.h"

namespace sporkle::gl {

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
constexpr uint64_t round_up(uint64_t value, uint64_t unit) {
  return (value + unit - 1) / unit * unit;
}

// Families that transform tiles, multiply per position of a tile and transform back.
constexpr bool is_transformed(Family family) {
  return family == Family::winograd || family == Family::fourier;
}

// Families whose inner loop is that of the gemm shader.
constexpr bool multiplies_quads(Family family) {
  return family == Family::gemm || family == Family::pgemm || is_transformed(family);
}

// fourier: edge of a tile, products per tile, threads and tiles of a transform's workgroup.
constexpr int fourier_edge = 16, fourier_positions = 382;
constexpr int fourier_threads = 256, fourier_lanes = 32;

// fused: products per tile.
constexpr int fused_positions = 16;

// Edge of the input tile of a Winograd variant.
constexpr int tile_edge(const Variant& v) { return v.tile + v.kernel - 1; }

// A slab is the weights of one workgroup's output channels: depth rows of block_m
// values, zero-padded. Slabs are numbered through all groups.
struct Geometry {
  int64_t groups = 1;            // independent products: problem.groups, or positions of a tile
  int64_t group_k = 0;           // output channels per product
  int64_t slabs_per_group = 0;
  int64_t depth = 0;             // reduction length, padded
  int64_t blocks = 0;            // depth / block_k
  uint64_t slab_bytes = 0;
  int64_t images = 0;            // images per dispatch
  int64_t slabs = 0;             // slabs per dispatch
  bool channel_ranges = false;   // one image of output is too large: bind channel ranges
  int64_t split_stride = 0;      // elements between two splits in the workspace
  uint64_t workspace_bytes = 0;
  uint64_t bias_offset = 0;
  uint64_t table_offset = 0;
  uint64_t packed_bytes = 0;
  int64_t tiles_y = 0, tiles_x = 0;  // depthwise, stem, winograd, fused, fourier
  int64_t tile_h = 0, tile_w = 0;    // winograd, fourier: outputs of a tile
  int64_t rows = 0;                  // winograd, fused, fourier: depth before padding
  int64_t tiles = 0;                 // winograd, fourier: per dispatch, padded to a multiple of 4
  uint64_t product_offset = 0;       // winograd, fourier: workspace offset of the products
  int64_t stage = 0;                 // stem: channels staged at once
  int64_t patch_h = 0, patch_w4 = 0, window4 = 0;
  int64_t patch_w = 0;               // depthwise
  int64_t rounds = 0, area = 0;      // fused: rounds of the output transform; floats per position

  int64_t total_slabs() const { return groups * slabs_per_group; }
};

// Rows of weights per output channel, padding included.
int64_t packed_depth(const Variant& variant, const ConvProblem& problem) noexcept;

uint32_t thread_count(const Variant& variant) noexcept;
uint64_t binding_alignment(const Limits& limits) noexcept;

// Bytes one binding may span when its start may have to be aligned down.
uint64_t binding_capacity(const Limits& limits) noexcept;

// False with a reason when the variant cannot compute the problem there.
bool make_geometry(const Variant& variant, const ConvProblem& problem, const Limits& limits,
                   Geometry* out, Reason* reason) noexcept;

// The family-specific parts; `out` has groups, group_k and slabs_per_group.
bool stem_geometry(const Variant& variant, const ConvProblem& problem, const Limits& limits,
                   Geometry* out, Reason* reason) noexcept;
bool depthwise_geometry(const Variant& variant, const ConvProblem& problem, Geometry* out,
                        Reason* reason) noexcept;
bool fused_geometry(const Variant& variant, const ConvProblem& problem, const Limits& limits,
                    Geometry* out, Reason* reason) noexcept;
bool transformed_geometry(const Variant& variant, const ConvProblem& problem,
                          const Limits& limits, Geometry* out, Reason* reason) noexcept;

// Sets a reason if there is room for one; always false, to be returned.
bool refuse(Reason* reason, const char* format, ...) noexcept
    __attribute__((format(printf, 2, 3)));

}  // namespace sporkle::gl
