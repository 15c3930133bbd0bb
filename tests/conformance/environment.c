// The caller's floating-point environment: traps, flush-to-zero and rounding
// change no result, and are as they were when the call returns.
#include <fenv.h>
#include <math.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "conformance/conformance.h"
#include "support/job.h"

// All traps on; on x86 also flush-to-zero and denormals-are-zero.
static void hostile_environment(int rounding) {
  feclearexcept(FE_ALL_EXCEPT);
  fesetround(rounding);
#if defined(__x86_64__)
  _mm_setcsr(_mm_getcsr() | 0x8040u);
#endif
  feenableexcept(FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW | FE_UNDERFLOW | FE_INEXACT);
}

typedef struct Environment {
  int traps, rounding, raised;
  unsigned control;
} Environment;

static Environment read_environment(void) {
  Environment e = {fegetexcept(), fegetround(), fetestexcept(FE_ALL_EXCEPT), 0};
#if defined(__x86_64__)
  e.control = _mm_getcsr();
#endif
  return e;
}

static void expect_same_environment(Environment before, Environment after) {
  assert_int_equal(before.traps, after.traps);
  assert_int_equal(before.rounding, after.rounding);
  assert_int_equal(before.raised, after.raised);
  assert_int_equal(before.control, after.control);
}

// Values that would trap or vanish: denormals, overflow, infinity minus itself.
static void spoil(Tensors *t) {
  t->input[0] = 1e-40f;
  t->input[9] = 3e38f;
  t->input[20] = INFINITY;
  t->input[25] = -INFINITY;
  t->weights[0] = 1e-20f;
  t->weights[4] = 1e30f;
  t->weights[30] = 1e-42f;
}

typedef struct Statuses {
  sporkle_status create, find, conv2d, plan, run, submit, wait, destroy;
} Statuses;

// Everything happens under the hostile environment; nothing is asserted there.
static Statuses whole_life(Tensors *t, float *submitted, bool hostile, int rounding,
                           Environment *before, Environment *after) {
  Statuses s = {0};
  sporkle_context context = NULL;
  sporkle_context_desc desc = SPORKLE_CONTEXT_DESC_INIT;
  /* Bits are compared: no choice of algorithms by time. */
  desc.flags = SPORKLE_CONTEXT_ENABLE_NULL | SPORKLE_CONTEXT_REPRODUCIBLE;
  uint32_t device = 0;
  sporkle_plan plan = NULL;
  sporkle_executor executor = NULL;
  sporkle_executor_desc executor_desc = SPORKLE_EXECUTOR_DESC_INIT;
  executor_desc.input_size = t->info.input_size;
  executor_desc.output_size = t->info.output_size;
  sporkle_slot slot = SPORKLE_SLOT_INIT;
  sporkle_fence fence = NULL;
  if (hostile) hostile_environment(rounding);
  *before = read_environment();
  s.create = sporkle_context_create(&desc, &context);
  s.find = sporkle_device_find(context, test_device, &device);
  s.conv2d = sporkle_conv2d(context, device, &t->desc, t->input, t->weights, t->bias, NULL,
                            t->output, NULL);
  s.plan = sporkle_plan_create(context, device, &t->desc, t->weights, t->bias, &plan);
  s.run = sporkle_plan_run(plan, t->input, NULL, t->output, NULL);
  executor_desc.device = device;
  sporkle_executor_create(context, &executor_desc, &executor);
  s.submit = sporkle_executor_acquire(executor, 0, &slot);
  if (s.submit == SPORKLE_OK) {
    memcpy(slot.input, t->input, t->info.input_size);
    s.submit = sporkle_executor_submit(executor, slot.index, plan, &fence);
    s.wait = sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE);
    memcpy(submitted, slot.output, t->info.output_size);
  }
  s.destroy = sporkle_context_destroy(context);
  *after = read_environment();
  fesetenv(FE_DFL_ENV);
  return s;
}

static void compare(const sporkle_conv2d_desc *desc, bool special, int rounding) {
  Tensors plain, hostile;
  tensors_make(&plain, desc, 3);
  tensors_make(&hostile, desc, 3);
  if (special) spoil(&plain), spoil(&hostile);
  float *submitted[2] = {malloc(plain.info.output_size), malloc(plain.info.output_size)};
  Environment before, after;
  const Statuses ok = {0};
  Statuses s = whole_life(&plain, submitted[0], false, FE_TONEAREST, &before, &after);
  assert_memory_equal(&s, &ok, sizeof s);
  s = whole_life(&hostile, submitted[1], true, rounding, &before, &after);
  assert_memory_equal(&s, &ok, sizeof s);
  expect_same_environment(before, after);
  assert_memory_equal(plain.output, hostile.output, plain.info.output_size);
  assert_memory_equal(submitted[0], submitted[1], plain.info.output_size);
  for (int i = 0; i < 2; ++i) free(submitted[i]);
  tensors_free(&plain);
  tensors_free(&hostile);
}

static void traps_and_flush_to_zero(void **state) {
  (void)state;
  sporkle_conv2d_desc desc = small_problem();
  compare(&desc, false, FE_TONEAREST);
  compare(&desc, true, FE_TONEAREST);
  sporkle_conv2d_desc_set(&desc, 2, 32, 28, 28, 48, 3, 1, 1);
  compare(&desc, true, FE_TONEAREST);
}

static void rounding_modes(void **state) {
  (void)state;
  static const int modes[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
  sporkle_conv2d_desc desc;
  sporkle_conv2d_desc_set(&desc, 2, 16, 14, 14, 32, 3, 1, 1);
  for (size_t i = 0; i < COUNT_OF(modes); ++i) compare(&desc, true, modes[i]);
}

GROUP(group_environment, "environment", cmocka_unit_test(traps_and_flush_to_zero),
      cmocka_unit_test(rounding_modes))
