/* Streams of long operations, whose copies run beside the kernels of their
 * neighbours: same results, exact counters, whatever memory they share. */
#include "gl/gl_shim.h"
#include "support/test.h"
#include "tools/oracle.h"

enum { c = 64, h = 28, values = c * h * h, count = 9 };

static float inputs[count * values], weights[c * c * 9], outputs[count * values];

static void fill(float *to, size_t size, uint32_t seed) {
  for (size_t i = 0; i < size; ++i) {
    seed = seed * 1664525u + 1013904223u;
    to[i] = (float)(seed >> 8) / 8388608.0f - 1.0f;
  }
}

static void check(const sporkle_conv2d_desc *desc, const float *x, const float *y) {
  const OracleTensors tensors = {x, weights, NULL, NULL};
  OracleError error;
  assert_true(oracle_compare(desc, &tensors, y, 1, NULL, &error));
  if (!(error.rel_l2 < 1e-5)) fail_msg("relative error %g", error.rel_l2);
}

static void stream(int layout, uint64_t in_copies, uint64_t least_beside) {
  sporkle_conv2d_desc desc = SPORKLE_CONV2D_DESC_INIT;
  sporkle_conv2d_desc_set(&desc, 1, c, h, h, c, 3, 1, 1);
  char reason[256];
  shim_device *device = shim_device_open(SHIM_WINDOWED | SHIM_BESIDE, reason);
  if (device == NULL) {
    print_message("no OpenGL device: %s\n", reason);
    skip();
  }
  if (shim_device_placement(device) != SPORKLE_PLACEMENT_WINDOW) {
    shim_device_close(device);
    print_message("the driver maps no buffers\n");
    skip();
  }
  uint64_t map_calls, cpu, before, after, beside = 0;
  shim_device_counters(device, &map_calls, &cpu, &before);
  memset(outputs, 0xff, sizeof outputs);
  assert_int_equal(
      shim_device_stream(device, &desc, layout, count, inputs, weights, outputs, &beside), 0);
  for (int i = layout == SHIM_AGAIN ? count - 1 : 0; i < count; ++i) {
    const float *x = layout == SHIM_CHAIN && i > 0 ? &outputs[(i - 1) * values] : &inputs[i * values];
    check(&desc, x, &outputs[i * values]);
  }
  shim_device_counters(device, &map_calls, &cpu, &after);
  assert_int_equal(after - before, (in_copies + count) * values * 4);
  print_message("%llu copies beside kernels\n", (unsigned long long)beside);
  assert_true(beside >= least_beside && beside <= in_copies + count);
  assert_int_equal(shim_device_close(device), 0);
}

static void separate(void **state) { (void)state; stream(SHIM_SEPARATE, count, 1); }
static void slices(void **state) { (void)state; stream(SHIM_SLICES, count, 1); }
static void chain(void **state) { (void)state; stream(SHIM_CHAIN, 1, 1); }
static void again(void **state) { (void)state; stream(SHIM_AGAIN, count, 1); }

int main(void) {
  fill(inputs, COUNT_OF(inputs), 1);
  fill(weights, COUNT_OF(weights), 2);
  for (size_t i = 0; i < COUNT_OF(weights); ++i) weights[i] *= 0.05f; /* a chain does not grow */
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(separate), cmocka_unit_test(slices), cmocka_unit_test(chain),
      cmocka_unit_test(again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
