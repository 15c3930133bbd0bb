// algorithms ISA [SHARE]: every algorithm of the CPU by name, on one instruction
// set. With SHARE n every n-th problem, small ones: for an emulated processor.
//
// Against float64; the same bits for 1, 2 and 3 threads and image by image; what
// is not finite stays where it belongs; denormals cost no more than a multiple.
#include <math.h>

#include "numerics/cpu_shim.h"
#include "numerics/problems.h"
#include "support/expect.h"
#include "support/tensors.h"
#include "support/world.h"
#include "tools/random.h"

static uint32_t isa;
static uint64_t share = 1;

// 3x3 with stride 1, which every algorithm takes; tiles of every size at the edges.
static sporkle_conv2d_desc square_problem(uint64_t number) {
  uint64_t state = (number + 1) * 0xd1342543de82ef95u;
  const int64_t r[8] = {
      (int64_t)(random_next(&state) >> 33), (int64_t)(random_next(&state) >> 33),
      (int64_t)(random_next(&state) >> 33), (int64_t)(random_next(&state) >> 33),
      (int64_t)(random_next(&state) >> 33), (int64_t)(random_next(&state) >> 33),
      (int64_t)(random_next(&state) >> 33), (int64_t)(random_next(&state) >> 33)};
  sporkle_conv2d_desc d;
  sporkle_conv2d_desc_init(&d);
  sporkle_conv2d_desc_set(&d, 1 + r[0] % 4, 1 + r[1] % 150, 1 + r[2] % 30, 1 + r[3] % 34,
                          1 + r[4] % 70, 3, 1, r[5] % 3);
  if (d.h < 3 || d.w < 3) d.padding_top = d.padding_left = d.padding_bottom = d.padding_right = 2;
  if (r[6] % 3 == 0) d.padding_left += 3, d.padding_bottom += 7;
  if (r[7] % 2 == 0) d.flags |= SPORKLE_CONV2D_BIAS;
  if (r[7] % 3 == 0) d.flags |= SPORKLE_CONV2D_RESIDUAL;
  d.activation = (int32_t)(r[6] % 3);
  d.clamp_min = -0.5f;
  d.clamp_max = 2.0f;
  return d;
}

// 1x1 with stride 1, without padding: ragged blocks of channels and tiles of pixels,
// groups, more input channels than are summed at a time.
static sporkle_conv2d_desc point_problem(uint64_t number) {
  sporkle_conv2d_desc d = square_problem(number);
  d.kernel_h = d.kernel_w = 1;
  d.padding_top = d.padding_left = d.padding_bottom = d.padding_right = 0;
  if (number % 5 == 4) d.n = 1, d.c += 1000, d.h = 1 + d.h % 6;
  if (number % 4 == 3) {
    d.groups = 2 + (int64_t)(number % 3);
    d.c *= d.groups;
    d.k *= d.groups;
  }
  return d;
}

// 3x3 with stride 1 on planes of at most eight tiles of 4x4, for what takes no more.
static sporkle_conv2d_desc plane_problem(uint64_t number) {
  sporkle_conv2d_desc d = square_problem(number);
  d.h = 3 + d.h % 6;
  d.w = 3 + d.w % 12;
  d.padding_top = d.padding_left = d.padding_bottom = d.padding_right = (int64_t)(number % 2);
  return d;
}

// In groups of one to a few channels, every kernel, stride, dilation and padding.
static sporkle_conv2d_desc grouped_problem(uint64_t number) {
  sporkle_conv2d_desc d = numerics_problem(number);
  d.n = 1 + d.n % 3;
  d.h = 1 + d.h % 17;
  d.w = 1 + d.w % 19;
  d.kernel_h = 1 + d.kernel_h % 5;
  d.kernel_w = 1 + d.kernel_w % 5;
  d.padding_top = d.padding_bottom = d.kernel_h / 2 * d.dilation_h;
  d.padding_left = d.kernel_w / 2 * d.dilation_w;
  d.padding_right = d.padding_left + d.kernel_w;
  d.groups = 2 + (int64_t)(number % 37);
  d.c = d.groups * (number % 2 ? 1 : 1 + (int64_t)(number % 5));
  d.k = d.groups * (number % 3 ? 1 : 1 + (int64_t)(number % 11));
  return d;
}

#define PROBLEMS 160

static sporkle_conv2d_desc problem_of(uint64_t number) {
  if (number >= 120) return grouped_problem(number);
  if (number >= 90) return plane_problem(number);
  if (number >= 60) return point_problem(number - 60);
  return number < 30 ? square_problem(number) : numerics_problem(number);
}

