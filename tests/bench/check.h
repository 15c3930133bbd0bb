// Whether an output is right.
#pragma once

#include "sporkle.h"

#ifdef __cplusplus
extern "C" {
#endif

// Relative L2 error over a sample of the output against double precision.
double bench_error(const sporkle_conv2d_desc *desc, const float *input, const float *weights,
                   const float *output);

// Reproducible values in [-1, 1).
void bench_fill(float *data, uint64_t count, uint64_t seed);

#ifdef __cplusplus
}
#endif
