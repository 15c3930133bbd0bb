/* A synchronous call whose batch is split: the bits, bytes and refusals of the whole. */
#include <math.h>

#include "gl/gl_shim.h"
#include "support/test.h"

enum { n = 7, c = 5, h = 11, k = 6, in_count = n * c * h * h, out_count = n * k * h * h };

static float input[in_count], weights[k * c * 9], bias[k], residual[out_count];
static float whole[out_count], split[out_count];

static void fill(float *values, size_t count, uint32_t seed) {
  for (size_t i = 0; i < count; ++i) {
    seed = seed * 1664525u + 1013904223u;
    values[i] = (float)(seed >> 8) / 8388608.0f - 1.0f;
  }
}

static sporkle_conv2d_desc problem(void) {
  sporkle_conv2d_desc desc = SPORKLE_CONV2D_DESC_INIT;
  sporkle_conv2d_desc_set(&desc, n, c, h, h, k, 3, 1, 1);
  desc.flags = SPORKLE_CONV2D_BIAS | SPORKLE_CONV2D_RESIDUAL;
  return desc;
}

static shim_device *open_device(uint32_t rules, uint64_t limit) {
  char reason[256];
  shim_device *device = shim_device_open_limited(rules, limit, reason);
  if (device != NULL) return device;
  print_message("no OpenGL device: %s\n", reason);
  skip();
  return NULL;
}

typedef struct Bytes { uint64_t cpu, gpu; } Bytes;

static Bytes bytes_now(shim_device *device) {
  Bytes bytes;
  uint64_t maps = 0;
  shim_device_counters(device, &maps, &bytes.cpu, &bytes.gpu);
  return bytes;
}

/* Runs the problem into `output` and returns what was copied. */
static Bytes run(shim_device *device, uint32_t pieces, float *output) {
  const sporkle_conv2d_desc desc = problem();
  const Bytes before = bytes_now(device);
  shim_device_split(device, pieces);
  assert_int_equal(shim_device_run(device, &desc, input, weights, bias, residual, output), 0);
  const Bytes after = bytes_now(device);
  return (Bytes){after.cpu - before.cpu, after.gpu - before.gpu};
}

static void form(uint32_t rules) {
  shim_device *device = open_device(rules, UINT64_MAX);
  const Bytes plain = run(device, 1, whole);
  static const uint32_t pieces[] = {2, 3, 4, 7, 8, 8, 2};
  for (size_t i = 0; i < COUNT_OF(pieces); ++i) {
    memset(split, 0xff, sizeof split);
    const Bytes bytes = run(device, pieces[i], split);
    if (memcmp(whole, split, sizeof split) != 0) fail_msg("%u pieces: other bits", pieces[i]);
    assert_int_equal(bytes.cpu, plain.cpu);
    assert_int_equal(bytes.gpu, plain.gpu);
  }
  /* The residual may be the output. */
  const sporkle_conv2d_desc desc = problem();
  memcpy(split, residual, sizeof split);
  assert_int_equal(shim_device_run(device, &desc, input, weights, bias, split, split), 0);
  assert_memory_equal(whole, split, sizeof split);
  assert_int_equal(shim_device_close(device), 0); /* no memory is left */
}

static void mapped(void **state) { (void)state; form(SHIM_MAPPED); }
static void mapped_without_coherence(void **state) {
  (void)state;
  form(SHIM_MAPPED | SHIM_NO_COHERENT);
}
static void window(void **state) { (void)state; form(SHIM_WINDOWED); }
static void staging(void **state) { (void)state; form(SHIM_NO_STORAGE); }

/* Not all weights are finite: a kernel of its own, not split. */
static void infinite_weights(void **state) {
  (void)state;
  shim_device *device = open_device(0, UINT64_MAX);
  const float kept = weights[3];
  weights[3] = INFINITY;
  run(device, 1, whole);
  run(device, 4, split);
  weights[3] = kept;
  assert_memory_equal(whole, split, sizeof split);
  assert_int_equal(shim_device_close(device), 0);
}

/* Memory runs out at every point in turn: the output stays as it was. */
static void no_memory(void **state) {
  (void)state;
  const sporkle_conv2d_desc desc = problem();
  int refused = 0, done = 0;
  for (uint64_t limit = 0; limit < (48u << 20) && done < 2; limit = limit * 2 + 4096) {
    shim_device *device = open_device(SHIM_WINDOWED, limit);
    shim_device_split(device, 4);
    memset(split, 0xc3, sizeof split);
    const sporkle_status status =
        shim_device_run(device, &desc, input, weights, bias, residual, split);
    const unsigned char *bytes = (const unsigned char *)split;
    for (size_t i = 0; status != SPORKLE_OK && i < sizeof split; ++i) assert_true(bytes[i] == 0xc3);
    if (status == SPORKLE_OK) ++done;
    if (status == SPORKLE_ERROR_OUT_OF_MEMORY) ++refused;
    assert_int_equal(shim_device_close(device), 0);
  }
  assert_true(refused > 0 && done > 0);
}

static void pieces_by_predicted_times(void **state) {
  (void)state;
  const uint64_t us = 1000, ms = 1000000;
  assert_int_equal(shim_choose_pieces(0, 0, 8, 8), 1);
  /* As long as one piece saves less than it costs, it stays one. */
  assert_int_equal(shim_choose_pieces(40 * us, 10 * ms, 8, 8), 1);
  assert_int_equal(shim_choose_pieces(10 * ms, 40 * us, 8, 8), 1);
  assert_int_equal(shim_choose_pieces(160 * us, 160 * us, 8, 8), 1);
  assert_int_equal(shim_choose_pieces(180 * us, 180 * us, 8, 8), 2);
  assert_int_equal(shim_choose_pieces(900 * us, 9 * ms, 8, 8), 4);
  assert_int_equal(shim_choose_pieces(9 * ms, 5 * ms, 100, 100), 8);
  /* No more than there are images, or than fill the device. */
  assert_int_equal(shim_choose_pieces(9 * ms, 5 * ms, 1, 100), 1);
  assert_int_equal(shim_choose_pieces(9 * ms, 5 * ms, 3, 100), 2);
  assert_int_equal(shim_choose_pieces(9 * ms, 5 * ms, 100, 5), 4);
  assert_int_equal(shim_choose_pieces(9 * ms, 5 * ms, 100, 0), 1);
  assert_int_equal(shim_choose_pieces(UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX), 8);
}

int main(void) {
  fill(input, COUNT_OF(input), 1);
  fill(weights, COUNT_OF(weights), 2);
  fill(bias, COUNT_OF(bias), 3);
  fill(residual, COUNT_OF(residual), 4);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pieces_by_predicted_times), cmocka_unit_test(mapped),
      cmocka_unit_test(mapped_without_coherence),  cmocka_unit_test(window),
      cmocka_unit_test(staging),                   cmocka_unit_test(infinite_weights),
      cmocka_unit_test(no_memory),
  };
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  printf("split batches checked: bits and bytes of 2 to 8 pieces in every form of memory\n");
  return failed;
}