static sporkle_status run(Tensors *t, uint32_t algorithm, uint32_t threads) {
  char text[320] = "";
  const shim_conv conv = {isa,        algorithm, threads,     &t->desc, t->input,
                          t->weights, t->bias,   t->residual, t->output};
  tensors_clear_output(t);
  const sporkle_status status = shim_conv_run(&conv, text, sizeof text);
  expect_true(status == SPORKLE_OK || status == SPORKLE_ERROR_UNSUPPORTED, "%s", text);
  return status;
}

static void check_bits(Tensors *t, uint32_t algorithm, const char *text) {
  float *want = malloc(t->info.output_size);
  memcpy(want, t->output, t->info.output_size);
  for (uint32_t threads = 2; threads <= 3; ++threads) {
    run(t, algorithm, threads);
    expect_true(memcmp(want, t->output, t->info.output_size) == 0, "%s: %s: other bits with %u threads",
                shim_algorithm(algorithm), text, threads);
  }
  const size_t n = (size_t)t->desc.n;
  const size_t in = t->info.input_size / 4 / n, out = t->info.output_size / 4 / n;
  sporkle_conv2d_desc one = t->desc;
  one.n = 1;
  for (size_t i = 0; i < n; ++i) {
    const shim_conv conv = {isa,
                            algorithm,
                            1,
                            &one,
                            t->input + i * in,
                            t->weights,
                            t->bias,
                            t->residual ? t->residual + i * out : NULL,
                            t->output + i * out};
    char reason[320];
    expect_ok(shim_conv_run(&conv, reason, sizeof reason));
  }
  expect_true(memcmp(want, t->output, t->info.output_size) == 0, "%s: %s: other bits image by image",
              shim_algorithm(algorithm), text);
  free(want);
}

// Returns the error, negative where the algorithm refuses.
static double check_one(const sporkle_conv2d_desc *desc, uint64_t seed, uint32_t algorithm) {
  char text[320];
  numerics_print(desc, text, sizeof text);
  Tensors t;
  tensors_make(&t, desc, seed);
  double worst = -1;
  if (run(&t, algorithm, 1) == SPORKLE_OK) {
    const OracleError error = tensors_error(&t, t.output);
    expect_true(error.rel_l2 <= REL_L2_LIMIT, "%s: %s: relative L2 error %g, largest %g at %lld",
                shim_algorithm(algorithm), text, error.rel_l2, error.max_abs,
                (long long)error.worst);
    expect_true(tensors_guards_intact(&t), "%s: %s: written outside the output",
                shim_algorithm(algorithm), text);
    check_bits(&t, algorithm, text);
    worst = error.rel_l2;
  }
  tensors_free(&t);
  return worst;
}

static void by_name(void **state) {
  (void)state;
  for (uint32_t a = 0; shim_algorithm(a) != NULL; ++a) {
    int checked = 0;
    double worst = 0;
    for (uint64_t i = 0; i < PROBLEMS; i += share) {
      sporkle_conv2d_desc desc = problem_of(i);
      if (share > 1 && (i < 30 || (i >= 60 && i < 90))) {
        desc.n = desc.groups = 1, desc.c = 1 + desc.c % 40, desc.k = 1 + desc.k % 30;
      }
      const double error = check_one(&desc, i, a);
      checked += error >= 0;
      if (error > worst) worst = error;
    }
    printf("%s on %s: %d problems within relative L2 %g, worst %.3g\n", shim_algorithm(a),
           shim_isa(isa), checked, REL_L2_LIMIT, worst);
    const bool vectors_only = strncmp(shim_algorithm(a), "winograd", 8) == 0;
    if (!vectors_only || isa != 0) assert_true(checked >= (int)(30 / share));
  }
}

// More input channels than are summed at a time, with lanes of output channels: on each
// instruction set one of these has sums that wait, in blocks with one thread and in strips
// of rows with more.
static void sums_wait(void **state) {
  (void)state;
  static const int64_t channels[][2] = {{345, 16}, {456, 12}, {1823, 3}};
  uint32_t a = 0;
  while (strcmp(shim_algorithm(a), "channel_lanes") != 0) ++a;
  for (size_t i = 0; i < COUNT_OF(channels); ++i) {
    sporkle_conv2d_desc desc;
    sporkle_conv2d_desc_init(&desc);
    sporkle_conv2d_desc_set(&desc, 1, channels[i][0], 24, 9, channels[i][1], 3, 1, 1);
    expect_true(check_one(&desc, i, a) >= 0, "channel_lanes refuses problem %zu", i);
  }
}

