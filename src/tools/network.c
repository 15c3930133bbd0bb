#include "tools/network.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/random.h"

bool network_begin(Network *network, uint32_t capacity) {
  memset(network, 0, sizeof *network);
  network->steps = calloc(capacity, sizeof *network->steps);
  network->sequence = calloc(capacity, sizeof *network->sequence);
  if (network->steps && network->sequence) return true;
  network_free(network);
  return false;
}

void network_free(Network *network) {
  for (uint32_t i = 0; i < network->count; ++i) {
    free(network->steps[i].weights);
    free(network->steps[i].bias);
  }
  free(network->steps);
  free(network->sequence);
  memset(network, 0, sizeof *network);
}

// Uniform in [-scale, scale).
static float *scaled_random(uint64_t bytes, uint64_t seed, double scale) {
  float *data = malloc(bytes > 0 ? bytes : 1);
  if (data == NULL) return NULL;
  random_fill(data, bytes / sizeof *data, seed);
  for (uint64_t i = 0; i < bytes / sizeof *data; ++i) data[i] *= (float)scale;
  return data;
}

bool network_add(Network *network, const sporkle_conv2d_desc *desc, uint32_t input,
                 uint32_t residual) {
  sporkle_conv2d_info info = SPORKLE_CONV2D_INFO_INIT;
  if (sporkle_conv2d_describe(desc, &info) != SPORKLE_OK) return false;
  const uint32_t index = network->count;
  NetworkStep *step = &network->steps[index];
  // Sums keep the variance of their inputs behind a ReLU; a residual branch
  // adds a quarter.
  const double terms = (double)(desc->c / desc->groups * desc->kernel_h * desc->kernel_w);
  const double branch = desc->flags & SPORKLE_CONV2D_RESIDUAL ? 0.5 : 1.0;
  *step = (NetworkStep){.desc = *desc, .input = input, .residual = residual};
  step->weights = scaled_random(info.weights_size, 2 * index + 1, branch * sqrt(6.0 / terms));
  if (desc->flags & SPORKLE_CONV2D_BIAS) {
    step->bias = scaled_random(info.bias_size, 2 * index + 2, 0.1);
  }
  network->count = index + 1;
  if (!step->weights || (info.bias_size > 0 && !step->bias)) return false;
  network->sequence[index] = (sporkle_sequence_step){
      .struct_size = sizeof *network->sequence, .input = input, .residual = residual,
      .desc = &step->desc, .weights = step->weights, .bias = step->bias};
  return true;
}

typedef struct Builder {
  Network *network;
  int64_t batch;
  bool good;
} Builder;

typedef struct Conv {
  uint32_t input;
  int64_t c, plane, k, kernel, stride;
  uint32_t residual;
  bool relu;
} Conv;

// Returns the number of the output's tensor.
static uint32_t add(Builder *b, Conv conv) {
  sporkle_conv2d_desc desc;
  sporkle_conv2d_desc_set(&desc, b->batch, conv.c, conv.plane, conv.plane, conv.k, conv.kernel,
                          conv.stride, conv.kernel / 2);
  desc.flags = SPORKLE_CONV2D_BIAS;
  if (conv.residual != SPORKLE_SEQUENCE_NONE) desc.flags |= SPORKLE_CONV2D_RESIDUAL;
  desc.activation = conv.relu ? SPORKLE_ACTIVATION_RELU : SPORKLE_ACTIVATION_NONE;
  b->good = b->good && network_add(b->network, &desc, conv.input, conv.residual);
  return b->network->count;
}

bool network_resnet50(Network *network, int64_t batch, int64_t width, int64_t plane) {
  static const int blocks[4] = {3, 4, 6, 3};
  if (!network_begin(network, NETWORK_RESNET50)) return false;
  Builder b = {network, batch, true};
  const uint32_t none = SPORKLE_SEQUENCE_NONE;
  uint32_t x = 0;
  int64_t c = width;
  for (int stage = 0; stage < 4; ++stage) {
    const int64_t middle = width << stage, wide = 4 * middle;
    for (int block = 0; block < blocks[stage] && b.good; ++block) {
      const int64_t stride = stage > 0 && block == 0 ? 2 : 1;
      const int64_t out = (plane - 1) / stride + 1;
      uint32_t shortcut = x;
      if (block == 0) shortcut = add(&b, (Conv){x, c, plane, wide, 1, stride, none, false});
      const uint32_t reduced = add(&b, (Conv){x, c, plane, middle, 1, 1, none, true});
      const uint32_t inner = add(&b, (Conv){reduced, middle, plane, middle, 3, stride, none, true});
      x = add(&b, (Conv){inner, middle, out, wide, 1, 1, shortcut, true});
      c = wide;
      plane = out;
    }
  }
  if (!b.good) network_free(network);
  return b.good;
}

uint64_t network_input_size(const Network *network) {
  const sporkle_conv2d_desc *d = &network->steps[0].desc;
  return (uint64_t)(d->n * d->c * d->h * d->w) * sizeof(float);
}

uint64_t network_output_size(const Network *network) {
  sporkle_conv2d_info info = SPORKLE_CONV2D_INFO_INIT;
  sporkle_conv2d_describe(&network->steps[network->count - 1].desc, &info);
  return info.output_size;
}
