// gl_kernels gl PART [SEED [PROBLEMS [FLOPS]]]: one kernel by name of every kind of a part of
// OpenGL's, another one for each seed, on problems of the numerics suite that it takes (kinds.h):
// within the error of its class, and a NaN of the input reaches what the class says and nothing
// else. PART is plain, winograd, fourier or one kind; with "all" for a seed every kernel.
#include <math.h>
#include <stdlib.h>

#include "gl/tuner_shim.h"
#include "numerics/kinds.h"
#include "numerics/problems.h"
#include "support/tensors.h"
#include "support/world.h"

enum { most_problems = 64 };

static bool all;
static uint64_t seed;
static int problem_count = 2;
static double flop_limit = 8e6;
static const char *part = "";

typedef struct Tally {
  int kernels, problems, of_suite, refused;
  uint32_t traits;
  double worst;
} Tally;

// Whether an output of this tile has the input in its window, transformed taps included.
static bool tile_sees(int64_t out, int64_t in, int64_t tile, int64_t stride, int64_t dilation,
                      int64_t kernel, int64_t padding) {
  const int64_t reach = (kernel - 1) * dilation + 1;
  const int64_t window = tile > 1 ? (reach + stride - 1) / stride * stride : reach;
  const int64_t first = out / tile * tile;
  for (int64_t o = first; o < first + tile; ++o) {
    const int64_t at = in + padding - o * stride;
    if (at < 0 || at >= window) continue;
    if (tile > 1 || at % dilation == 0) return true;
  }
  return false;
}

static int64_t tile_of(const Kind *kind, int64_t kernel, int64_t dilation, int64_t stride) {
  if (kind->tile != 0) return kind->tile;
  return 17 - ((kernel - 1) * dilation + stride) / stride;
}

// `before` is the output without the NaN at input element `at`.
static void check_reach(const Kind *kind, const Tensors *t, const float *before, int64_t at,
                        const char *text) {
  const sporkle_conv2d_desc *d = &t->desc;
  const int64_t tile_h = tile_of(kind, d->kernel_h, d->dilation_h, d->stride_h);
  const int64_t tile_w = tile_of(kind, d->kernel_w, d->dilation_w, d->stride_w);
  const int64_t x = at % d->w, y = at / d->w % d->h, channel = at / (d->w * d->h) % d->c;
  const int64_t nan_image = at / (d->w * d->h * d->c), group = channel / (d->c / d->groups);
  for (int64_t i = 0; i < (int64_t)(t->info.output_size / 4); ++i) {
    const int64_t ox = i % t->info.out_w, oy = i / t->info.out_w % t->info.out_h;
    const int64_t k = i / (t->info.out_w * t->info.out_h) % d->k;
    const int64_t image = i / (t->info.out_w * t->info.out_h * d->k);
    const bool beside = image != nan_image || k / (d->k / d->groups) != group;
    const bool needs =
        !beside && tile_sees(oy, y, 1, d->stride_h, d->dilation_h, d->kernel_h, d->padding_top) &&
        tile_sees(ox, x, 1, d->stride_w, d->dilation_w, d->kernel_w, d->padding_left);
    const bool may =
        !beside &&
        tile_sees(oy, y, tile_h, d->stride_h, d->dilation_h, d->kernel_h, d->padding_top) &&
        tile_sees(ox, x, tile_w, d->stride_w, d->dilation_w, d->kernel_w, d->padding_left);
    expect_true(!needs || isnan(t->output[i]), "%s: output %lld needs the NaN and is %g", text,
                (long long)i, (double)t->output[i]);
    expect_true(may || memcmp(&t->output[i], &before[i], 4) == 0,
                "%s: output %lld has nothing to do with the NaN and went from %g to %g", text,
                (long long)i, (double)before[i], (double)t->output[i]);
  }
}

static void check_nan(const Kind *kind, sporkle_plan plan, Tensors *t, uint64_t number,
                      const char *text) {
  float *before = malloc(t->info.output_size);
  assert_non_null(before);
  memcpy(before, t->output, t->info.output_size);
  // Kernels that load unconditionally load the first element in the place of padding.
  const uint64_t count = t->info.input_size / 4, places[] = {0, number * 7919 % count, count - 1};
  for (size_t i = 0; i < COUNT_OF(places); ++i) {
    const float value = t->input[places[i]];
    t->input[places[i]] = NAN;
    tensors_clear_output(t);
    expect_ok(sporkle_plan_run(plan, t->input, t->residual, t->output, NULL));
    check_reach(kind, t, before, (int64_t)places[i], text);
    t->input[places[i]] = value;
  }
  free(before);
}

// Outputs that an activation made equal show nothing.
static int64_t free_outputs(const Tensors *t) {
  const sporkle_conv2d_desc *d = &t->desc;
  int64_t count = 0;
  for (uint64_t i = 0; i < t->info.output_size / 4; ++i) {
    const float value = t->output[i];
    if (d->activation == SPORKLE_ACTIVATION_RELU) count += value > 0;
    else if (d->activation == SPORKLE_ACTIVATION_CLAMP)
      count += value > d->clamp_min && value < d->clamp_max;
    else ++count;
  }
  return count;
}

