// Networks of convolutions for tests and benchmarks: shapes, connections and
// random weights.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sporkle.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct NetworkStep {
  sporkle_conv2d_desc desc;
  uint32_t input, residual;  // tensors as in sporkle_sequence_step
  float *weights, *bias;
} NetworkStep;

typedef struct Network {
  NetworkStep *steps;
  sporkle_sequence_step *sequence;  // the same for sporkle_plan_sequence
  uint32_t count;
} Network;

enum { NETWORK_RESNET50 = 52 };

// The 52 convolutions of ResNet-50 (He et al. 2015, table 1) behind its pooling
// layer, batch normalisation folded into weights and biases; the stride of a
// stage is in the 3x3 convolution of its first block. Input: batch x width x
// plane x plane; 64 and 56 are the network's own, smaller ones make tests short.
// `width` and `plane` are at least 1 and 8. Weights are scaled so that
// activations stay within a few orders of magnitude. Returns false when memory
// ran out; nothing is left then.
bool network_resnet50(Network *network, int64_t batch, int64_t width, int64_t plane);

// Appends a step; `weights` are random and scaled. For networks built by hand:
// start from zero, `capacity` steps.
bool network_begin(Network *network, uint32_t capacity);
bool network_add(Network *network, const sporkle_conv2d_desc *desc, uint32_t input,
                 uint32_t residual);
void network_free(Network *network);

uint64_t network_input_size(const Network *network);   // bytes
uint64_t network_output_size(const Network *network);  // bytes

#ifdef __cplusplus
}
#endif
