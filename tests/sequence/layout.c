// Layouts between the steps: channels that fill no vector, columns of zeros
// beside a plane, sums in place, values that are not finite, the same bits.
//
//   sequence_layout DEVICE
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sequence/chain.h"
#include "tools/network_check.h"

static bool blocked_expected(void) {
  const char *isa = getenv("SPORKLE_CPU_ISA");
  return test_device_is("cpu") && !(isa != NULL && strcmp(isa, "scalar") == 0);
}

static void expect_layout(const Chain *c, bool blocked) {
  sporkle_plan_info info = SPORKLE_PLAN_INFO_INIT;
  expect_ok(sporkle_plan_describe(c->plan, &info));
  if (!test_device_is("cpu")) return;
  const bool have = strstr(info.algorithm, "blocked") != NULL;
  expect_true(have == (blocked && blocked_expected()), "%s", info.algorithm);
}

// Every kind of step that blocked kernels take: tails of channels, a 5x5 kernel
// whose reader wants other columns of zeros than a 3x3 one, dilation, strides in
// one direction, uneven padding, residuals in place and kept, a clamp, no bias.
static void odd_network(Network *network, int64_t n) {
  assert_true(network_begin(network, 12));
  sporkle_conv2d_desc desc = chain_conv(n, 37, 19, 48, 3, 1);
  assert_true(network_add(network, &desc, 0, NONE));
  desc = chain_conv(n, 48, 19, 48, 5, 1);
  desc.flags |= SPORKLE_CONV2D_RESIDUAL;
  assert_true(network_add(network, &desc, 1, 1));
  desc = chain_conv(n, 48, 19, 64, 1, 1);
  desc.flags = 0;
  assert_true(network_add(network, &desc, 2, NONE));
  desc = chain_conv(n, 48, 19, 64, 3, 1);
  desc.flags |= SPORKLE_CONV2D_RESIDUAL;
  desc.dilation_h = desc.dilation_w = 2;
  desc.padding_top = desc.padding_bottom = desc.padding_left = desc.padding_right = 2;
  assert_true(network_add(network, &desc, 2, 3));
  desc = chain_conv(n, 64, 19, 43, 3, 2);
  desc.activation = SPORKLE_ACTIVATION_CLAMP;
  desc.clamp_min = -0.5f;
  desc.clamp_max = 0.75f;
  desc.padding_top = 0;
  desc.padding_bottom = 3;
  desc.padding_left = 2;
  desc.padding_right = 1;
  assert_true(network_add(network, &desc, 4, NONE));  // 43 x 10 x 10
  desc = chain_conv(n, 43, 10, 45, 3, 1);
  assert_true(network_add(network, &desc, 5, NONE));
  desc = chain_conv(n, 45, 10, 43, 1, 1);
  desc.flags |= SPORKLE_CONV2D_RESIDUAL;
  assert_true(network_add(network, &desc, 6, 5));
  desc = chain_conv(n, 43, 10, 80, 1, 2);
  assert_true(network_add(network, &desc, 7, NONE));  // 80 x 5 x 5
  // Rows of outputs that only padding reaches.
  desc = chain_conv(n, 80, 5, 48, 3, 1);
  desc.stride_h = 3;
  desc.padding_top = 5;
  desc.padding_bottom = 7;
  assert_true(network_add(network, &desc, 8, NONE));  // 48 x 5 x 5
  desc = chain_conv(n, 48, 5, 48, 3, 1);
  desc.flags |= SPORKLE_CONV2D_RESIDUAL;
  assert_true(network_add(network, &desc, 9, 9));
}

static void every_step(void **state) {
  (void)state;
  Chain c;
  odd_network(&c.network, 3);
  chain_open(&c, NULL);
  expect_layout(&c, true);
  chain_want(&c);
  for (int i = 0; i < 2; ++i) {
    chain_run(&c);
    chain_check(&c);
  }
  chain_close(&c);
}

// Groups keep the whole sequence in planes.
static void groups_stay_plain(void **state) {
  (void)state;
  Chain c;
  assert_true(network_begin(&c.network, 2));
  sporkle_conv2d_desc desc = chain_conv(2, 32, 9, 32, 3, 1);
  assert_true(network_add(&c.network, &desc, 0, NONE));
  desc.groups = 32;
  assert_true(network_add(&c.network, &desc, 1, NONE));
  chain_open(&c, NULL);
  expect_layout(&c, false);
  chain_want(&c);
  chain_run(&c);
  chain_check(&c);
  chain_close(&c);
}

