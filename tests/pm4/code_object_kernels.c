// The source of the AMD kernels, run on the CPU and compared with float64. This
// checks what the kernels say, not the machine code made of them.
#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

#include "numerics/problems.h"
#include "support/expect.h"
#include "support/tensors.h"
// After the standard headers: the shim's structs use their types.
#include "code_object_shim.h"
#include "kernels_host.h"
#include "workgroup.h"

#if defined(__SANITIZE_THREAD__)
#define SWITCHES_CONTEXTS 0
#else
#define SWITCHES_CONTEXTS 1
#endif

static const char *const names[] = {"conv2d_1x1", "conv2d_3x3", "conv2d_3x3_stride2",
                                    "conv2d_general"};
enum { KERNELS = COUNT_OF(names), RANDOM_PROBLEMS = 600 };

static int64_t problems_of[KERNELS];
static double worst_of[KERNELS];
static WorkgroupCounts counts;

static void fail_problem(const sporkle_conv2d_desc *desc, const char *what) {
  char text[256];
  numerics_print(desc, text, sizeof text);
  fail_msg("%s: %s", text, what);
}

// A copy that ends where a page begins that cannot be read: on a GPU too, reading
// beyond a tensor may end in a fault.
typedef struct Guarded {
  char *block;
  size_t mapped;
  float *data;
} Guarded;

