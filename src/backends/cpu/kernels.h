// The functions that exist once per instruction set, and the table of them.
//
// A tile kernel sums products into a small block of accumulators. One operand
// is read as whole vectors, the other one value at a time and broadcast. In
// pixel tiles the vectors are output pixels and the rows output channels; in
// channel tiles it is the other way round.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backends/cpu/blocked_kernels.h"
#include "backends/cpu/isa.h"
#include "backends/cpu/winograd_kernels.h"

namespace sporkle::cpu {

// A run of columns of a tile and where it goes within an output plane.
struct Segment {
  ptrdiff_t source, target, count;
};

// Adds bias and residual, activates and stores: rows are output channels.
struct FinishArgs {
  const float* acc;  // readable up to one vector past each row's last column
  ptrdiff_t acc_row;
  ptrdiff_t rows;
  const Segment* segments;
  ptrdiff_t segment_count;
  const float* bias;      // one per row, or null
  const float* residual;  // null, or as output; may be the same array
  float* output;          // plane of the first row
  ptrdiff_t plane;        // floats from one row's plane to the next
  bool activate;
  float low, high;  // result = min(max(x, low), high); NaN stays NaN
};

// Sums over channels and taps: acc[row][lane] (+)= sum of x * w.
struct TileArgs {
  const float* x;         // activations at the tile's first pixel, first channel
  const float* w;         // packed weights, first channel and tap
  const ptrdiff_t* taps;  // offset of each tap from x, in floats
  ptrdiff_t tap_count;
  ptrdiff_t channels;
  ptrdiff_t x_channel;  // floats from one channel to the next
  ptrdiff_t w_channel;
  float* acc;
  ptrdiff_t acc_row;  // floats from one row of accumulators to the next
  bool accumulate;    // add to acc instead of overwriting it
  float* copy;  // of x, for the kernels that leave one: a row of the tile per channel
  // Fetched from memory during the sum. With one tap a few lines per channel; in pixel
  // tiles the run of columns of each row that the tile will be stored to, null for none.
  const float* ahead;
  ptrdiff_t ahead_channel, ahead_lines;
  const float* out;
  ptrdiff_t out_row;  // floats from one row to the next
  // Null, or in pixel tiles whose columns are one segment: where the finished
  // sums go instead of acc. Its own accumulators are not used.
  const FinishArgs* finish;
};
using TileKernel = void (*)(const TileArgs&);

// Transposes accumulators of a channel tile, [pixels][lanes] -> [lanes][8].
struct TransposeArgs {
  const float* acc;
  ptrdiff_t acc_row;
  ptrdiff_t pixels;  // 1..8
  ptrdiff_t lanes;   // multiple of the vector length
  float* out;        // lanes rows of transposed_row floats
};
constexpr ptrdiff_t transposed_row = 8;

// Copies channels into phase planes: plane (row phase, column phase) holds
// every stride-th row and column, zero outside the input.
struct PackArgs {
  const float* input;  // first channel
  ptrdiff_t channels;
  ptrdiff_t height, width;  // of the input
  const ptrdiff_t* row_phases;  // input row of a plane's row 0, may be negative
  const ptrdiff_t* column_phases;
  ptrdiff_t row_phase_count, column_phase_count;
  ptrdiff_t stride_h, stride_w;
  ptrdiff_t first_row, first_column;  // output position of the block
  ptrdiff_t rows, columns;            // of a plane
  float* out;
  ptrdiff_t out_channel;  // floats from one channel to the next
};

// A run of floats of a channel and where it goes within its copy.
struct RowCopy {
  ptrdiff_t source, target, count;
};

// Copies the same runs of every channel, every stride-th float of them.
struct CopyRowsArgs {
  const float* input;
  ptrdiff_t channels;
  ptrdiff_t input_channel;  // floats from one channel to the next
  const RowCopy* rows;
  ptrdiff_t row_count, stride;
  float* out;
  ptrdiff_t out_channel;
};

// Copies channels into panels of `tile` columns, a multiple of the vector length:
// [panel][channel][column]. The last panel is filled up with zeros.
struct PanelArgs {
  const float* input;
  ptrdiff_t input_channel;  // floats from one channel to the next
  ptrdiff_t channels, columns, tile;
  float* out;
};

constexpr int tile_rows_limit = 8;
constexpr int tile_vectors_limit = 8;

struct Kernels {
  Isa isa;
  int lanes;           // floats per vector
  int pixel_rows;      // most output channels of a pixel tile
  int channel_rows;    // most pixels of a channel tile
  int channel_vectors; // most vectors of output channels of a channel tile
  double gflops;       // what one thread does, roughly: for what is too small to split
  // [rows][vectors]; null where the registers do not suffice.
  TileKernel pixel_tile[tile_rows_limit + 1][tile_vectors_limit + 1];
  // One tap, most vectors for these rows: copies what it reads.
  TileKernel copying_tile[tile_rows_limit + 1];
  TileKernel channel_tile[tile_rows_limit + 1][tile_vectors_limit + 1];
  void (*finish)(const FinishArgs&);
  void (*transpose)(const TransposeArgs&);
  void (*pack)(const PackArgs&);
  void (*copy_rows)(const CopyRowsArgs&);
  void (*pack_panels)(const PanelArgs&);
  WinogradKernels winograd[winograd_sizes];  // by size of the output tile: 2, 4
  WinogradFewKernels winograd_few;
  BlockedKernels blocked;                    // rows 0: none
};

// Most vectors of pixels in a tile with this many rows.
inline int pixel_vectors(const Kernels& kernels, int rows) noexcept {
  int vectors = tile_vectors_limit;
  while (kernels.pixel_tile[rows][vectors] == nullptr) --vectors;
  return vectors;
}

// Null when this build has none for the set.
const Kernels* kernels_compiled(Isa isa) noexcept;

}  // namespace sporkle::cpu
