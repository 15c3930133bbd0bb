// Kernels on blocked tensors, once per instruction set: the channels of a pixel
// lie together in vectors, so that nothing is turned between the convolutions of
// a sequence. A tensor is [image][block of channels][row][column][lane].
#pragma once

#include <cstddef>

namespace sporkle::cpu {

constexpr int blocked_rows_limit = 14;
constexpr int blocked_vectors = 2;

// Sums over channels and taps for some pixels of a row and up to two vectors of
// output channels, then adds residual and bias, activates and stores.
struct BlockedTileArgs {
  const float* x;          // first pixel, first block of channels
  const float* w;          // [block of channels][tap][channel][output channel]
  const ptrdiff_t* taps;   // offset of each tap from x, in floats
  ptrdiff_t tap_count;
  ptrdiff_t channels;      // those beyond the last one are not read
  ptrdiff_t x_block;       // floats from one block of channels to the next
  ptrdiff_t w_block;
  // One cache line of this is prefetched per channel and tap; 0: none.
  const char* ahead;
  ptrdiff_t ahead_step;
  const float* bias;       // null or one per output channel
  const float* residual;   // null or as out; may be the same array
  ptrdiff_t residual_vector;
  float* out;
  ptrdiff_t out_row;       // floats from one pixel to the next
  ptrdiff_t out_vector;    // floats from one vector to the next
  bool activate;
  float low, high;
};

// The (m + 2)^2 inputs of one tile, transformed, for some blocks of channels.
struct BlockedInputArgs {
  const float* x;               // pixel (0, 0) of the image in the first block
  ptrdiff_t block, pitch;       // floats from one block, one row to the next
  ptrdiff_t height, width;
  ptrdiff_t first_row, first_column;  // of the tile, may lie outside
  ptrdiff_t blocks;
  float* out;
  ptrdiff_t out_position, out_block;
};

// Adds bias and residual to pixels of a tile, activates and stores.
struct BlockedFinishArgs {
  const float* sums;       // [row][column][lane]
  ptrdiff_t sums_row, sums_column;
  ptrdiff_t rows, columns, vectors;
  const float* bias;       // null or one per output channel
  const float* residual;   // null, or pixel and vector as out
  ptrdiff_t residual_vector, residual_pitch;
  float* out;
  ptrdiff_t out_vector, out_pitch;
  bool activate;
  float low, high;
};

// Between planes and one row of pixels of a block of channels.
struct BlockedTurnArgs {
  const float* from;
  float* to;
  ptrdiff_t plane;     // floats from one channel's plane to the next
  ptrdiff_t channels;  // of the block, at most a vector; the other lanes are zero
  ptrdiff_t pixels;
};

struct BlockedKernels {
  int rows;  // most pixels of a tile
  // [stride - 1][rows][vectors]
  void (*tile[2][blocked_rows_limit + 1][blocked_vectors + 1])(const BlockedTileArgs&);
  void (*winograd_input[2])(const BlockedInputArgs&);  // by size: 2, 4
  void (*finish)(const BlockedFinishArgs&);
  void (*to_blocked)(const BlockedTurnArgs&);
  void (*from_blocked)(const BlockedTurnArgs&);
};

}  // namespace sporkle::cpu