// Scratch memory of strips does not grow with the output: where no sum waits, where waiting
// sums take shorter strips, where the shortest still would not hold them.
static void strips_stay_in_the_cache(void **state) {
  (void)state;
  static const struct {
    int64_t c, h, w, k, kernel;
    uint64_t level2_bytes;
  } cases[] = {{3, 224, 224, 64, 3, 256 << 10},
               {34, 256, 256, 64, 11, 2 << 20},
               {18, 32, 1000, 448, 11, 4 << 20}};
  for (size_t i = 0; i < COUNT_OF(cases); ++i) {
    sporkle_conv2d_desc desc;
    sporkle_conv2d_desc_init(&desc);
    sporkle_conv2d_desc_set(&desc, 1, cases[i].c, cases[i].h, cases[i].w, cases[i].k,
                            cases[i].kernel, 1, cases[i].kernel / 2);
    const int64_t products = cases[i].c * cases[i].kernel * cases[i].kernel;
    float *weights = calloc((size_t)(cases[i].k * products), sizeof *weights);
    assert_non_null(weights);
    const uint64_t bytes =
        shim_conv_workspace(isa, "channel_lanes", &desc, weights, 2, cases[i].level2_bytes);
    expect_true(bytes > 0 && bytes <= 2 * cases[i].level2_bytes,
                "case %zu: %llu bytes for two threads with %llu bytes of level-2 cache each", i,
                (unsigned long long)bytes, (unsigned long long)cases[i].level2_bytes);
    free(weights);
  }
}

// One value that is not finite, or that the transforms cannot hold, changes the
// outputs that depend on it and no other.
static void not_finite(void **state) {
  (void)state;
  static const float specials[] = {NAN, INFINITY, -INFINITY, 3e38f};
  static const int64_t planes[][2] = {{13, 15}, {8, 10}};
  sporkle_conv2d_desc desc;
  sporkle_conv2d_desc_init(&desc);
  for (uint32_t a = 0; shim_algorithm(a) != NULL; ++a) {
    for (size_t s = 0; s < COUNT_OF(specials) * COUNT_OF(planes); ++s) {
      const int64_t *plane = planes[s / COUNT_OF(specials)];
      sporkle_conv2d_desc_set(&desc, 2, 20, plane[0], plane[1], 35, 3, 1, 1);
      if (strcmp(shim_algorithm(a), "grouped_planes") == 0) desc.k = 40, desc.groups = 10;
      Tensors t;
      tensors_make(&t, &desc, s);
      t.input[6 * plane[1] + 6] = specials[s % COUNT_OF(specials)];
      if (run(&t, a, 1) == SPORKLE_OK) {
        const OracleError error = tensors_error(&t, t.output);
        expect_true(error.rel_l2 <= REL_L2_LIMIT, "%s with %g: error %g at %lld",
                    shim_algorithm(a), (double)specials[s % COUNT_OF(specials)], error.rel_l2, (long long)error.worst);
      }
      tensors_free(&t);
    }
  }
}

static double seconds(Tensors *t, uint32_t algorithm) {
  double best = INFINITY;
  for (int i = 0; i < 3; ++i) {
    const uint64_t start = clock_ns();
    run(t, algorithm, 1);
    best = fmin(best, (double)(clock_ns() - start) * 1e-9);
  }
  return best;
}

static void denormals_are_no_trap(void **state) {
  (void)state;
  if (share > 1) return;  // an emulator's times say nothing
  sporkle_conv2d_desc desc;
  sporkle_conv2d_desc_init(&desc);
  for (uint32_t a = 0; shim_algorithm(a) != NULL; ++a) {
    const int64_t plane = strcmp(shim_algorithm(a), "winograd_4x4_few") == 0 ? 8 : 24;
    sporkle_conv2d_desc_set(&desc, 1, 32, plane, plane, 32, 3, 1, 1);
    if (strcmp(shim_algorithm(a), "grouped_planes") == 0) desc.groups = 32;
    Tensors t;
    tensors_make(&t, &desc, 9);
    if (run(&t, a, 1) == SPORKLE_OK) {
      const double usual = seconds(&t, a);
      for (uint64_t i = 0; i < t.info.input_size / 4; ++i) t.input[i] *= 0x1p-130f;
      const double slow = seconds(&t, a);
      // Sums of a few hundred of the smallest numbers keep this much.
      expect_true(tensors_error(&t, t.output).rel_l2 < 1e-3, "%s", shim_algorithm(a));
      printf("%s on %s: denormal inputs take %.1f times as long\n", shim_algorithm(a),
             shim_isa(isa), slow / usual);
      expect_true(slow < 100 * usual, "%s: denormal inputs take %.0f times as long",
                  shim_algorithm(a), slow / usual);
    }
    tensors_free(&t);
  }
}

