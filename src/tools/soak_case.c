#include <stdlib.h>

#include "tools/random.h"
#include "tools/soak.h"

static float *random_tensor(size_t count, uint64_t seed) {
  float *data = malloc(count * sizeof *data);
  if (data) random_fill(data, count, seed);
  return data;
}

bool soak_case_create(uint64_t seed, SoakCase *out) {
  *out = (SoakCase){0};
  sporkle_conv2d_desc_init(&out->desc);
  sporkle_conv2d_desc_set(&out->desc, 1, 4, 9, 11, 6, 3, 1, 1);
  out->desc.flags = SPORKLE_CONV2D_BIAS;
  const sporkle_conv2d_desc *d = &out->desc;
  out->input_count = (size_t)(d->n * d->c * d->h * d->w);
  out->output_count = (size_t)oracle_output_count(d);
  out->weights = random_tensor((size_t)(d->k * d->c * d->kernel_h * d->kernel_w), seed + 1);
  out->bias = random_tensor((size_t)d->k, seed + 2);
  if (!out->weights || !out->bias) return false;
  for (int v = 0; v < SOAK_VARIANTS; ++v) {
    out->inputs[v] = random_tensor(out->input_count, seed + 10 + (uint64_t)v);
    float *result = out->outputs[v] = malloc(out->output_count * sizeof *result);
    if (!out->inputs[v] || !result) return false;
    const OracleTensors t = {out->inputs[v], out->weights, out->bias, NULL};
    for (int64_t k = 0; k < d->k; ++k) {
      for (int64_t y = 0; y < oracle_out_h(d); ++y) {
        for (int64_t x = 0; x < oracle_out_w(d); ++x) {
          *result++ = (float)oracle_output(d, &t, 0, k, y, x);
        }
      }
    }
  }
  return true;
}

void soak_case_destroy(SoakCase *c) {
  free(c->weights);
  free(c->bias);
  for (int v = 0; v < SOAK_VARIANTS; ++v) {
    free(c->inputs[v]);
    free(c->outputs[v]);
  }
}
