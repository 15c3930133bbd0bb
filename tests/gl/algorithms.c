/* Kernels by name against float64, on problems with edges in every direction; a batch that
 * is split gives the same bits.
 * Reproducible programs and choices do not depend on the batch size.
 * algorithms all [TEXT]: every kernel (whose name contains TEXT) on two problems.
 * algorithms each I/N: every N-th kernel from the I-th on, on one problem.
 * algorithms light I/N: on the one with the fewest multiplications, for drivers that interpret.
 * Without arguments: what reproducible contexts promise. */
#include "gl/tuner_shim.h"
#include "support/test.h"
#include "tools/oracle.h"
#include "tools/random.h"

static bool all, light;
static const char *only = "";
static uint32_t part, parts = 1;  /* of the kernels; from 0 */

typedef struct Case { int64_t n, c, h, w, k, kernel, stride, padding, groups; } Case;

/* In this order; a kernel runs the first that it takes, or the first two. */
static const Case cases[] = {
    {3, 140, 6, 6, 70, 1, 1, 0, 1},   /* whole vec4s, deep enough to split */
    {2, 66, 9, 7, 37, 3, 1, 1, 1},    /* Winograd with odd planes, deep enough to split */
    {2, 33, 13, 11, 19, 3, 2, 1, 1},  /* stride, padded channels */
    {3, 30, 9, 10, 21, 5, 1, 2, 1},   /* Winograd of 5x5 */
    {3, 19, 21, 18, 9, 7, 1, 3, 1},   /* Fourier tiles with edges */
    {2, 11, 17, 15, 26, 5, 2, 2, 1},  /* the phases of a stride */
    {2, 3, 21, 19, 24, 7, 2, 3, 1},   /* a first layer */
    {2, 10, 11, 14, 20, 5, 1, 2, 10}, /* depthwise, two filters per channel */
    {2, 24, 8, 9, 12, 3, 1, 0, 3},    /* grouped */
};

/* The same plan again with its batch split. */
static void run_split(shim_tuner *tuner, const sporkle_conv2d_desc *d, shim_tensors tensors,
                      size_t bytes) {
  const float *whole = tensors.output;
  char algorithm[48];
  tensors.output = malloc(bytes);
  memset(tensors.output, 0xff, bytes);
  shim_tuner_split(tuner, 2);
  assert_int_equal(shim_tuner_run(tuner, d, &tensors, algorithm), 0);
  shim_tuner_split(tuner, 1);
  if (memcmp(whole, tensors.output, bytes) != 0) fail_msg("%s: other bits when split", algorithm);
  free(tensors.output);
}

/* The images one by one, each by a plan of its own. */
static void run_images(shim_tuner *tuner, const sporkle_conv2d_desc *d, shim_tensors tensors,
                       size_t in, size_t out) {
  const float *whole = tensors.output;
  sporkle_conv2d_desc one = *d;
  one.n = 1;
  float *output = malloc(out * sizeof(float));
  for (int64_t i = 0; i < d->n; ++i, tensors.input += in, tensors.residual += out, whole += out) {
    char algorithm[48];
    memset(output, 0xff, out * sizeof(float));
    tensors.output = output;
    assert_int_equal(shim_tuner_run(tuner, &one, &tensors, algorithm), 0);
    if (memcmp(whole, output, out * sizeof(float)) != 0)
      fail_msg("%s: other bits image by image", algorithm);
  }
  free(output);
}

static sporkle_conv2d_desc describe(const Case *p) {
  sporkle_conv2d_desc d = SPORKLE_CONV2D_DESC_INIT;
  d.flags = SPORKLE_CONV2D_BIAS | SPORKLE_CONV2D_RESIDUAL;
  d.activation = SPORKLE_ACTIVATION_RELU;
  d.n = p->n, d.c = p->c, d.h = p->h, d.w = p->w, d.k = p->k, d.groups = p->groups;
  d.kernel_h = d.kernel_w = p->kernel, d.stride_h = d.stride_w = p->stride;
  d.padding_top = d.padding_left = d.padding_bottom = d.padding_right = p->padding;
  return d;
}

