// The oracle against sums done by hand, and its error measure.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/oracle.h"
#include "tools/problem_desc.h"
#include "tools/random.h"

static sporkle_conv2d_desc desc_of(const char *text) {
  Problem problem;
  ProblemError error;
  assert_int_equal(problem_parse(text, strlen(text), &problem, &error), 0);
  return problem_to_desc(&problem);
}

static void assert_plane(const sporkle_conv2d_desc *desc, const OracleTensors *tensors, int64_t n,
                         int64_t k, const double *expected) {
  const int64_t out_w = oracle_out_w(desc), size = oracle_out_h(desc) * out_w;
  double plane[64];
  assert_true(size <= 64);
  oracle_plane(desc, tensors, n, k, plane);
  for (int64_t i = 0; i < size; ++i) {
    assert_true(plane[i] == expected[i]);
    assert_true(oracle_output(desc, tensors, n, k, i / out_w, i % out_w) == expected[i]);
  }
}

static void test_cross_correlation(void **state) {
  (void)state;
  const float x[] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, w[] = {1, 2, 3, 4};
  const OracleTensors tensors = {x, w, NULL, NULL};
  sporkle_conv2d_desc desc = desc_of("mb1ic1ih3oc1kh2");
  // The kernel is not flipped: 1*1 + 2*2 + 4*3 + 5*4.
  assert_plane(&desc, &tensors, 0, 0, (const double[]){37, 47, 67, 77});
  desc = desc_of("mb1ic1ih3oc1kh2sh2");
  assert_plane(&desc, &tensors, 0, 0, (const double[]){37});
  desc = desc_of("mb1ic1ih3oc1kh2dh1");
  assert_plane(&desc, &tensors, 0, 0, (const double[]){1 + 2 * 3 + 3 * 7 + 4 * 9});
}

static void test_asymmetric_padding(void **state) {
  (void)state;
  const float x[] = {1, 2, 3, 4}, w[] = {1, 2, 3, 4};
  const OracleTensors tensors = {x, w, NULL, NULL};
  sporkle_conv2d_desc desc = desc_of("mb1ic1ih2oc1kh2");
  desc.padding_bottom = 1;
  assert_plane(&desc, &tensors, 0, 0, (const double[]){30, 3 * 1 + 4 * 2});
  desc.padding_bottom = 0;
  desc.padding_left = 1;
  assert_plane(&desc, &tensors, 0, 0, (const double[]){2 * 1 + 4 * 3, 30});
  // Padding wider than the kernel: whole outputs that see none of the input.
  desc.padding_left = 3;
  assert_plane(&desc, &tensors, 0, 0, (const double[]){0, 0, 14, 30});
}

static void test_groups(void **state) {
  (void)state;
  const float x[] = {1, 2, 3, 4}, w[] = {10, 100, 1000, 10000};
  const OracleTensors tensors = {x, w, NULL, NULL};
  sporkle_conv2d_desc desc = desc_of("g2mb2ic2ih1oc4kh1");
  const double expected[] = {10, 100, 2000, 20000, 30, 300, 4000, 40000};
  for (int64_t i = 0; i < 8; ++i) assert_plane(&desc, &tensors, i / 4, i % 4, &expected[i]);
}

static void test_bias_residual_activation(void **state) {
  (void)state;
  const float x[] = {1, -2, 3, -4}, w[] = {1}, bias[] = {0.5f}, residual[] = {1, 1, -10, 10};
  const OracleTensors tensors = {x, w, bias, residual};
  sporkle_conv2d_desc desc = desc_of("mb1ic1ih2oc1kh1");
  desc.flags = SPORKLE_CONV2D_BIAS | SPORKLE_CONV2D_RESIDUAL;
  assert_plane(&desc, &tensors, 0, 0, (const double[]){2.5, -0.5, -6.5, 6.5});
  desc.activation = SPORKLE_ACTIVATION_RELU;
  assert_plane(&desc, &tensors, 0, 0, (const double[]){2.5, 0, 0, 6.5});
  desc.activation = SPORKLE_ACTIVATION_CLAMP;
  desc.clamp_min = -1;
  desc.clamp_max = 6;
  assert_plane(&desc, &tensors, 0, 0, (const double[]){2.5, -0.5, -1, 6});
}

static void test_not_a_number(void **state) {
  (void)state;
  const float x[] = {NAN, INFINITY, 1, -INFINITY}, w[] = {1};
  const OracleTensors tensors = {x, w, NULL, NULL};
  sporkle_conv2d_desc desc = desc_of("mb1ic1ih2oc1kh1");
  double plane[4];
  OracleError error;
  desc.activation = SPORKLE_ACTIVATION_RELU;
  oracle_plane(&desc, &tensors, 0, 0, plane);
  assert_true(isnan(plane[0]) && isinf(plane[1]) && plane[2] == 1 && plane[3] == 0);
  float same[] = {NAN, INFINITY, 1, 0}, other[] = {0, INFINITY, 1, 0}, finite[] = {NAN, 5, 1, 0};
  assert_true(oracle_compare(&desc, &tensors, same, 1, NULL, &error));
  assert_true(error.rel_l2 == 0 && error.max_abs == 0);
  assert_true(oracle_compare(&desc, &tensors, other, 1, NULL, &error));
  assert_true(isinf(error.rel_l2) && error.worst == 0);
  assert_true(oracle_compare(&desc, &tensors, finite, 1, NULL, &error));
  assert_true(isinf(error.rel_l2) && error.worst == 1);
}

