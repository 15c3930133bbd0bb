// Shared by the conv2d kernels: division and what follows the sum.
#ifndef SPORKLE_AMDGPU_CONV_COMMON_H
#define SPORKLE_AMDGPU_CONV_COMMON_H

#include "backends/amdgpu/kernels/conv_shape.h"
#include "backends/amdgpu/kernels/device.h"

static inline int divide(int value, ConvDivisor by) {
  return (int)(((unsigned long)(unsigned)value * by.multiplier) >> by.shift);
}

static inline float multiply_add(float a, float b, float c) { return __builtin_fmaf(a, b, c); }

// Bias, residual and activation of channel k at element `index` of the output.
// Comparisons, not max and min, so that NaN stays NaN.
static inline void store_output(float sum, int k, int index, GLOBAL const float *bias,
                                GLOBAL const float *residual, GLOBAL float *output,
                                ConvShape shape) {
  if (shape.flags & CONV_BIAS) sum += bias[(unsigned)k];
  if (shape.flags & CONV_RESIDUAL) sum += residual[(unsigned)index];
  sum = sum < shape.low ? shape.low : sum;
  output[(unsigned)index] = sum > shape.high ? shape.high : sum;
}

#endif