static void run_case(shim_tuner *tuner, const char *name, const Case *p, bool by_images,
                     double *worst) {
  const sporkle_conv2d_desc d = describe(p);
  const size_t in = (size_t)(d.n * d.c * d.h * d.w), out = (size_t)oracle_output_count(&d);
  const size_t taps = (size_t)(d.k * d.c / d.groups * d.kernel_h * d.kernel_w);
  float *data = malloc((in + taps + (size_t)d.k + 2 * out) * sizeof(float));
  float *weights = data + in, *bias = weights + taps, *residual = bias + d.k;
  float *output = residual + out;
  random_fill(data, in + taps + (size_t)d.k + out, 7);
  const shim_tensors tensors = {data, weights, bias, residual, output};
  char algorithm[48];
  assert_int_equal(shim_tuner_run(tuner, &d, &tensors, algorithm), 0);
  assert_string_equal(algorithm, name);
  const OracleTensors expected = {data, weights, bias, residual};
  OracleError error;
  assert_true(oracle_compare(&d, &expected, output, 1, NULL, &error));
  if (!(error.rel_l2 < 1e-5)) fail_msg("%s: relative error %g", name, error.rel_l2);
  if (error.rel_l2 > *worst) *worst = error.rel_l2;
  run_split(tuner, &d, tensors, out * sizeof(float));
  if (by_images) run_images(tuner, &d, tensors, in / (size_t)d.n, out / (size_t)d.n);
  free(data);
}

static bool takes(const Case *p, uint32_t variant) {
  const sporkle_conv2d_desc d = describe(p);
  return shim_variant_accepts(NULL, variant, &d);
}

static bool is_lighter(const Case *a, const Case *b) {
  const Case *const both[] = {a, b};
  int64_t work[2];
  for (int i = 0; i < 2; ++i) {
    const sporkle_conv2d_desc d = describe(both[i]);
    work[i] = oracle_output_count(&d) * (d.c / d.groups) * d.kernel_h * d.kernel_w;
  }
  return work[0] < work[1];
}

/* Runs the kernel on the problems that are its turn; how many. */
static int run_kernel(shim_tuner *tuner, uint32_t variant, double *worst) {
  const Case *lightest = NULL;
  int taken = 0;
  for (size_t i = 0; i < COUNT_OF(cases) && taken < (all ? 2 : 1); ++i) {
    if (!takes(&cases[i], variant)) continue;
    if (light) {
      if (lightest == NULL || is_lighter(&cases[i], lightest)) lightest = &cases[i];
      continue;
    }
    run_case(tuner, shim_variant_name(variant), &cases[i], false, worst);
    ++taken;
  }
  if (lightest == NULL) return taken;
  run_case(tuner, shim_variant_name(variant), lightest, false, worst);
  return 1;
}

/* These want more shared memory than the 32 KiB that OpenGL promises, and Mesa's software
 * drivers have no more. */
static bool may_be_refused(const char *name, const char *reason) {
  static const char *const large[] = {"w4_128x128x16_8x8_l4_p4", "w2_fused_16x24x8_8x4_s2",
                                      "w2_fused_32x32x4_8x8_s1"};
  for (size_t i = 0; i < COUNT_OF(large); ++i) {
    if (strcmp(name, large[i]) == 0) return strstr(reason, "shared memory") != NULL;
  }
  return false;
}

/* Why no problem is one for the kernel: it is 3x3, 66 to 37 channels, what comes closest. */
static bool is_left_out(uint32_t variant) {
  const sporkle_conv2d_desc d = describe(&cases[1]);
  char reason[256];
  const char *name = shim_variant_name(variant);
  shim_variant_refusal(variant, &d, reason, sizeof reason);
  printf("gl_algorithms: left out: %s: %s\n", name, reason);
  return may_be_refused(name, reason);
}

static void kernels_match_float64(void **state) {
  (void)state;
  int kernels = 0, runs = 0, left_out = 0;
  double worst = 0;
  for (uint32_t v = part; v < shim_variant_count(); v += parts) {
    const char *name = shim_variant_name(v);
    if (strstr(name, only) == NULL) continue;
    shim_tuner *tuner = shim_tuner_open("off", 0, SHIM_ONLY, name);
    if (tuner == NULL) skip();
    const int taken = run_kernel(tuner, v, &worst);
    shim_tuner_close(tuner);
    if (taken == 0) {
      if (!is_left_out(v)) fail_msg("%s is refused", name);
      ++left_out;
      continue;
    }
    ++kernels;
    runs += taken;
  }
  printf("gl_algorithms: %d kernels by name, %d left out, %d runs, worst relative L2 error %.2g\n",
         kernels, left_out, runs, worst);
}

