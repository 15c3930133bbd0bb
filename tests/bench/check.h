// Whether an output is right.
#pragma once

#include <stdbool.h>

#include "sporkle.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct BenchError {
  double rel_l2;   // relative L2 error over the sample
  double max_rel;  // error of the worst output over the sum of its absolute products
} BenchError;

// Compares a sample of the output with double precision. Returns false when
// memory ran out.
bool bench_compare(const sporkle_conv2d_desc *desc, const float *input, const float *weights,
                   const float *output, BenchError *out_error);

// Reproducible values in [-1, 1).
void bench_fill(float *data, uint64_t count, uint64_t seed);

#ifdef __cplusplus
}
#endif
