#include "check.h"

#include <math.h>
#include <stdlib.h>

#include "tools/oracle.h"
#include "tools/random.h"

static float *absolute(const float *data, int64_t count) {
  float *out = malloc((size_t)count * sizeof *out);
  for (int64_t i = 0; out && i < count; ++i) out[i] = fabsf(data[i]);
  return out;
}

// The sum of the absolute products of one output: what its rounding errors
// are proportional to, also where the sum itself cancels.
static double magnitude(const sporkle_conv2d_desc *d, const OracleTensors *tensors,
                        int64_t index) {
  const int64_t out_w = oracle_out_w(d), plane = oracle_out_h(d) * out_w;
  const int64_t image_channel = index / plane, at = index % plane;
  return oracle_output(d, tensors, image_channel / d->k, image_channel % d->k, at / out_w,
                       at % out_w);
}

bool bench_compare(const sporkle_conv2d_desc *d, const float *input, const float *weights,
                   const float *output, BenchError *out_error) {
  const OracleTensors tensors = {input, weights, NULL, NULL};
  OracleError error;
  oracle_compare_sample(d, &tensors, output, 4096, 1, &error);
  out_error->rel_l2 = error.rel_l2;
  out_error->max_rel = 0;
  if (error.max_abs == 0) return true;
  float *inputs = absolute(input, d->n * d->c * d->h * d->w);
  float *filters = absolute(weights, d->k * (d->c / d->groups) * d->kernel_h * d->kernel_w);
  if (inputs && filters) {
    const OracleTensors sizes = {inputs, filters, NULL, NULL};
    out_error->max_rel = error.max_abs / magnitude(d, &sizes, error.worst);
  }
  const bool done = inputs && filters;
  free(inputs);
  free(filters);
  return done;
}

void bench_fill(float *data, uint64_t count, uint64_t seed) { random_fill(data, count, seed); }