// False where the device does not take the kernel for the problem.
static bool check_problem(World *world, const Kind *kind, const char *kernel, uint64_t number,
                          Tally *tally) {
  const sporkle_conv2d_desc desc = numerics_problem(number);
  char problem[320], text[400];
  numerics_print(&desc, problem, sizeof problem);
  snprintf(text, sizeof text, "%s: %s", kernel, problem);
  Tensors t;
  tensors_make(&t, &desc, number);
  sporkle_plan plan = NULL;
  sporkle_plan_info info = SPORKLE_PLAN_INFO_INIT;
  expect_ok(sporkle_plan_create(world->context, world->device, &desc, t.weights, t.bias, &plan));
  expect_ok(sporkle_plan_describe(plan, &info));
  const bool taken = strcmp(info.algorithm, kernel) == 0;
  if (taken) {
    expect_ok(sporkle_plan_run(plan, t.input, t.residual, t.output, NULL));
    const OracleError error = tensors_error(&t, t.output);
    expect_true(error.rel_l2 <= kind->rel_l2_limit,
                "%s: relative L2 error %g, allowed %g, largest %g at %lld", text, error.rel_l2,
                kind->rel_l2_limit, error.max_abs, (long long)error.worst);
    expect_true(free_outputs(&t) * 10 >= (int64_t)(t.info.output_size / 4),
                "%s: only %lld outputs lie within the bounds", text, (long long)free_outputs(&t));
    check_nan(kind, plan, &t, number, text);
    expect_true(tensors_guards_intact(&t), "%s: written outside the output", text);
    tally->worst = fmax(tally->worst, error.rel_l2);
  } else {
    printf("kernels: this driver takes %s, not %s\n", info.algorithm, text);
  }
  expect_ok(sporkle_plan_destroy(plan));
  tensors_free(&t);
  return taken;
}

static void check_kernel(const Kind *kind, uint32_t index, Tally *tally) {
  const char *kernel = shim_variant_name(index);
  Choice choices[most_problems];
  const int count = choose_problems(index, flop_limit, seed, problem_count, choices);
  if (count == 0) {
    printf("kernels: %s takes no problem on a device with 32 KiB of shared memory\n", kernel);
    ++tally->refused;
    return;
  }
  World world;
  setenv("SPORKLE_GL_KERNEL", kernel, 1);
  world_open(&world);
  unsetenv("SPORKLE_GL_KERNEL");
  int checked = 0;
  for (int i = 0; i < count; ++i) {
    if (!check_problem(&world, kind, kernel, choices[i].number, tally)) break;
    ++checked;
    tally->of_suite += choices[i].number < suite_problems;
    tally->traits |= choices[i].traits;
  }
  world_close(&world);
  tally->problems += checked;
  tally->kernels += checked > 0;
  tally->refused += checked == 0;
}

// The kernels of a kind, beginning with another one for each seed, until one was checked.
static void check_kind(const Kind *kind, Tally *tally) {
  uint32_t own[64], count = 0;
  for (uint32_t v = 0; v < shim_variant_count(); ++v) {
    if (!kind_has(kind, shim_variant_name(v))) continue;
    assert_true(count < COUNT_OF(own));
    own[count++] = v;
  }
  assert_true(count > 0);
  const uint64_t start = clock_ns();
  for (uint32_t i = 0; i < count && (all || tally->kernels == 0); ++i) {
    const uint32_t v = own[(i + seed) % count];
    check_kernel(kind, v, tally);
    if (!all && tally->kernels > 0) printf("kernels: %-9s by %s\n", kind->name, shim_variant_name(v));
  }
  printf("kernels: %-9s %d kernels, %d refused; %d problems, %d of the suite, worst %.3g of %.0e,"
         " %.1f s;", kind->name, tally->kernels, tally->refused, tally->problems, tally->of_suite,
         tally->worst, kind->rel_l2_limit, (double)(clock_ns() - start) * 1e-9);
  for (int i = 0; i < trait_count; ++i)
    if (tally->traits >> i & 1) printf(" %s%s", trait_names[i], tally->traits >> (i + 1) ? "," : "\n");
  fflush(stdout);
}

static void every_kind_is_within_its_class(void **state) {
  (void)state;
  uint32_t traits = 0;
  int checked = 0;
  for (size_t i = 0; i < kind_count; ++i) {
    if (strcmp(part, kinds[i].part) != 0 && strcmp(part, kinds[i].name) != 0) continue;
    Tally tally = {0};
    check_kind(&kinds[i], &tally);
    expect_true(tally.problems > 0, "no problem was checked on a kernel of %s", kinds[i].name);
    traits |= tally.traits;
    ++checked;
  }
  assert_true(checked > 0);
  // What the kinds of a part take between them; one kind or one problem each are too few.
  const bool plain = problem_count > 1 && strcmp(part, "plain") == 0;
  const bool winograd = problem_count > 1 && strcmp(part, "winograd") == 0;
  for (int i = 0; i < trait_count; ++i) {
    const bool wanted = plain || (winograd && i != with_dilation && i != with_groups);
    expect_true(!wanted || traits >> i & 1, "no problem with %s", trait_names[i]);
  }
}

static void every_kernel_has_a_kind(void **state) {
  (void)state;
  for (uint32_t v = 0; v < shim_variant_count(); ++v) {
    int found = 0;
    for (size_t i = 0; i < kind_count; ++i) found += kind_has(&kinds[i], shim_variant_name(v));
    expect_true(found == 1, "%s is of %d kinds", shim_variant_name(v), found);
  }
}

int main(int argc, char **argv) {
  test_device_select(argc, argv);
  if (argc > 2) part = argv[2];
  all = argc > 3 && strcmp(argv[3], "all") == 0;
  if (argc > 3 && !all) seed = strtoull(argv[3], NULL, 10);
  if (argc > 4) problem_count = atoi(argv[4]);
  if (argc > 5) flop_limit = atof(argv[5]);
  if (problem_count < 1 || problem_count > most_problems) return 2;
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_kernel_has_a_kind),
                                     cmocka_unit_test(every_kind_is_within_its_class)};
  return cmocka_run_group_tests_name("kernels", tests, NULL, NULL);
}