static Guarded guard(const float *data, uint64_t bytes) {
  Guarded out = {NULL, 0, NULL};
  if (!data) return out;
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  const size_t readable = (bytes + page - 1) / page * page;
  out.mapped = readable + page;
  out.block = mmap(NULL, out.mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(out.block != MAP_FAILED);
  assert_int_equal(mprotect(out.block + readable, page, PROT_NONE), 0);
  out.data = memcpy(out.block + readable - bytes, data, bytes);
  return out;
}

static void run(Tensors *t, const code_plan *plan, uint64_t seed) {
  Guarded guarded[] = {guard(t->input, t->info.input_size), guard(t->weights, t->info.weights_size),
                       guard(t->bias, t->info.bias_size),
                       guard(t->residual, t->info.output_size)};
  const HostArguments arguments = {guarded[0].data, guarded[1].data, guarded[2].data,
                                   guarded[3].data, t->output, plan->shape};
  void (*body)(const void *) = host_kernel(plan->kernel);
  assert_non_null(body);
  const int threads = (int)(plan->threads[0] * plan->threads[1] * plan->threads[2]);
  if (!workgroups_run(body, &arguments, plan->groups, threads, seed, &counts)) {
    fail_problem(&t->desc, "work-items ended while others waited at a barrier");
  }
  for (size_t i = 0; i < COUNT_OF(guarded); ++i) {
    if (guarded[i].block) munmap(guarded[i].block, guarded[i].mapped);
  }
}

static void check_problem(const sporkle_conv2d_desc *desc, uint64_t seed) {
  Tensors t;
  code_plan plan;
  tensors_make(&t, desc, seed);
  if (!code_plan_conv(desc, &plan)) fail_problem(desc, code_reason());
  run(&t, &plan, seed);
  const OracleError error = tensors_error(&t, t.output);
  if (!(error.rel_l2 <= REL_L2_LIMIT)) fail_problem(desc, "differs from float64");
  if (!tensors_guards_intact(&t)) fail_problem(desc, "wrote beside the output");
  for (int i = 0; i < KERNELS; ++i) {
    if (strcmp(plan.kernel, names[i]) != 0) continue;
    ++problems_of[i];
    if (error.rel_l2 > worst_of[i]) worst_of[i] = error.rel_l2;
  }
  tensors_free(&t);
}

static void random_problems_agree(void **state) {
  (void)state;
  for (uint64_t i = 0; i < RANDOM_PROBLEMS; ++i) {
    const sporkle_conv2d_desc desc = numerics_problem(i);
    if (oracle_flops(&desc) < 4e6) check_problem(&desc, i);
  }
}

// Every kernel with channels and pixels on both sides of its tiles.
static void edges_of_tiles_agree(void **state) {
  (void)state;
  static const int64_t channels[] = {1, 7, 31, 33, 64, 65}, extents[] = {3, 8, 9, 17};
  uint64_t seed = 5000;
  for (size_t i = 0; i < COUNT_OF(channels); ++i) {
    for (size_t j = 0; j < COUNT_OF(extents); ++j) {
      for (int64_t stride = 1; stride <= 3; ++stride) {
        for (int64_t kernel = 1; kernel <= 3; kernel += 2) {
          sporkle_conv2d_desc d;
          sporkle_conv2d_desc_init(&d);
          sporkle_conv2d_desc_set(&d, 2, 1 + (int64_t)(seed % 19), extents[j], 23 - extents[j],
                                  channels[i], kernel, stride, kernel / 2);
          d.flags = (uint32_t)(seed % 4) * SPORKLE_CONV2D_BIAS & 3;
          d.activation = (int32_t)(seed % 3);
          d.clamp_min = -0.25f, d.clamp_max = 0.5f;
          check_problem(&d, seed++);
        }
      }
    }
  }
}

static void nan_stays_nan(void **state) {
  (void)state;
  for (int64_t kernel = 1; kernel <= 5; kernel += 2) {
    Tensors t;
    code_plan plan;
    sporkle_conv2d_desc d;
    sporkle_conv2d_desc_init(&d);
    sporkle_conv2d_desc_set(&d, 1, 2, 9, 9, 3, kernel, 1, kernel / 2);
    d.activation = SPORKLE_ACTIVATION_RELU;
    tensors_make(&t, &d, 77);
    t.input[40] = NAN;
    assert_true(code_plan_conv(&d, &plan));
    run(&t, &plan, 1);
    assert_true(isnan(t.output[40]));
    assert_true(isfinite(t.output[0]) && t.output[0] >= 0);
    tensors_free(&t);
  }
}

static void every_kernel_was_run(void **state) {
  (void)state;
  for (int i = 0; i < KERNELS; ++i) {
    assert_true(problems_of[i] >= 20);
    printf("checked: %s, source on the CPU, %lld problems, rel L2 at most %.1e\n", names[i],
           (long long)problems_of[i], worst_of[i]);
  }
  printf("checked: %lld workgroups, %lld barriers\n", (long long)counts.workgroups,
         (long long)counts.barriers);
  assert_null(host_kernel("conv2d"));
}

static void division_is_exact(void **state) {
  (void)state;
  static const uint32_t divisors[] = {1, 2, 3, 5, 7, 12, 641, 65535, 65536, 65537, 1000003,
                                      (1u << 30) - 1, 1u << 30, (1u << 30) + 1, INT32_MAX};
  for (size_t i = 0; i < COUNT_OF(divisors); ++i) {
    const uint32_t d = divisors[i];
    const ConvDivisor by = code_divisor(d);
    for (uint64_t q = 0; q < 2000; ++q) {
      const uint64_t multiple = (q < 1000 ? q : (INT32_MAX / d) - (q - 1000)) * (uint64_t)d;
      for (int64_t off = -1; off <= 1; ++off) {
        const int64_t x = (int64_t)multiple + off;
        if (x < 0 || x > INT32_MAX) continue;
        assert_int_equal(host_divide((int)x, by), x / d);
      }
    }
  }
  for (uint32_t d = 1; d < 3000; ++d) {
    const ConvDivisor by = code_divisor(d);
    for (int x = 0; x < 3000; x += 7) assert_int_equal(host_divide(x, by), x / (int)d);
    assert_int_equal(host_divide(INT32_MAX, by), INT32_MAX / (int)d);
  }
}

static void problems_beyond_32_bit_indices_are_refused(void **state) {
  (void)state;
  const int64_t sizes[][6] = {// n, c, h, w, k, padding
                              {1, 1 << 16, 1 << 8, 1 << 7, 1, 0}, {1 << 15, 1, 1 << 8, 1 << 8, 1, 0},
                              {1 << 10, 1, 1 << 10, 1, 1 << 11, 0}, {1, 1, 1, 1, 1, 1 << 30},
                              {1, 1 << 15, 1, 1, (1 << 15) + 1, 0}};
  for (size_t i = 0; i < COUNT_OF(sizes); ++i) {
    const int64_t *s = sizes[i];
    code_plan plan;
    sporkle_conv2d_desc d;
    sporkle_conv2d_desc_init(&d);
    sporkle_conv2d_desc_set(&d, s[0], s[1], s[2], s[3], s[4], 1, 1, s[5]);
    if (s[5] != 0) d.padding_left = d.padding_right = 0, d.stride_h = 1 << 30;
    assert_false(code_plan_conv(&d, &plan));
    if (!strstr(code_reason(), "2^30")) fail_msg("%s", code_reason());
  }
}

/* The template's class and the kernel are chosen at two places of the library. */
static void class_and_kernel_agree(void **state) {
  (void)state;
  static const struct { const char *prefix; uint32_t conv_class; } families[] = {
      {"conv2d_1x1", PM4_POINTWISE}, {"conv2d_3x3", PM4_THREE}, {"conv2d_general", PM4_GENERAL}};
  uint32_t seen[COUNT_OF(families)] = {0};
  for (uint32_t shape = 0; shape < 7 * 7 * 3 * 3 * 2 * 2 * 16; ++shape) {
    uint32_t rest = shape;
    sporkle_conv2d_desc d;
    code_plan plan;
    sporkle_conv2d_desc_init(&d);
    sporkle_conv2d_desc_set(&d, 1, 4, 16, 16, 4, 1, 1, 0);
    d.kernel_h = 1 + rest % 7, rest /= 7;
    d.kernel_w = 1 + rest % 7, rest /= 7;
    d.stride_h = 1 + rest % 3, rest /= 3;
    d.stride_w = 1 + rest % 3, rest /= 3;
    d.dilation_h = d.dilation_w = 1 + rest % 2, rest /= 2;
    d.groups = rest % 2 ? 2 : 1, rest /= 2;
    d.padding_top = rest & 1, d.padding_left = rest >> 1 & 1;
    d.padding_bottom = rest >> 2 & 1, d.padding_right = rest >> 3 & 1;
    assert_true(code_plan_conv(&d, &plan));
    const uint32_t conv_class = code_conv_class(&d);
    const size_t length = strlen(families[conv_class].prefix);
    if (strncmp(plan.kernel, families[conv_class].prefix, length) != 0) {
      fail_problem(&d, plan.kernel);
    }
    ++seen[conv_class];
  }
  for (size_t i = 0; i < COUNT_OF(families); ++i) assert_true(seen[i] > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(class_and_kernel_agree),
      cmocka_unit_test(division_is_exact),
      cmocka_unit_test(problems_beyond_32_bit_indices_are_refused),
      cmocka_unit_test(random_problems_agree),
      cmocka_unit_test(edges_of_tiles_agree),
      cmocka_unit_test(nan_stays_nan),
      cmocka_unit_test(every_kernel_was_run),
  };
  if (!SWITCHES_CONTEXTS) {
    printf("skipped: the thread sanitizer does not follow a change of context\n");
    return 77;
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