// Infinite weights would turn the zeros beside a plane into NaN.
static void infinite_weights(void **state) {
  (void)state;
  Chain c;
  assert_true(network_begin(&c.network, 2));
  sporkle_conv2d_desc desc = chain_conv(1, 32, 9, 32, 3, 1);
  assert_true(network_add(&c.network, &desc, 0, NONE));
  assert_true(network_add(&c.network, &desc, 1, NONE));
  // The upper left tap of one channel: outputs along two edges stay finite.
  c.network.steps[0].weights[0] = INFINITY;
  chain_open(&c, NULL);
  expect_layout(&c, false);
  chain_close(&c);
}

// A value that is not finite reaches what depends on it, and nothing else.
static void not_finite(void **state) {
  (void)state;
  if (!test_device_is("cpu")) skip();
  static const float values[] = {NAN, INFINITY, 3e38f};
  enum { plane = 16, at = 9 };
  Chain c;
  assert_true(network_begin(&c.network, 3));
  sporkle_conv2d_desc desc = chain_conv(1, 37, plane, 40, 3, 1);
  desc.activation = SPORKLE_ACTIVATION_NONE;
  assert_true(network_add(&c.network, &desc, 0, NONE));
  desc = chain_conv(1, 40, plane, 48, 1, 1);
  assert_true(network_add(&c.network, &desc, 1, NONE));
  desc = chain_conv(1, 48, plane, 32, 1, 1);
  assert_true(network_add(&c.network, &desc, 2, NONE));
  chain_open(&c, NULL);
  expect_layout(&c, true);
  chain_want(&c);
  float *const clean = c.wanted;
  for (size_t v = 0; v < sizeof values / sizeof *values; ++v) {
    c.wanted = NULL;
    float *const spot = &c.input[(5 * plane + at) * plane + at];
    const float kept = *spot;
    *spot = values[v];
    chain_want(&c);
    *spot = values[v];
    chain_run(&c);
    *spot = kept;
    double sum = 0, norm = 0;
    for (int64_t i = 0; i < 32 * plane * plane; ++i) {
      const int64_t y = i / plane % plane, x = i % plane;
      const bool touched = llabs(y - at) <= 1 && llabs(x - at) <= 1;
      if (touched) {
        const float w = c.wanted[i], have = c.output[i];
        expect_true(!!isnan(w) == !!isnan(have) && !!isinf(w) == !!isinf(have),
                    "value %zu, output %lld: %g, not %g", v, (long long)i, (double)have, (double)w);
        continue;
      }
      const double d = (double)c.output[i] - (double)clean[i];
      sum += d * d;
      norm += (double)clean[i] * (double)clean[i];
    }
    expect_true(sum <= 1e-10 * norm, "value %zu spread: %g", v, sqrt(sum / norm));
    free(c.wanted);
  }
  c.wanted = clean;
  chain_close(&c);
}

// Without bias the values stay denormal from step to step.
static void denormal_network(Network *network) {
  assert_true(network_begin(network, 4));
  sporkle_conv2d_desc descs[] = {chain_conv(1, 37, 24, 40, 3, 1), chain_conv(1, 40, 24, 48, 1, 1),
                                 chain_conv(1, 48, 24, 48, 5, 1), chain_conv(1, 48, 24, 32, 3, 2)};
  for (uint32_t i = 0; i < 4; ++i) {
    descs[i].flags = 0;
    descs[i].activation = SPORKLE_ACTIVATION_NONE;
    assert_true(network_add(network, &descs[i], i, NONE));
  }
}

static double best_seconds(Chain *c) {
  double best = INFINITY;
  for (int i = 0; i < 3; ++i) {
    const uint64_t start = clock_ns();
    chain_run(c);
    best = fmin(best, (double)(clock_ns() - start) * 1e-9);
  }
  return best;
}

// They are kept, and take no multiple of the usual time.
static void denormals(void **state) {
  (void)state;
  if (!test_device_is("cpu")) skip();
  Chain c;
  denormal_network(&c.network);
  chain_open(&c, NULL);
  expect_layout(&c, true);
  const double usual = best_seconds(&c);
  for (uint64_t i = 0; i < c.input_size / 4; ++i) c.input[i] *= 0x1p-134f;
  chain_want(&c);
  const double slow = best_seconds(&c);
  uint64_t kept = 0;
  for (uint64_t i = 0; i < c.output_size / 4; ++i) kept += fpclassify(c.output[i]) == FP_SUBNORMAL;
  expect_true(kept > c.output_size / 8, "%llu denormal outputs", (unsigned long long)kept);
  // Four steps that each round to a multiple of the smallest number.
  const double error = network_difference(c.output, c.wanted, c.output_size);
  expect_true(error < 1e-2, "relative L2 error %g", error);
  printf("denormal tensors take %.1f times as long, relative L2 error %.2g\n", slow / usual, error);
  expect_true(slow < 100 * usual, "denormal tensors take %.0f times as long", slow / usual);
  chain_close(&c);
}

