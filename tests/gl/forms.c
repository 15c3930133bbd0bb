/* Memory in its three forms and without coherence: same results everywhere. */
#include <math.h>

#include "gl/gl_shim.h"
#include "support/test.h"
#include "tools/oracle.h"

enum { n = 2, c = 16, h = 13, k = 16 };

static float input[n * c * h * h], weights[k * c * 9], bias[k], residual[n * k * h * h],
    output[n * k * h * h];

static void fill(float *values, size_t count, uint32_t seed) {
  for (size_t i = 0; i < count; ++i) {
    seed = seed * 1664525u + 1013904223u;
    values[i] = (float)(seed >> 8) / 8388608.0f - 1.0f;
  }
}

static sporkle_conv2d_desc problem(uint32_t flags) {
  sporkle_conv2d_desc desc = SPORKLE_CONV2D_DESC_INIT;
  desc.flags = flags;
  desc.n = n;
  desc.c = c;
  desc.h = desc.w = h;
  desc.k = k;
  desc.kernel_h = desc.kernel_w = 3;
  desc.padding_top = desc.padding_left = desc.padding_bottom = desc.padding_right = 1;
  return desc;
}

static void check(const sporkle_conv2d_desc *desc, const float *x, const float *result) {
  const OracleTensors tensors = {x, weights, (desc->flags & SPORKLE_CONV2D_BIAS) ? bias : NULL,
                                 (desc->flags & SPORKLE_CONV2D_RESIDUAL) ? residual : NULL};
  OracleError error;
  assert_true(oracle_compare(desc, &tensors, result, 1, NULL, &error));
  if (!(error.rel_l2 < 1e-5)) fail_msg("relative error %g", error.rel_l2);
}

static void exercise(shim_device *device) {
  const sporkle_conv2d_desc desc = problem(SPORKLE_CONV2D_BIAS | SPORKLE_CONV2D_RESIDUAL);
  assert_int_equal(shim_device_run(device, &desc, input, weights, bias, residual, output), 0);
  check(&desc, input, output);
  static const uint32_t pieces[] = {1, 7, 40};
  for (size_t i = 0; i < COUNT_OF(pieces); ++i) {
    memset(output, 0xff, sizeof output);
    assert_int_equal(shim_device_submit(device, &desc, input, weights, bias, residual, pieces[i],
                                        output), 0);
    check(&desc, input, output);
  }
  /* The second operation reads what the first writes. */
  static float between[n * k * h * h];
  const sporkle_conv2d_desc plain = problem(0);
  assert_int_equal(shim_device_run(device, &plain, input, weights, NULL, NULL, between), 0);
  assert_int_equal(shim_device_chain(device, &plain, input, weights, output), 0);
  check(&plain, between, output);
}

static void form(uint32_t rules, uint32_t placement, int maps, int gpu_copies) {
  char reason[256];
  shim_device *device = shim_device_open(rules, reason);
  if (device == NULL) {
    print_message("no OpenGL device: %s\n", reason);
    skip();
  }
  /* A driver without ARB_buffer_storage has one form only. */
  const uint32_t got = shim_device_placement(device);
  if (got == SPORKLE_PLACEMENT_STAGING && placement != got) {
    shim_device_close(device);
    skip();
  }
  assert_int_equal(got, placement);
  exercise(device);
  uint64_t map_calls = 0, cpu = 0, gpu = 0;
  shim_device_counters(device, &map_calls, &cpu, &gpu);
  assert_int_equal(map_calls != 0, maps);
  assert_int_equal(gpu != 0, gpu_copies);
  assert_int_equal(shim_device_close(device), 0); /* no memory is left */
}

static void direct(void **state) {
  (void)state;
  form(SHIM_MAPPED, SPORKLE_PLACEMENT_MAPPED, 1, 0);
}

static void direct_without_coherence(void **state) {
  (void)state;
  form(SHIM_MAPPED | SHIM_NO_COHERENT, SPORKLE_PLACEMENT_MAPPED, 1, 0);
}

static void window(void **state) {
  (void)state;
  form(SHIM_WINDOWED, SPORKLE_PLACEMENT_WINDOW, 1, 1);
}

static void window_without_coherence(void **state) {
  (void)state;
  form(SHIM_WINDOWED | SHIM_NO_COHERENT, SPORKLE_PLACEMENT_WINDOW, 1, 1);
}

static void shadow(void **state) {
  (void)state;
  form(SHIM_NO_STORAGE, SPORKLE_PLACEMENT_STAGING, 0, 0);
}

int main(void) {
  fill(input, COUNT_OF(input), 1);
  fill(weights, COUNT_OF(weights), 2);
  fill(bias, COUNT_OF(bias), 3);
  fill(residual, COUNT_OF(residual), 4);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(direct), cmocka_unit_test(direct_without_coherence),
      cmocka_unit_test(window), cmocka_unit_test(window_without_coherence),
      cmocka_unit_test(shadow),
  };
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  printf("memory forms checked: mapped, window, staging, with and without coherence\n");
  return failed;
}
