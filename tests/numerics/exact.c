// Small integers: every product and sum is exact in fp32, in any order and
// with or without fused multiply-add, so that results are compared bit by bit.
#include "numerics/check.h"
#include "numerics/problems.h"
#include "tools/random.h"

static void fill_integers(float *data, uint64_t bytes, uint64_t seed) {
  if (data == NULL) return;
  uint64_t state = seed * 2 + 1;
  for (uint64_t i = 0; i < bytes / 4; ++i) {
    data[i] = (float)((int64_t)(random_next(&state) >> 32) % 9 - 4);
  }
}

static void fill_all(Tensors *t, uint64_t seed) {
  fill_integers(t->input, t->info.input_size, seed);
  fill_integers(t->weights, t->info.weights_size, seed + 1000);
  fill_integers(t->bias, t->info.bias_size, seed + 2000);
  fill_integers(t->residual, t->info.output_size, seed + 3000);
}

// A transform has products of its own, which are not exact: OpenGL kernels w..., f....
static bool transforms(World *world, const Tensors *t) {
  sporkle_plan plan = NULL;
  sporkle_plan_info info = SPORKLE_PLAN_INFO_INIT;
  expect_ok(sporkle_plan_create(world->context, world->device, &t->desc, t->weights, t->bias, &plan));
  expect_ok(sporkle_plan_describe(plan, &info));
  expect_ok(sporkle_plan_destroy(plan));
  const char *name = info.algorithm;
  return test_device_is("gl") && (name[0] == 'w' || name[0] == 'f') && name[1] >= '0' && name[1] <= '9';
}

static void compare_bits(const Tensors *t) {
  const OracleTensors tensors = {t->input, t->weights, t->bias, t->residual};
  const int64_t size = t->info.out_h * t->info.out_w;
  double *plane = malloc((size_t)size * sizeof *plane);
  assert_non_null(plane);
  for (int64_t p = 0; p < t->desc.n * t->desc.k; ++p) {
    oracle_plane(&t->desc, &tensors, p / t->desc.k, p % t->desc.k, plane);
    for (int64_t i = 0; i < size; ++i) {
      // + 0 makes a negative zero, which an order of summation may give, positive.
      const float want = (float)plane[i] + 0.0f, got = t->output[p * size + i] + 0.0f;
      char text[320];
      if (memcmp(&want, &got, sizeof want) == 0) continue;
      numerics_print(&t->desc, text, sizeof text);
      expect_true(false, "%s: output %lld is %a, not %a", text, (long long)(p * size + i),
                  (double)got, (double)want);
    }
  }
  free(plane);
}

int numerics_exact(World *world) {
  int count = 0;
  for (uint64_t number = 5000; number < 5100; ++number) {
    const sporkle_conv2d_desc desc = numerics_problem(number);
    if (sporkle_conv2d_select(world->context, world->device, &desc, NULL) != SPORKLE_OK) continue;
    Tensors t;
    tensors_make(&t, &desc, number);
    fill_all(&t, number);
    expect_ok(tensors_conv2d(&t, world->context, world->device));
    const bool exact = !transforms(world, &t);
    if (exact) compare_bits(&t);
    else tensors_check(&t, t.output);
    tensors_free(&t);
    ++count;
  }
  return count;
}
