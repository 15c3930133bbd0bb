// An independent convolution in double precision, the yardstick for everything
// the library computes. It shares no code with the library and takes no short
// cut: each output is the sum that the definition says. Padding contributes
// nothing, so an infinite weight over padding adds no NaN.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "sporkle.h"

// Tensors of one problem; bias and residual may be NULL when the problem has none.
typedef struct OracleTensors {
  const float *input, *weights, *bias, *residual;
} OracleTensors;

// How a float32 output compares with the oracle.
typedef struct OracleError {
  double rel_l2;     // sqrt(sum (y - r)^2 / sum r^2); infinite when NaN or infinity disagree
  double max_abs;    // largest |y - r|
  int64_t compared;  // outputs that were computed in double
  int64_t worst;     // index of the output with the largest error
} OracleError;

// Output sizes by the formula of sporkle.h; the descriptor is valid.
int64_t oracle_out_h(const sporkle_conv2d_desc *desc);
int64_t oracle_out_w(const sporkle_conv2d_desc *desc);
int64_t oracle_output_count(const sporkle_conv2d_desc *desc);

// 2 * n * k * out_h * out_w * (c / groups) * kernel_h * kernel_w.
double oracle_flops(const sporkle_conv2d_desc *desc);

// One output in double, activation applied.
double oracle_output(const sporkle_conv2d_desc *desc, const OracleTensors *tensors, int64_t n,
                     int64_t k, int64_t y, int64_t x);

// The plane of outputs of one image and output channel; `plane` has
// out_h * out_w elements.
void oracle_plane(const sporkle_conv2d_desc *desc, const OracleTensors *tensors, int64_t n,
                  int64_t k, double *plane);

// Compares every output, on `threads` threads (0: as many as there are
// processors, at most 16). `planes_done` (may be NULL) counts finished planes
// out of n * k. Returns false when memory ran out.
bool oracle_compare(const sporkle_conv2d_desc *desc, const OracleTensors *tensors,
                    const float *output, int threads, atomic_llong *planes_done,
                    OracleError *out_error);

// Compares at least `samples` outputs (or all, if there are fewer), spread over
// every image and channel as long as n * k <= 65536; about one in four lies on
// the border of its plane, where padding mistakes show. The choice depends on
// `seed` only.
void oracle_compare_sample(const sporkle_conv2d_desc *desc, const OracleTensors *tensors,
                           const float *output, int64_t samples, uint64_t seed,
                           OracleError *out_error);
