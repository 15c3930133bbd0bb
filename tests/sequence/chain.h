// A network, its sequence plan and what float64 says, step by step.
#pragma once

#include "support/test.h"
#include "support/world.h"
#include "tools/network.h"

#define NONE SPORKLE_SEQUENCE_NONE

typedef struct Chain {
  World world;
  Network network;
  sporkle_plan plan;
  float *input, *output, *wanted;
  uint64_t input_size, output_size;  // bytes
} Chain;

// A convolution with the same padding on all sides, with bias and ReLU.
sporkle_conv2d_desc chain_conv(int64_t n, int64_t c, int64_t plane, int64_t k, int64_t kernel,
                               int64_t stride);

// Opens the world and plans `chain->network`; the input is random.
void chain_open(Chain *chain, const sporkle_context_desc *desc);
// Computes `wanted`: every step in double on the rounded outputs of the ones before.
void chain_want(Chain *chain);
void chain_close(Chain *chain);

void chain_run(Chain *chain);
// Relative L2 of `output` against `wanted` is within the library's limit.
void chain_check(const Chain *chain);