// Weights near the denormals: an algorithm computes them as exactly as others or refuses.
static void small_weights(void **state) {
  (void)state;
  sporkle_conv2d_desc desc;
  sporkle_conv2d_desc_init(&desc);
  for (uint32_t a = 0; shim_algorithm(a) != NULL; ++a) {
    for (int exponent = -90; exponent >= -110; exponent -= 20) {
      sporkle_conv2d_desc_set(&desc, 1, 32, 8, 8, 32, 3, 1, 1);
      if (strcmp(shim_algorithm(a), "grouped_planes") == 0) desc.groups = 32;
      Tensors t;
      tensors_make(&t, &desc, 4);
      for (uint64_t i = 0; i < t.info.weights_size / 4; ++i) t.weights[i] = ldexpf(t.weights[i], exponent);
      const bool winograd = strncmp(shim_algorithm(a), "winograd", 8) == 0;
      const sporkle_status status = run(&t, a, 1);
      if (status == SPORKLE_OK) {
        expect_true(tensors_error(&t, t.output).rel_l2 <= REL_L2_LIMIT, "%s: weights times 2^%d",
                    shim_algorithm(a), exponent);
      }
      if (winograd && exponent < -100) {
        expect_true(status == SPORKLE_ERROR_UNSUPPORTED, "%s takes weights times 2^%d",
                    shim_algorithm(a), exponent);
      }
      tensors_free(&t);
    }
  }
}

// What reads more weights per image is worth measuring when many images share them;
// the rule without measurements compares single images.
static void batches_share_weights(void **state) {
  (void)state;
  sporkle_conv2d_desc desc;
  sporkle_conv2d_desc_init(&desc);
  sporkle_conv2d_desc_set(&desc, 16, 128, 7, 7, 128, 3, 1, 1);
  Tensors t;
  tensors_make(&t, &desc, 3);
  const double one = shim_conv_cost(isa, "winograd_4x4", &desc, t.weights, 1);
  const double one_few = shim_conv_cost(isa, "winograd_4x4_few", &desc, t.weights, 1);
  const double many = shim_conv_cost(isa, "winograd_4x4", &desc, t.weights, 16);
  const double many_few = shim_conv_cost(isa, "winograd_4x4_few", &desc, t.weights, 16);
  if (one > 0) {
    expect_true(many < 0.75 * one, "one image costs %g, one of sixteen %g", one, many);
    expect_true(many < many_few, "sixteen images cost %g each, with few tiles %g", many, many_few);
    expect_true(one_few < one * 1.5, "one image costs %g, with few tiles %g", one, one_few);
  }
  tensors_free(&t);
}

// Rows of 14 fill lanes better one by one; what each group costs besides matters more.
static void groups_have_a_price(void **state) {
  (void)state;
  sporkle_conv2d_desc desc;
  sporkle_conv2d_desc_init(&desc);
  sporkle_conv2d_desc_set(&desc, 1, 672, 14, 14, 672, 5, 1, 2);
  desc.groups = 672;
  Tensors t;
  tensors_make(&t, &desc, 5);
  const double planes = shim_conv_cost(isa, "grouped_planes", &desc, t.weights, 1);
  const double pixels = shim_conv_cost(isa, "pixel_lanes", &desc, t.weights, 1);
  expect_true(planes > 0 && planes < pixels, "grouped planes cost %g, pixel lanes %g", planes, pixels);
  tensors_free(&t);
}

int main(int argc, char **argv) {
  while (argc >= 2 && shim_isa(isa) != NULL && strcmp(shim_isa(isa), argv[1]) != 0) ++isa;
  if (argc > 2) share = strtoull(argv[2], NULL, 10);
  if (argc < 2 || shim_isa(isa) == NULL || share == 0) {
    fprintf(stderr, "usage: algorithms ISA [SHARE]\n");
    return 2;
  }
  if (!shim_isa_usable(isa)) {
    printf("skipped: this CPU or this build has no %s\n", argv[1]);
    return TEST_SKIPPED;
  }
  const struct CMUnitTest tests[] = {cmocka_unit_test(by_name), cmocka_unit_test(sums_wait),
                                     cmocka_unit_test(strips_stay_in_the_cache),
                                     cmocka_unit_test(not_finite),
                                     cmocka_unit_test(small_weights),
                                     cmocka_unit_test(groups_have_a_price),
                                     cmocka_unit_test(batches_share_weights),
                                     cmocka_unit_test(denormals_are_no_trap)};
  return cmocka_run_group_tests_name("algorithms", tests, NULL, NULL) == 0 ? 0 : 1;
}
