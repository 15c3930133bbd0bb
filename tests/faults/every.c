// Every fault by call index, once and for ever: each of a row of operations ends
// with one of the statuses that the fault may bring, with the right result when it
// is OK, in time; afterwards everything works.
#include "faults/control.h"

enum { operations = 6 };

typedef struct Case {
  const char *name, *number;  // of the plan: NAME NUMBER @FIRST *
  sporkle_status once, for_ever;  // OK: the fault is hidden
  const char *configuration;
} Case;

#define UNMAPPED "version=4.3*;missing-extension=GL_ARB_buffer_storage*"

static const Case cases[] = {
    {"hang-until-flushed", "", SPORKLE_OK, SPORKLE_OK, NULL},
    {"late", "=3000000", SPORKLE_OK, SPORKLE_OK, NULL},
    {"spurious-timeout", "", SPORKLE_OK, SPORKLE_TIMEOUT, NULL},
    {"wait-failed", "", SPORKLE_ERROR_DEVICE_LOST, SPORKLE_ERROR_DEVICE_LOST, NULL},
    {"wait-zero", "", SPORKLE_ERROR_DEVICE_LOST, SPORKLE_ERROR_DEVICE_LOST, NULL},
    {"lost", "", SPORKLE_ERROR_DEVICE_LOST, SPORKLE_ERROR_DEVICE_LOST, NULL},
    {"lost-in-flight", "", SPORKLE_ERROR_DEVICE_LOST, SPORKLE_ERROR_DEVICE_LOST, NULL},
    {"null-sync", "", SPORKLE_ERROR_DEVICE_LOST, SPORKLE_ERROR_DEVICE_LOST, NULL},
    {"reset", "", SPORKLE_ERROR_DEVICE_LOST, SPORKLE_ERROR_DEVICE_LOST, NULL},
    {"reset-nonsense", "", SPORKLE_OK, SPORKLE_OK, NULL},
    {"error-storm", "", SPORKLE_OK, SPORKLE_ERROR_OUT_OF_MEMORY, NULL},
    {"copy-error", "", SPORKLE_ERROR_OUT_OF_MEMORY, SPORKLE_ERROR_OUT_OF_MEMORY, "renderer=A card*"},
    {"read-error", "", SPORKLE_ERROR_OUT_OF_MEMORY, SPORKLE_ERROR_OUT_OF_MEMORY, UNMAPPED},
    {"write-error", "", SPORKLE_ERROR_OUT_OF_MEMORY, SPORKLE_ERROR_OUT_OF_MEMORY, UNMAPPED},
    {"no-memory", "", SPORKLE_ERROR_OUT_OF_MEMORY, SPORKLE_ERROR_OUT_OF_MEMORY, NULL},
    {"dispatch-memory", "", SPORKLE_ERROR_OUT_OF_MEMORY, SPORKLE_ERROR_OUT_OF_MEMORY, NULL},
    {"null-map", "", SPORKLE_OK, SPORKLE_ERROR_OUT_OF_MEMORY, NULL},
    {"unaligned-map", "=16", SPORKLE_OK, SPORKLE_ERROR_OUT_OF_MEMORY, NULL},
    {"word-missing", "", SPORKLE_OK, SPORKLE_OK, "late=2000000*"},
    {"word-early", "", SPORKLE_OK, SPORKLE_OK, "late=2000000*"},
    {"word-stale", "", SPORKLE_OK, SPORKLE_OK, "late=2000000*"},
    {"word-last", "", SPORKLE_OK, SPORKLE_OK, "late=2000000*"},
};

static sporkle_status one_operation(World *world, uint64_t seed, uint64_t timeout_ns) {
  const sporkle_conv2d_desc problem = small_problem();
  Job job = {0};
  tensors_make(&job.tensors, &problem, seed);
  const sporkle_status status = run_on_buffers(world, &job, timeout_ns);
  job_free(&job);
  return status;
}

// A storm's failure is that of the call in which it begins.
static bool fails_elsewhere(const Case *c, sporkle_status status) {
  return strcmp(c->name, "error-storm") == 0 && status == SPORKLE_ERROR_OPERATION_FAILED;
}

