#include "sequence/chain.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "support/tensors.h"
#include "tools/network_check.h"
#include "tools/oracle.h"
#include "tools/random.h"

enum { workers = 2 };

sporkle_conv2d_desc chain_conv(int64_t n, int64_t c, int64_t plane, int64_t k, int64_t kernel,
                               int64_t stride) {
  sporkle_conv2d_desc desc;
  sporkle_conv2d_desc_set(&desc, n, c, plane, plane, k, kernel, stride, kernel / 2);
  desc.flags = SPORKLE_CONV2D_BIAS;
  desc.activation = SPORKLE_ACTIVATION_RELU;
  return desc;
}

void chain_open(Chain *c, const sporkle_context_desc *desc) {
  if (desc == NULL) world_open(&c->world);
  else world_open_with(&c->world, desc);
  c->input_size = network_input_size(&c->network);
  c->output_size = network_output_size(&c->network);
  c->input = malloc(c->input_size);
  c->output = malloc(c->output_size);
  c->wanted = NULL;
  random_fill(c->input, c->input_size / sizeof *c->input, 11);
  expect_ok(sporkle_plan_sequence(c->world.context, c->world.device, c->network.sequence,
                                  c->network.count, &c->plan));
}

void chain_close(Chain *c) {
  free(c->input);
  free(c->output);
  free(c->wanted);
  network_free(&c->network);
  world_close(&c->world);
}

typedef struct Planes {
  const sporkle_conv2d_desc *desc;
  const OracleTensors *tensors;
  float *output;
  int64_t first;  // of every `workers`-th plane
} Planes;

static void *compute_planes(void *data) {
  const Planes *p = data;
  const int64_t k = p->desc->k;
  const int64_t area = oracle_out_h(p->desc) * oracle_out_w(p->desc);
  double *plane = malloc((size_t)area * sizeof *plane);
  for (int64_t i = p->first; i < p->desc->n * k; i += workers) {
    oracle_plane(p->desc, p->tensors, i / k, i % k, plane);
    for (int64_t x = 0; x < area; ++x) p->output[i * area + x] = (float)plane[x];
  }
  free(plane);
  return NULL;
}

static float *oracle_step(const NetworkStep *step, float *const *tensors) {
  const OracleTensors given = {tensors[step->input], step->weights, step->bias,
                               step->residual == NONE ? NULL : tensors[step->residual]};
  sporkle_conv2d_info info = SPORKLE_CONV2D_INFO_INIT;
  expect_ok(sporkle_conv2d_describe(&step->desc, &info));
  float *output = malloc(info.output_size);
  pthread_t threads[workers];
  Planes planes[workers];
  for (int i = 0; i < workers; ++i) {
    planes[i] = (Planes){&step->desc, &given, output, i};
    assert_int_equal(pthread_create(&threads[i], NULL, compute_planes, &planes[i]), 0);
  }
  for (int i = 0; i < workers; ++i) pthread_join(threads[i], NULL);
  return output;
}

void chain_want(Chain *c) {
  float **tensors = calloc(c->network.count + 1, sizeof *tensors);
  tensors[0] = c->input;
  for (uint32_t i = 0; i < c->network.count; ++i) {
    tensors[i + 1] = oracle_step(&c->network.steps[i], tensors);
  }
  for (uint32_t i = 1; i < c->network.count; ++i) free(tensors[i]);
  free(c->wanted);
  c->wanted = tensors[c->network.count];
  free(tensors);
}

void chain_run(Chain *c) {
  memset(c->output, 0xff, c->output_size);
  expect_ok(sporkle_plan_run(c->plan, c->input, NULL, c->output, NULL));
}

void chain_check(const Chain *c) {
  const double error = network_difference(c->output, c->wanted, c->output_size);
  expect_true(error <= REL_L2_LIMIT, "relative L2 error %g over %u steps", error,
              c->network.count);
}
