// The fault walk: the same scenario with its first, second, third ... failable
// call struck, until a run meets no fault.
#include "faults/control.h"

// What may be said when some call of the driver has failed.
static bool is_a_right_answer(sporkle_status status) {
  switch (status) {
    case SPORKLE_OK:
    case SPORKLE_ERROR_OUT_OF_MEMORY:
    case SPORKLE_ERROR_DEVICE_LOST:
    case SPORKLE_ERROR_DEVICE_UNAVAILABLE:
    case SPORKLE_ERROR_OPERATION_FAILED: return true;
    default: return false;
  }
}

// With `opened` the faults begin once the device is open: its start is the same
// in every configuration. Returns the first status that was not OK.
static sporkle_status scenario(const char *configuration, bool opened, int64_t call) {
  World world;
  Job job = {0};
  const sporkle_conv2d_desc problem = small_problem();
  char text[64];
  snprintf(text, sizeof text, "any@%lld", (long long)call);
  plan_faults(configuration);
  if (call >= 0 && !opened) plan_faults(text);
  if (!world_try_gl(&world, NULL)) {
    world_close(&world);
    return SPORKLE_ERROR_DEVICE_UNAVAILABLE;
  }
  if (opened) world_check_usable(&world);
  if (call >= 0 && opened) plan_faults(text);
  tensors_make(&job.tensors, &problem, 12);
  sporkle_status status = run_on_buffers(&world, &job, 20000000000u);
  // And the one-call form, on whatever is left.
  const sporkle_status direct = tensors_conv2d(&job.tensors, world.context, world.device);
  if (direct == SPORKLE_OK) tensors_check(&job.tensors, job.tensors.output);
  job_free(&job);
  world_close(&world);
  return status != SPORKLE_OK ? status : direct;
}

static void walk(const char *name, const char *configuration, bool opened) {
  const char *first = getenv("TEST_FIRST_CALL");
  const char *every = getenv("TEST_WALK_STEP");
  const int64_t step = every == NULL ? 1 : strtoll(every, NULL, 10);
  int64_t refused = 0, failed = 0, walks = 0;
  int64_t call = first == NULL ? 0 : strtoll(first, NULL, 10);
  for (;; call += step, ++walks) {
    control.clear();
    const sporkle_status status = scenario(configuration, opened, call);
    const bool struck = control.struck("any") > 0;
    const char *function = struck ? control.last_function() : "nothing";
    control.clear();
    expect_true(is_a_right_answer(status), "%s call %lld (%s): %s", name, (long long)call,
                function, sporkle_status_name(status));
    expect_true(control.live_objects() == 0, "%s call %lld (%s): %lld objects left", name,
                (long long)call, function, (long long)control.live_objects());
    if (!struck) {
      assert_int_equal(status, SPORKLE_OK);
      break;
    }
    refused += status == SPORKLE_ERROR_DEVICE_UNAVAILABLE;
    failed += status != SPORKLE_OK;
    // The next run does not remember. Most calls are alike: not after each.
    if (status == SPORKLE_OK && walks % 8 != 0) continue;
    const sporkle_status after = scenario(configuration, opened, -1);
    expect_true(after == SPORKLE_OK, "%s after call %lld (%s): %s", name, (long long)call,
                function, sporkle_status_name(after));
  }
  control.clear();
  printf("fault walk, %s: %lld walks, %lld with a status (%lld of them: no device), the rest "
         "computed the right result\n", name, (long long)walks, (long long)failed,
         (long long)refused);
}

static void mapped(void **state) {
  (void)state;
  walk("mapped", NULL, false);
}

static void window(void **state) {
  (void)state;
  walk("window", "renderer=Test card*", true);
}

static void staging(void **state) {
  (void)state;
  walk("staging", "version=4.3*;missing-extension=GL_ARB_buffer_storage*", true);
}

const struct CMUnitTest walk_tests[] = {cmocka_unit_test(mapped), cmocka_unit_test(window),
                                        cmocka_unit_test(staging)};
const size_t walk_test_count = COUNT_OF(walk_tests);
