#include "support/tensors.h"

#include "support/expect.h"
#include "tools/random.h"

enum { guard = 64 };  // floats on either side of the output
static const uint32_t sentinel = 0x7fa5a5a5u;  // a NaN that no computation makes

sporkle_conv2d_desc small_problem(void) {
  sporkle_conv2d_desc desc;
  sporkle_conv2d_desc_init(&desc);
  sporkle_conv2d_desc_set(&desc, 2, 3, 7, 9, 4, 3, 1, 1);
  desc.flags = SPORKLE_CONV2D_BIAS;
  desc.activation = SPORKLE_ACTIVATION_RELU;
  return desc;
}

static float *random_array(uint64_t bytes, uint64_t seed) {
  float *data = malloc(bytes > 0 ? bytes : 1);
  assert_non_null(data);
  random_fill(data, bytes / sizeof *data, seed);
  return data;
}

void tensors_make(Tensors *t, const sporkle_conv2d_desc *desc, uint64_t seed) {
  memset(t, 0, sizeof *t);
  t->desc = *desc;
  t->info = (sporkle_conv2d_info)SPORKLE_CONV2D_INFO_INIT;
  expect_ok(sporkle_conv2d_describe(desc, &t->info));
  t->input = random_array(t->info.input_size, seed * 4 + 1);
  t->weights = random_array(t->info.weights_size, seed * 4 + 2);
  if (desc->flags & SPORKLE_CONV2D_BIAS) t->bias = random_array(t->info.bias_size, seed * 4 + 3);
  if (desc->flags & SPORKLE_CONV2D_RESIDUAL) {
    t->residual = random_array(t->info.output_size, seed * 4 + 4);
  }
  t->output_block = aligned_alloc(64, (t->info.output_size + 8 * guard + 63) / 64 * 64);
  assert_non_null(t->output_block);
  t->output = t->output_block + guard;
  tensors_clear_output(t);
}

void tensors_free(Tensors *t) {
  free(t->input);
  free(t->weights);
  free(t->bias);
  free(t->residual);
  free(t->output_block);
  memset(t, 0, sizeof *t);
}

static uint64_t block_count(const Tensors *t) { return t->info.output_size / 4 + 2 * guard; }

void tensors_clear_output(Tensors *t) {
  for (uint64_t i = 0; i < block_count(t); ++i) memcpy(&t->output_block[i], &sentinel, 4);
}

static bool holds_sentinels(const float *data, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) {
    if (memcmp(&data[i], &sentinel, 4) != 0) return false;
  }
  return true;
}

bool tensors_untouched(const Tensors *t) {
  return holds_sentinels(t->output_block, block_count(t));
}

bool tensors_guards_intact(const Tensors *t) {
  return holds_sentinels(t->output_block, guard) &&
         holds_sentinels(t->output + t->info.output_size / 4, guard);
}

OracleError tensors_error(const Tensors *t, const float *output) {
  const OracleTensors tensors = {t->input, t->weights, t->bias, t->residual};
  OracleError error = {0};
  assert_true(oracle_compare(&t->desc, &tensors, output, 2, NULL, &error));
  return error;
}

void tensors_check(const Tensors *t, const float *output) {
  const OracleError error = tensors_error(t, output);
  expect_true(error.rel_l2 <= REL_L2_LIMIT, "relative L2 error %g, worst at %lld", error.rel_l2,
              (long long)error.worst);
  expect_true(tensors_guards_intact(t), "something was written outside the output");
}

sporkle_status tensors_conv2d(Tensors *t, sporkle_context context, uint32_t device) {
  return sporkle_conv2d(context, device, &t->desc, t->input, t->weights, t->bias, t->residual,
                        t->output, NULL);
}
