/* A driver that has only so much memory: refusals are clean, what was idle is
 * given back first, and work goes on. */
#include "gl/gl_shim.h"
#include "support/test.h"
#include "tools/oracle.h"

enum { n = 1, c = 16, h = 13, k = 16, most = 64 };
static const uint64_t limit = UINT64_C(64) << 20;

static float input[n * c * h * h], weights[k * c * 9], output[n * k * h * h];

static void fill(float *values, size_t count, uint32_t seed) {
  for (size_t i = 0; i < count; ++i) {
    seed = seed * 1664525u + 1013904223u;
    values[i] = (float)(seed >> 8) / 8388608.0f - 1.0f;
  }
}

static sporkle_conv2d_desc problem(void) {
  sporkle_conv2d_desc desc = SPORKLE_CONV2D_DESC_INIT;
  desc.n = n;
  desc.c = c;
  desc.h = desc.w = h;
  desc.k = k;
  desc.kernel_h = desc.kernel_w = 3;
  desc.padding_top = desc.padding_left = desc.padding_bottom = desc.padding_right = 1;
  return desc;
}

static void works(shim_device *device) {
  const sporkle_conv2d_desc desc = problem();
  memset(output, 0xff, sizeof output);
  assert_int_equal(shim_device_run(device, &desc, input, weights, NULL, NULL, output), 0);
  const OracleTensors tensors = {input, weights, NULL, NULL};
  OracleError error;
  assert_true(oracle_compare(&desc, &tensors, output, 1, NULL, &error));
  assert_true(error.rel_l2 < 1e-5);
}

static shim_device *open_or_skip(uint32_t rules) {
  char reason[256];
  shim_device *device = shim_device_open_limited(rules, limit, reason);
  if (device == NULL) {
    print_message("no OpenGL device: %s\n", reason);
    skip();
  }
  return device;
}

/* Fills the device with buffers of one size until it refuses. */
static int fill_up(shim_device *device, uint64_t bytes, shim_memory **all) {
  int count = 0;
  while (count < most) {
    sporkle_status status = SPORKLE_OK;
    all[count] = shim_memory_create(device, bytes, &status);
    if (all[count] == NULL) {
      assert_int_equal(status, SPORKLE_ERROR_OUT_OF_MEMORY);
      return count;
    }
    ++count;
  }
  fail_msg("%d buffers of %llu bytes fit into the limit", count, (unsigned long long)bytes);
  return count;
}

static void exercise(uint32_t rules) {
  shim_device *device = open_or_skip(rules);
  works(device);
  shim_memory *all[most];
  int first = 0;
  for (int round = 0; round < 3; ++round) {
    const int count = fill_up(device, UINT64_C(5) << 20, all);
    if (round == 0) first = count;
    /* Nothing is lost from round to round: what was kept for other sizes and
     * calls is given back when it is needed. */
    assert_int_equal(count, first);
    assert_true(count >= 4);
    shim_memory_destroy(all[count - 1]);
    works(device);
    for (int i = 0; i < count - 1; ++i) shim_memory_destroy(all[i]);
    works(device);
    /* Idle storage of 5 MiB does not stand in the way of 9 MiB. */
    const int larger = fill_up(device, UINT64_C(9) << 20, all);
    assert_true(larger >= 2);
    for (int i = 0; i < larger; ++i) shim_memory_destroy(all[i]);
  }
  works(device);
  assert_int_equal(shim_device_close(device), 0);
}

static void direct(void **state) {
  (void)state;
  exercise(0);
}

static void window(void **state) {
  (void)state;
  exercise(SHIM_WINDOWED);
}

static void shadow(void **state) {
  (void)state;
  exercise(SHIM_NO_STORAGE);
}

/* Plans are refused as cleanly, and succeed when there is room again. */
static void plans(void **state) {
  (void)state;
  shim_device *device = open_or_skip(0);
  shim_memory *all[most];
  int count = fill_up(device, UINT64_C(5) << 20, all);
  shim_memory *small[most];
  const int smaller = fill_up(device, UINT64_C(400) << 10, small);
  const sporkle_conv2d_desc desc = problem();
  sporkle_status status = SPORKLE_OK;
  int runs = 0;
  for (; runs < 2000 && status == SPORKLE_OK; ++runs) {
    sporkle_status made = SPORKLE_OK;
    if (shim_memory_create(device, 200 << 10, &made) == NULL) break;
  }
  status = shim_device_run(device, &desc, input, weights, NULL, NULL, output);
  assert_true(status == SPORKLE_OK || status == SPORKLE_ERROR_OUT_OF_MEMORY);
  while (count > 0) shim_memory_destroy(all[--count]);
  for (int i = 0; i < smaller; ++i) shim_memory_destroy(small[i]);
  works(device);
  shim_device_close(device);
}

int main(void) {
  fill(input, COUNT_OF(input), 1);
  fill(weights, COUNT_OF(weights), 2);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(direct), cmocka_unit_test(window), cmocka_unit_test(shadow),
      cmocka_unit_test(plans),
  };
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  printf("a driver with 64 MiB: clean refusals, idle memory given back, work goes on\n");
  return failed;
}
