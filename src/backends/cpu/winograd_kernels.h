// The transforms of Winograd's algorithm F(m x m, 3 x 3), once per instruction
// set. A tile is m x m outputs and the (m + 2)^2 inputs they need; the products
// are done position by position, as (m + 2)^2 matrix products.
#pragma once

#include <cstddef>

namespace sporkle::cpu {

constexpr int winograd_sizes = 2;

// Input tiles, transformed: out[position][panel of tiles][channel][tile].
struct WinogradInputArgs {
  const float* input;  // first channel of image 0
  // What may be read: all images.
  const float* input_begin;
  ptrdiff_t input_floats;
  ptrdiff_t channels;
  ptrdiff_t image;  // floats from one image to the next
  ptrdiff_t height, width;
  ptrdiff_t pad_top, pad_left;
  ptrdiff_t tile_rows, tile_columns;  // of an image
  // Where the tiles of the block begin; they go on along rows and images.
  ptrdiff_t first_image, first_row, first_column;
  ptrdiff_t tiles;
  float* out;              // first channel
  ptrdiff_t out_position;  // floats from one position to the next
  ptrdiff_t out_panel;     // floats from one panel to the next
  float* scratch;          // winograd_input_floats()
};

// Floats of a run of values that the transform reads, one per tile.
constexpr ptrdiff_t winograd_run_floats(ptrdiff_t tiles) { return (tiles + 15) / 16 * 16 + 16; }
// Of a row of the input with its padding, read in whole vectors.
constexpr ptrdiff_t winograd_line_floats(int m, ptrdiff_t tiles) { return m * (tiles + 32) + 64; }
constexpr ptrdiff_t winograd_input_floats(int m, ptrdiff_t tiles) {
  return winograd_line_floats(m, tiles) + 16 + (m + 2) * (m + 2) * winograd_run_floats(tiles);
}

// One tile from the sums of every position to its outputs:
// out[pixel][output channel], rows as long as a block of output channels.
struct WinogradInverseArgs {
  const float* sums;   // the tile's, at position 0
  ptrdiff_t position;  // floats from one position to the next
  ptrdiff_t vectors;   // of output channels
  float* out;
};

// Adds bias and residual, activates and stores a tile.
struct WinogradStoreArgs {
  const float* sums;    // as WinogradInverseArgs::out
  ptrdiff_t channels;   // output channels
  const float* bias;    // readable to the end of the last vector
  const float* residual;  // null, or as output; may be the same array
  float* output;        // the tile's first pixel in the first channel
  ptrdiff_t plane, width;
  ptrdiff_t rows, columns;  // of the tile that lie in the output
  bool activate;
  float low, high;
};

// The products of F(4x4, 3x3) for few tiles in one row of positions, with weights that
// the kernel transforms as it reads them: sums[position of the row][tile][lane] += x * w.
// The factors of weight_scale are left out: the inputs carry them.
struct WinogradFewArgs {
  const float* w;      // [channel][tap][lane], one vector of output channels
  const float* x;      // [channel][position of the row][tile], all tiles of the kernel
  ptrdiff_t channels;
  bool accumulate;     // add to sums instead of overwriting them
  float* sums;
  ptrdiff_t sums_position, sums_tile;
  const char* ahead;   // a sixth of `channels` weights is fetched from here
};

struct WinogradFewKernels {
  int tiles;  // of a call; 0: none
  void (*row[6])(const WinogradFewArgs&);
};

struct WinogradKernels {
  void (*input)(const WinogradInputArgs&);
  // False when an output is not finite.
  bool (*inverse)(const WinogradInverseArgs&);
  void (*store)(const WinogradStoreArgs&);
};

}  // namespace sporkle::cpu