static void test_error_measure(void **state) {
  (void)state;
  const float x[] = {3, 0, 0, 4}, w[] = {1};
  const OracleTensors tensors = {x, w, NULL, NULL};
  sporkle_conv2d_desc desc = desc_of("mb1ic1ih2oc1kh1");
  const float output[] = {3, 0, 0.5f, 4};
  OracleError error;
  assert_true(oracle_compare(&desc, &tensors, output, 2, NULL, &error));
  assert_true(error.rel_l2 == 0.1 && error.max_abs == 0.5);
  assert_int_equal(error.worst, 2);
  assert_int_equal(error.compared, 4);
}

typedef struct Random {
  float *x, *w, *bias, *residual, *y;
} Random;

static Random make_random(const sporkle_conv2d_desc *desc) {
  size_t in = (size_t)(desc->n * desc->c * desc->h * desc->w);
  size_t weights = (size_t)(desc->k * (desc->c / desc->groups) * desc->kernel_h * desc->kernel_w);
  size_t out = (size_t)oracle_output_count(desc);
  Random r = {malloc(in * 4), malloc(weights * 4), malloc((size_t)desc->k * 4), malloc(out * 4),
              malloc(out * 4)};
  random_fill(r.x, in, 1);
  random_fill(r.w, weights, 2);
  random_fill(r.bias, (size_t)desc->k, 3);
  random_fill(r.residual, out, 4);
  return r;
}

static void free_random(Random *r) {
  free(r->x);
  free(r->w);
  free(r->bias);
  free(r->residual);
  free(r->y);
}

// The plane by rows and the single output by its definition are two programs.
static void test_plane_equals_single_outputs(void **state) {
  (void)state;
  static const char *const texts[] = {
      "mb2ic6ih13iw11oc4kh3kw5sh2sw3ph4pw1dh1dw0", "g2mb1ic4ih9oc6kh4ph5sh3", "mb1ic3ih7oc2kh7ph9",
      "g8mb3ic8ih10iw5oc8kh3ph1", "mb1ic5ih20oc3kh2dh6oh25ph4", "mb1ic2ih5oc2kh1sh4",
  };
  for (size_t t = 0; t < sizeof texts / sizeof texts[0]; ++t) {
    sporkle_conv2d_desc desc = desc_of(texts[t]);
    desc.flags = SPORKLE_CONV2D_BIAS | SPORKLE_CONV2D_RESIDUAL;
    Random r = make_random(&desc);
    const OracleTensors tensors = {r.x, r.w, r.bias, r.residual};
    const int64_t out_h = oracle_out_h(&desc), out_w = oracle_out_w(&desc);
    for (int64_t i = 0; i < oracle_output_count(&desc); ++i) {
      int64_t plane = i / (out_h * out_w), at = i % (out_h * out_w);
      r.y[i] = (float)oracle_output(&desc, &tensors, plane / desc.k, plane % desc.k, at / out_w,
                                    at % out_w);
    }
    OracleError error;
    assert_true(oracle_compare(&desc, &tensors, r.y, 2, NULL, &error));
    assert_true(error.rel_l2 < 1e-7);
    free_random(&r);
  }
}

static void test_sample(void **state) {
  (void)state;
  sporkle_conv2d_desc desc = desc_of("mb4ic3ih20oc8kh3ph1");
  Random r = make_random(&desc);
  const OracleTensors tensors = {r.x, r.w, NULL, NULL};
  const int64_t size = oracle_out_h(&desc) * oracle_out_w(&desc);
  OracleError error;
  double plane[400];
  for (int64_t i = 0; i < desc.n * desc.k; ++i) {
    oracle_plane(&desc, &tensors, i / desc.k, i % desc.k, plane);
    for (int64_t j = 0; j < size; ++j) r.y[i * size + j] = (float)plane[j];
  }
  oracle_compare_sample(&desc, &tensors, r.y, 4096, 7, &error);
  assert_int_equal(error.compared, 4096);
  assert_true(error.rel_l2 < 1e-7);
  oracle_compare_sample(&desc, &tensors, r.y, 1000000, 7, &error);
  assert_int_equal(error.compared, oracle_output_count(&desc));
  // One wrong plane, or one wrong border row of every plane, does not escape.
  for (int64_t j = 0; j < size; ++j) r.y[17 * size + j] += 1;
  oracle_compare_sample(&desc, &tensors, r.y, 4096, 7, &error);
  assert_true(error.rel_l2 > 1e-3);
  for (int64_t j = 0; j < size; ++j) r.y[17 * size + j] -= 1;
  for (int64_t i = 0; i < desc.n * desc.k; ++i) {
    for (int64_t j = 0; j < oracle_out_w(&desc); ++j) r.y[i * size + j] += 1;
  }
  oracle_compare_sample(&desc, &tensors, r.y, 4096, 7, &error);
  assert_true(error.rel_l2 > 1e-3);
  free_random(&r);
}

static void test_random_range(void **state) {
  (void)state;
  float values[10000], low = 1, high = -1;
  random_fill(values, 10000, 1);
  for (int i = 0; i < 10000; ++i) {
    low = values[i] < low ? values[i] : low;
    high = values[i] > high ? values[i] : high;
  }
  assert_true(low >= -1 && low < -0.99f && high < 1 && high > 0.99f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_cross_correlation),
      cmocka_unit_test(test_asymmetric_padding),
      cmocka_unit_test(test_groups),
      cmocka_unit_test(test_bias_residual_activation),
      cmocka_unit_test(test_not_a_number),
      cmocka_unit_test(test_error_measure),
      cmocka_unit_test(test_plane_equals_single_outputs),
      cmocka_unit_test(test_sample),
      cmocka_unit_test(test_random_range),
  };
  int failed = cmocka_run_group_tests_name("oracle", tests, NULL, NULL);
  if (failed) return failed;
  printf("checked: double-precision oracle against hand-computed sums, error measure, sampling\n");
  return 0;
}
