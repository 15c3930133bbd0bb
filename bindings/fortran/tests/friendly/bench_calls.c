/* The C side of bench_overhead: nanoseconds per call of a loop in C.
 * SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include <time.h>

#include "sporkle.h"

double bench_poll(sporkle_fence fence, int64_t count);
double bench_refused(sporkle_context context, uint32_t device, const sporkle_conv2d_desc *desc,
                     const float *input, const float *weights, float *output, int64_t count);
double bench_now(void);

double bench_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

double bench_poll(sporkle_fence fence, int64_t count) {
  double start = bench_now();
  int64_t wrong = 0;
  for (int64_t i = 0; i < count; i++)
    wrong += sporkle_fence_poll(fence) != SPORKLE_OK;
  return wrong == 0 ? (bench_now() - start) / (double)count : -1.0;
}

double bench_refused(sporkle_context context, uint32_t device, const sporkle_conv2d_desc *desc,
                     const float *input, const float *weights, float *output, int64_t count) {
  double start = bench_now();
  int64_t wrong = 0;
  for (int64_t i = 0; i < count; i++)
    wrong += sporkle_conv2d(context, device, desc, input, weights, 0, 0, output, 0) >= 0;
  return wrong == 0 ? (bench_now() - start) / (double)count : -1.0;
}
