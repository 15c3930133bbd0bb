/* A C window on the CPU's algorithms: each by name, on a chosen instruction set. */
#ifndef SPORKLE_TESTS_NUMERICS_CPU_SHIM_H
#define SPORKLE_TESTS_NUMERICS_CPU_SHIM_H

#include <stdint.h>

#include "sporkle.h"

#ifdef __cplusplus
extern "C" {
#endif

/* "scalar", "avx2", ...; null behind the last. */
const char *shim_isa(uint32_t index);
/* Whether this CPU and this build have it. */
int shim_isa_usable(uint32_t index);
/* "winograd_4x4", "pixel_lanes", ...; null behind the last. */
const char *shim_algorithm(uint32_t index);

typedef struct shim_conv {
  uint32_t isa, algorithm, threads;
  const sporkle_conv2d_desc *desc;
  const float *input, *weights, *bias, *residual;
  float *output;
} shim_conv;

/* SPORKLE_ERROR_UNSUPPORTED where the algorithm refuses the problem, with the
 * reason in `text`. */
sporkle_status shim_conv_run(const shim_conv *conv, char *text, uint64_t capacity);

/* The estimated time of one image when `images` share the weights; negative where the
 * algorithm of that name refuses the problem. */
double shim_conv_cost(uint32_t isa, const char *algorithm, const sporkle_conv2d_desc *desc,
                      const float *weights, int64_t images);

/* Scratch memory of a call that runs on so many threads with level-2 caches of that size;
 * 0 where the algorithm of that name refuses the problem. */
uint64_t shim_conv_workspace(uint32_t isa, const char *algorithm, const sporkle_conv2d_desc *desc,
                             const float *weights, uint32_t threads, uint64_t level2_bytes);

#ifdef __cplusplus
}
#endif

#endif
