// The tensors of one problem: random, fixed by a seed, with guarded output.
#pragma once

#include "support/test.h"
#include "tools/oracle.h"

// What an fp32 sum over a few thousand terms may lose against float64.
#define REL_L2_LIMIT 1e-5

typedef struct Tensors {
  sporkle_conv2d_desc desc;
  sporkle_conv2d_info info;
  float *input, *weights, *bias, *residual;  // bias, residual NULL when not asked for
  float *output;                             // sentinels until something computes
  float *output_block;
} Tensors;

// n2 c3 7x9, k4, 3x3, padding 1, with bias and ReLU: everything that a problem
// can have without costing time.
sporkle_conv2d_desc small_problem(void);

void tensors_make(Tensors *tensors, const sporkle_conv2d_desc *desc, uint64_t seed);
void tensors_free(Tensors *tensors);

// Fills the output with sentinels again.
void tensors_clear_output(Tensors *tensors);
// Whether the output, and the memory around it, still holds the sentinels.
bool tensors_untouched(const Tensors *tensors);
// Whether the memory around the output does.
bool tensors_guards_intact(const Tensors *tensors);

// Error of an output of this problem against float64.
OracleError tensors_error(const Tensors *tensors, const float *output);
// Fails the test above REL_L2_LIMIT.
void tensors_check(const Tensors *tensors, const float *output);

// One synchronous convolution of the tensors.
sporkle_status tensors_conv2d(Tensors *tensors, sporkle_context context, uint32_t device);
