// The arguments of the conv2d kernels after the five tensors: read by the
// kernels (OpenCL C) and filled by the host (C++). int and unsigned have 32 bits
// in both, so that both lay it out alike.
#ifndef SPORKLE_AMDGPU_CONV_SHAPE_H
#define SPORKLE_AMDGPU_CONV_SHAPE_H

// Unsigned division by a constant of the dispatch: x / d for x < 2^31 is
// (x * multiplier) >> shift in 64 bits, with shift = 31 + ceil(log2 d) and
// multiplier = floor(2^shift / d) + 1.
typedef struct ConvDivisor {
  unsigned multiplier;
  unsigned shift;
} ConvDivisor;

// Every tensor has fewer than 2^31 elements. Tensors are NCHW, weights KCRS.
typedef struct ConvShape {
  int c, h, w, k;
  int kernel_h, kernel_w;
  int stride_h, stride_w;
  int pad_top, pad_left;
  int dilation_h, dilation_w;
  int out_h, out_w;
  int group_c, group_k;
  int tiles;  // general: channel tiles per group; 3x3: tiles per row of pixels
  ConvDivisor by_out_w;
  ConvDivisor by_tiles;
  unsigned flags;
  float low, high;  // the result is clamped to these
} ConvShape;

enum { CONV_BIAS = 1, CONV_RESIDUAL = 2 };

// Work-items per workgroup, and what a workgroup computes.
enum {
  CONV_GENERAL_THREADS = 64,  // pixels
  CONV_GENERAL_CHANNELS = 4,
  CONV_3X3_THREADS = 128,
  CONV_3X3_SIDE = 8,  // pixels in each direction
  CONV_3X3_CHANNELS = 32,
  CONV_1X1_THREADS = 256,
  CONV_1X1_PIXELS = 64,
  CONV_1X1_CHANNELS = 64
};

#endif