static void run_case(const Case *c, int first, bool for_ever) {
  World world;
  char plan[128];
  const sporkle_status allowed = for_ever ? c->for_ever : c->once;
  world_open_gl(&world, c->configuration, false);
  assert_int_equal(one_operation(&world, 1, 10000000000u), SPORKLE_OK);
  snprintf(plan, sizeof plan, "%s%s@%d%s", c->name, c->number, first, for_ever ? "*" : "");
  plan_faults(plan);
  int failed = 0;
  for (int i = 0; i < operations; ++i) {
    const uint64_t start = clock_ns();
    const uint64_t timeout = allowed == SPORKLE_TIMEOUT ? 30000000u : 10000000000u;
    const sporkle_status status = one_operation(&world, 2 + (uint64_t)i, timeout);
    expect_true(status == SPORKLE_OK || status == allowed || fails_elsewhere(c, status),
                "%s: operation %d is %s", plan, i, sporkle_status_name(status));
    expect_true(clock_ns() - start < 2000000000u, "%s: operation %d took %.1f ms", plan, i,
                (double)(clock_ns() - start) * 1e-6);
    failed += status != SPORKLE_OK;
    // A device that keeps resetting is given up.
    if (status == SPORKLE_ERROR_DEVICE_LOST) break;
  }
  const uint64_t struck = control.struck(c->name);
  expect_true(for_ever ? struck > 0 : struck == 1, "%s: struck %llu times", plan,
              (unsigned long long)struck);
  // One allocation or mapping that fails may have been done without.
  if (for_ever || allowed != SPORKLE_ERROR_OUT_OF_MEMORY) {
    expect_true((failed > 0) == (allowed != SPORKLE_OK), "%s: %d operations failed", plan, failed);
  }
  expect_true(for_ever || failed <= 1, "%s: %d operations failed", plan, failed);
  control.clear();
  // It may just have failed to come back once more.
  await_device(&world);
  world_close_gl(&world);
}

static void each_fault(void **state) {
  (void)state;
  static const int firsts[] = {0, 1, 3};
  for (size_t i = 0; i < COUNT_OF(cases); ++i) {
    for (size_t k = 0; k < COUNT_OF(firsts); ++k) {
      run_case(&cases[i], firsts[k], false);
      run_case(&cases[i], firsts[k], true);
    }
  }
}

// Destroying the context takes its grace: only twice. What was there before ends.
static void hang_from_an_index(void **state) {
  (void)state;
  for (int first = 1; first < 3; ++first) {
    World world;
    char plan[32];
    world_open_gl(&world, NULL, false);
    snprintf(plan, sizeof plan, "hang@%d", first);
    plan_faults(plan);
    for (int i = 0; i < 4; ++i) {
      const sporkle_status wanted = i < first ? SPORKLE_OK : SPORKLE_TIMEOUT;
      expect_status(wanted, one_operation(&world, 2 + (uint64_t)i,
                                          wanted == SPORKLE_OK ? 10000000000u : 30000000u));
    }
    assert_int_equal(control.struck("hang"), 1);
    const uint64_t start = clock_ns();
    expect_ok(sporkle_context_destroy(world.context));
    assert_true(clock_ns() - start < 6000000000u);
    control.clear();
    assert_int_equal(control.live_objects(), 0);
  }
}

// By call index at the start: refused, naming what is missing, or done without.
static void missing_at_an_index(void **state) {
  (void)state;
  static const char *const names[] = {"EGL_KHR_no_config_context", "EGL_KHR_surfaceless_context",
                                      "EGL_EXT_device_enumeration", "GL_ARB_buffer_storage"};
  for (size_t i = 0; i < COUNT_OF(names); ++i) {
    for (int k = 0; k < 6; ++k) {
      World world;
      char plan[96];
      control.clear();
      snprintf(plan, sizeof plan, "%smissing-extension=%s@%d%s",
               names[i][0] == 'G' ? "version=4.3*;" : "", names[i], k / 2, k % 2 ? "*" : "");
      sporkle_status status = SPORKLE_ERROR_DEVICE_UNAVAILABLE;
      if (world_try_gl(&world, plan)) status = one_operation(&world, 3, 10000000000u);
      if (status != SPORKLE_OK) {
        assert_int_equal(status, SPORKLE_ERROR_DEVICE_UNAVAILABLE);
        char text[512] = "";
        sporkle_last_error(text, sizeof text);
        expect_true(strstr(text, names[i]) != NULL || strstr(text, "no longer maps buffers") != NULL,
                    "%s: %s", plan, text);
        expect_true(control.struck("missing-extension") > 0, "%s: not struck: %s", plan, text);
      }
      world_close_gl(&world);
    }
  }
}

const struct CMUnitTest every_tests[] = {
    cmocka_unit_test(each_fault),
    cmocka_unit_test(hang_from_an_index),
    cmocka_unit_test(missing_at_an_index),
};
const size_t every_test_count = COUNT_OF(every_tests);