/* The kernels into which the number of tiles is compiled otherwise. */
static void reproducible_kernels_take_any_batch(void **state) {
  (void)state;
  static const char *const names[] = {"w4_64x32x16_4x4_l8_p2_k2", "w2_64x32x16_4x4_l8_p2",
                                      "w2k5_64x32x16_4x4_l8_p2", "w3k4_64x32x16_4x4_l8_p2",
                                      "f16_64x32x16_4x4_l8_p2"};
  double worst = 0;
  for (size_t k = 0; k < COUNT_OF(names); ++k) {
    if (strstr(names[k], only) == NULL) continue;
    uint32_t variant = 0;
    while (strcmp(shim_variant_name(variant), names[k]) != 0) ++variant;
    size_t i = 0;
    while (!takes(&cases[i], variant)) ++i;
    shim_tuner *tuner = shim_tuner_open("off", SHIM_REPRODUCIBLE, SHIM_ONLY, names[k]);
    if (tuner == NULL) skip();
    run_case(tuner, names[k], &cases[i], true, &worst);
    shim_tuner_close(tuner);
  }
}

static void reproducible_programs_do_not_know_the_batch(void **state) {
  (void)state;
  for (uint32_t v = 0; v < shim_variant_count(); ++v) {
    for (size_t i = 0; i < COUNT_OF(cases); ++i) {
      const sporkle_conv2d_desc d = describe(&cases[i]);
      if (!takes(&cases[i], v)) continue;
      for (int64_t images = 1; images < 64; images = 3 * images + 1) {
        if (!shim_same_programs(v, &d, images))
          fail_msg("%s: other programs for %lld images", shim_variant_name(v), (long long)images);
      }
    }
  }
}

/* The rule looks at the batch; that of a reproducible context does not. */
static void reproducible_choices_do_not_know_the_batch(void **state) {
  (void)state;
  static const Case layers[] = {{1, 64, 28, 28, 64, 3, 1, 1, 1}, {1, 256, 14, 14, 256, 3, 1, 1, 1},
                                {1, 512, 7, 7, 256, 1, 1, 0, 1}, {1, 32, 57, 55, 48, 3, 2, 1, 1},
                                {1, 3, 97, 101, 33, 7, 2, 3, 1}, {1, 19, 31, 29, 13, 5, 1, 2, 1}};
  int others = 0;
  for (size_t i = 0; i < COUNT_OF(layers); ++i) {
    sporkle_conv2d_desc d = describe(&layers[i]);
    const char *const rule = shim_rule_choice(NULL, &d, 0);
    for (int hardware = 0; hardware < 2; ++hardware) {
      d.n = 1;
      const char *const first = shim_reproducible_choice(&d, hardware);
      for (d.n = 2; d.n <= 200; d.n += d.n / 2) {
        assert_string_equal(shim_reproducible_choice(&d, hardware), first);
        others += strcmp(shim_rule_choice(NULL, &d, 0), rule) != 0;
      }
    }
  }
  assert_true(others > 0);
}

int main(int argc, char **argv) {
  light = argc == 3 && strcmp(argv[1], "light") == 0;
  const bool each = light || (argc == 3 && strcmp(argv[1], "each") == 0);
  all = argc > 1 && strcmp(argv[1], "all") == 0;
  if (argc > 1 && !all && !each) return 2;
  if (each && (sscanf(argv[2], "%u/%u", &part, &parts) != 2 || part-- == 0 || part >= parts ||
               parts < 2)) return 2;
  if (all && argc > 2) only = argv[2];
  shim_tuner *probe = shim_tuner_open("off", 0, SHIM_NO_SPOIL, NULL);
  if (probe == NULL) return printf("skipped: no OpenGL device\n"), 77;
  shim_tuner_close(probe);
  const struct CMUnitTest kernels[] = {cmocka_unit_test(kernels_match_float64)};
  const struct CMUnitTest reproducible[] = {
      cmocka_unit_test(reproducible_kernels_take_any_batch),
      cmocka_unit_test(reproducible_programs_do_not_know_the_batch),
      cmocka_unit_test(reproducible_choices_do_not_know_the_batch)};
  const int failed = all || each ? cmocka_run_group_tests_name("gl_algorithms", kernels, NULL, NULL) : 0;
  if (each) return failed;
  return failed + cmocka_run_group_tests_name("gl_algorithms", reproducible, NULL, NULL);
}