static void run_with(int64_t n, uint32_t threads, const float *input, float *output) {
  Chain c;
  odd_network(&c.network, n);
  sporkle_context_desc desc = world_desc(&c.world);
  desc.threads = threads;
  desc.flags |= SPORKLE_CONTEXT_REPRODUCIBLE;
  chain_open(&c, &desc);
  memcpy(c.input, input, c.input_size);
  chain_run(&c);
  memcpy(output, c.output, c.output_size);
  chain_close(&c);
}

// One, two and three threads, a batch of four whole and image by image.
static void same_bits(void **state) {
  (void)state;
  if (!test_device_is("cpu")) skip();
  Network network;
  odd_network(&network, 4);
  const uint64_t in = network_input_size(&network) / 4, out = network_output_size(&network) / 4;
  network_free(&network);
  float *input = malloc(4 * in), *first = malloc(4 * out), *other = malloc(4 * out);
  for (uint64_t i = 0; i < in; ++i) input[i] = (float)((double)(i * 2654435761u % 65521) / 32760 - 1);
  run_with(4, 1, input, first);
  for (uint32_t threads = 2; threads <= 3; ++threads) {
    run_with(4, threads, input, other);
    expect_true(memcmp(first, other, 4 * out) == 0, "%u threads", threads);
  }
  for (uint64_t i = 0; i < 4; ++i) {
    run_with(1, 2, input + i * in / sizeof *input, other + i * out / sizeof *other);
  }
  expect_true(memcmp(first, other, 4 * out) == 0, "image by image");
  free(input);
  free(first);
  free(other);
}

// Buffers and sizes that do not do, after which everything goes on.
static void too_small_and_too_large(void **state) {
  (void)state;
  Chain c;
  assert_true(network_begin(&c.network, 2));
  sporkle_conv2d_desc desc = chain_conv(2, 32, 9, 32, 3, 1);
  assert_true(network_add(&c.network, &desc, 0, NONE));
  assert_true(network_add(&c.network, &desc, 1, NONE));
  chain_open(&c, NULL);
  sporkle_buffer_desc wanted = SPORKLE_BUFFER_DESC_INIT;
  sporkle_plan_bindings b = SPORKLE_PLAN_BINDINGS_INIT;
  sporkle_buffer small = NULL;
  sporkle_fence fence = NULL;
  wanted.device = c.world.device;
  wanted.size = c.input_size;
  expect_ok(sporkle_buffer_create(c.world.context, &wanted, &b.input.buffer));
  expect_ok(sporkle_buffer_create(c.world.context, &wanted, &b.output.buffer));
  wanted.size = c.output_size - 4;
  expect_ok(sporkle_buffer_create(c.world.context, &wanted, &small));
  const sporkle_buffer whole = b.output.buffer;
  b.output.buffer = small;
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "bindings.output",
                 sporkle_plan_submit(c.plan, &b, &fence));
  b.output.buffer = whole;
  b.output.offset = 64;
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "bindings.output",
                 sporkle_plan_submit(c.plan, &b, &fence));
  assert_null(fence);
  expect_ok(sporkle_buffer_destroy(small));
  expect_ok(sporkle_buffer_destroy(whole));
  expect_ok(sporkle_buffer_destroy(b.input.buffer));
  sporkle_plan plan = NULL;
  sporkle_conv2d_desc *second = &c.network.steps[1].desc;
  const int64_t n = second->n;
  second->n = INT64_MAX / 2;
  expect_status(SPORKLE_ERROR_OVERFLOW,
                sporkle_plan_sequence(c.world.context, c.world.device, c.network.sequence, 2, &plan));
  second->n = n;
  assert_null(plan);
  chain_want(&c);
  chain_run(&c);
  chain_check(&c);
  chain_close(&c);
}

int main(int argc, char **argv) {
  test_device_select(argc, argv);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_step), cmocka_unit_test(groups_stay_plain),
      cmocka_unit_test(infinite_weights), cmocka_unit_test(not_finite), cmocka_unit_test(denormals),
      cmocka_unit_test(same_bits), cmocka_unit_test(too_small_and_too_large)};
  if (cmocka_run_group_tests_name("sequence_layout", tests, NULL, NULL)) return 1;
  printf("every kind of step between blocked and plain tensors; the same bits for 1, 2, 3 threads "
         "and image by image; NaN, infinity and 3e38 stay where they belong; denormals are kept\n");
  return 0;
}
