// Resets: reported, suspected, repeated.
#include "faults/control.h"

static void reset_status(void **state) {
  (void)state;
  expect_loss("reset");
}

// After a loss every sync object reads as signalled, and nothing was computed.
static void signalled_but_lost(void **state) {
  (void)state;
  expect_loss("lost");
}

// The driver has reported no error with the work: only its reset status tells.
static void lost_in_flight(void **state) {
  (void)state;
  expect_loss("lost-in-flight");
}

static uint64_t lose_pending_fences(void) {
  enum { count = 24 };
  World world;
  world_open_gl(&world, NULL, false);
  const sporkle_conv2d_desc problem = small_problem();
  Job job;
  job_prepare(&job, &world, &problem, 1);
  plan_faults("late=50000000*");
  sporkle_fence fences[count];
  for (int i = 0; i < count; ++i) {
    job_submit(&job);
    fences[i] = job.fence;
  }
  job.fence = NULL;
  expect_status(SPORKLE_NOT_READY, sporkle_fence_poll(fences[0]));
  const uint64_t start = clock_ns();
  plan_faults("reset");
  const uint64_t longest = expect_all_lost(fences, count, start, UINT64_MAX);
  control.clear();
  job_free(&job);
  world_check_usable(&world);
  world_close_gl(&world);
  return longest;
}

// Within 100 ms; where the processor does the device's work beside other programs, in
// one of three tries.
static void every_pending_fence_fails(void **state) {
  (void)state;
  uint64_t least = UINT64_MAX;
  for (int i = 0; i < 3 && least > 100000000u; ++i) {
    const uint64_t longest = lose_pending_fences();
    if (longest < least) least = longest;
  }
  expect_true(least <= 100000000u, "lost after %.1f ms", (double)least * 1e-6);
}

// Values seen on emulators that are no reset.
static void nonsense_status(void **state) {
  (void)state;
  World world;
  world_open_gl(&world, "reset-nonsense=0x9999*", false);
  const sporkle_conv2d_desc problem = small_problem();
  Job job;
  job_prepare(&job, &world, &problem, 1);
  expect_ok(job_run(&job));
  assert_true(control.struck("reset-nonsense") > 0);
  job_check(&job);
  job_free(&job);
  assert_int_equal(world_stats(&world).device_resets, 0);
  world_close_gl(&world);
}

// What was created before the reset says so, stays readable, can be destroyed.
static void objects_from_before(void **state) {
  (void)state;
  World world;
  world_open_gl(&world, NULL, false);
  const sporkle_conv2d_desc problem = small_problem();
  Job old, job;
  job_prepare(&old, &world, &problem, 2);
  job_prepare(&job, &world, &problem, 3);
  plan_faults("reset");
  expect_status(SPORKLE_ERROR_DEVICE_LOST, job_run(&job));
  job_free(&job);
  void *data = NULL;
  expect_ok(sporkle_buffer_data(old.input, &data));
  memset(data, 1, old.tensors.info.input_size);
  const sporkle_plan_bindings bindings = job_bindings(&old);
  sporkle_status status = sporkle_plan_submit(old.plan, &bindings, &old.fence);
  if (status == SPORKLE_OK) status = sporkle_fence_wait(old.fence, SPORKLE_TIMEOUT_INFINITE);
  assert_int_equal(status, SPORKLE_ERROR_DEVICE_LOST);
  job_free(&old);
  world_check_usable(&world);
  world_close_gl(&world);
}

// The synchronous call until it fails for good; the CPU goes on.
static void expect_given_up(const char *faults) {
  World world;
  world_open_gl(&world, NULL, false);
  const sporkle_conv2d_desc problem = small_problem();
  Tensors t;
  tensors_make(&t, &problem, 3);
  plan_faults(faults);
  sporkle_status status = SPORKLE_OK;
  for (int i = 0; i < 40; ++i) {
    tensors_clear_output(&t);
    status = tensors_conv2d(&t, world.context, world.device);
    if (status == SPORKLE_OK) continue;
    assert_int_equal(status, SPORKLE_ERROR_DEVICE_LOST);
    assert_true(tensors_untouched(&t));
  }
  assert_int_equal(status, SPORKLE_ERROR_DEVICE_LOST);
  assert_in_range(world_stats(&world).device_resets, 1, 16);
  expect_ok(tensors_conv2d(&t, world.context, 0));
  tensors_check(&t, t.output);
  tensors_free(&t);
  world_close_gl(&world);
}

static void resets_without_end(void **state) {
  (void)state;
  expect_given_up("reset*");
}

static void syncs_missing_for_ever(void **state) {
  (void)state;
  expect_given_up("null-sync*");
}

static void context_that_cannot_be_recreated(void **state) {
  (void)state;
  expect_given_up("lost;no-context*");
}

const struct CMUnitTest reset_tests[] = {
    cmocka_unit_test(reset_status), cmocka_unit_test(signalled_but_lost),
    cmocka_unit_test(lost_in_flight),
    cmocka_unit_test(every_pending_fence_fails), cmocka_unit_test(nonsense_status),
    cmocka_unit_test(objects_from_before), cmocka_unit_test(resets_without_end),
    cmocka_unit_test(syncs_missing_for_ever), cmocka_unit_test(context_that_cannot_be_recreated),
};
const size_t reset_test_count = COUNT_OF(reset_tests);
