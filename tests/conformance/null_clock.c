// The null device's virtual clock and the numbering of its operations.
#include "conformance/conformance.h"
#include "support/job.h"

static void read_property(World *world, uint32_t index, char value[200]) {
  sporkle_property property = SPORKLE_PROPERTY_INIT;
  expect_ok(sporkle_device_property(world->context, world->device, index, &property));
  memcpy(value, property.value, sizeof property.value);
}

static uint64_t virtual_time(World *world) {
  char value[200];
  read_property(world, 0, value);
  return strtoull(value, NULL, 10);
}

static uint64_t operations(World *world) {
  char value[200];
  read_property(world, 1, value);
  return strtoull(value, NULL, 10);
}

static void manual_clock_ends_work_in_order(void **state) {
  (void)state;
  World world;
  world_open(&world);
  world_null(&world, SPORKLE_NULL_CLOCK_MANUAL, 0, 0);
  world_null(&world, SPORKLE_NULL_OP_TIME, 100, 0);
  char clock[200];
  read_property(&world, 2, clock);
  assert_string_equal(clock, "manual");
  const sporkle_conv2d_desc desc = small_problem();
  Job jobs[4];
  for (int i = 0; i < 4; ++i) {
    job_prepare(&jobs[i], &world, &desc, (uint64_t)i);
    job_submit(&jobs[i]);
  }
  assert_int_equal(operations(&world), 4);
  assert_int_equal(virtual_time(&world), 0);
  for (int ended = 0; ended < 4; ++ended) {
    world_null(&world, SPORKLE_NULL_ADVANCE, 99, 0);
    expect_status(SPORKLE_NOT_READY, sporkle_fence_poll(jobs[ended].fence));
    assert_true(job_untouched(&jobs[ended]));
    world_null(&world, SPORKLE_NULL_ADVANCE, 1, 0);
    for (int i = 0; i < 4; ++i) {
      expect_status(i <= ended ? SPORKLE_OK : SPORKLE_NOT_READY,
                    sporkle_fence_poll(jobs[i].fence));
    }
    job_check(&jobs[ended]);
  }
  assert_int_equal(virtual_time(&world), 400);
  for (int i = 0; i < 4; ++i) job_free(&jobs[i]);
  world_close(&world);
}

static void one_advance_ends_all_that_is_due(void **state) {
  (void)state;
  World world;
  world_open(&world);
  world_null(&world, SPORKLE_NULL_CLOCK_MANUAL, 0, 0);
  const sporkle_conv2d_desc desc = small_problem();
  Job job;
  job_prepare(&job, &world, &desc, 1);
  sporkle_fence fences[20];
  for (int i = 0; i < 20; ++i) {
    job_submit(&job);
    fences[i] = job.fence;
  }
  job.fence = NULL;
  world_null(&world, SPORKLE_NULL_ADVANCE, UINT64_MAX, 0);
  world_null(&world, SPORKLE_NULL_ADVANCE, UINT64_MAX, 0);
  for (int i = 0; i < 20; ++i) {
    expect_ok(sporkle_fence_poll(fences[i]));
    expect_ok(sporkle_fence_destroy(fences[i]));
  }
  job_free(&job);
  world_close(&world);
}

// A duration of 0 still takes the clock being advanced.
static void operation_times(void **state) {
  (void)state;
  World world;
  world_open(&world);
  world_null(&world, SPORKLE_NULL_CLOCK_MANUAL, 0, 0);
  const sporkle_conv2d_desc desc = small_problem();
  Job quick, slow;
  job_prepare(&quick, &world, &desc, 1);
  job_prepare(&slow, &world, &desc, 2);
  world_null(&world, SPORKLE_NULL_OP_TIME, 0, 0);
  job_submit(&quick);
  world_null(&world, SPORKLE_NULL_OP_TIME, 5000000000u, 0);
  job_submit(&slow);
  world_null(&world, SPORKLE_NULL_OP_TIME, 1, 0);
  sleep_ms(10);
  expect_status(SPORKLE_NOT_READY, sporkle_fence_poll(quick.fence));
  world_null(&world, SPORKLE_NULL_ADVANCE, 1, 0);
  expect_ok(sporkle_fence_poll(quick.fence));
  world_null(&world, SPORKLE_NULL_ADVANCE, 4999999999u, 0);
  expect_status(SPORKLE_NOT_READY, sporkle_fence_poll(slow.fence));
  world_null(&world, SPORKLE_NULL_ADVANCE, 1, 0);
  expect_ok(sporkle_fence_poll(slow.fence));
  job_free(&quick);
  job_free(&slow);
  world_close(&world);
}

// A synchronous call advances the clock, and with it what was queued before.
static void synchronous_calls_on_the_manual_clock(void **state) {
  (void)state;
  World world;
  world_open(&world);
  world_null(&world, SPORKLE_NULL_CLOCK_MANUAL, 0, 0);
  world_null(&world, SPORKLE_NULL_OP_TIME, 10, 0);
  const sporkle_conv2d_desc desc = small_problem();
  Job before, after;
  job_prepare(&before, &world, &desc, 1);
  job_prepare(&after, &world, &desc, 2);
  job_submit(&before);
  world_check_usable(&world);
  assert_int_equal(virtual_time(&world), 20);
  assert_int_equal(operations(&world), 2);
  expect_ok(sporkle_fence_poll(before.fence));
  job_submit(&after);
  expect_status(SPORKLE_NOT_READY, sporkle_fence_poll(after.fence));
  world_null(&world, SPORKLE_NULL_ADVANCE, 10, 0);
  expect_ok(sporkle_fence_poll(after.fence));
  job_free(&before);
  job_free(&after);
  world_close(&world);
}

static void automatic_clock_follows_the_work(void **state) {
  (void)state;
  World world;
  world_open(&world);
  world_null(&world, SPORKLE_NULL_OP_TIME, 7, 0);
  for (int i = 0; i < 5; ++i) world_check_usable(&world);
  assert_int_equal(virtual_time(&world), 35);
  char clock[200];
  read_property(&world, 2, clock);
  assert_string_equal(clock, "auto");
  world_close(&world);
}

static void switching_to_automatic_ends_the_queue(void **state) {
  (void)state;
  World world;
  world_open(&world);
  Hold hold;
  hold_begin(&hold, &world);
  world_null(&world, SPORKLE_NULL_CLOCK_AUTO, 0, 0);
  expect_ok(sporkle_fence_wait(hold.fences[2], SPORKLE_TIMEOUT_INFINITE));
  hold_end(&hold, &world);
  world_close(&world);
}

static void control_refusals(void **state) {
  (void)state;
  World world;
  world_open(&world);
  const sporkle_context c = world.context;
  const uint32_t d = world.device;
  const sporkle_status invalid = SPORKLE_ERROR_INVALID_ARGUMENT;
  expect_refused(invalid, "command", sporkle_null_control(c, d, 9, 0, 0));
  expect_refused(invalid, "command", sporkle_null_control(c, d, UINT32_MAX, 0, 0));
  expect_refused(invalid, "count", sporkle_null_control(c, d, SPORKLE_NULL_FAIL, 0, 0));
  expect_refused(invalid, "count", sporkle_null_control(c, d, SPORKLE_NULL_OOM, 0, 0));
  expect_refused(invalid, "count", sporkle_null_control(c, d, SPORKLE_NULL_HANG, 0, 1));
  expect_refused(invalid, "value", sporkle_null_control(c, d, SPORKLE_NULL_RECOVER, 1, 0));
  expect_ok(sporkle_null_control(c, d, SPORKLE_NULL_FAIL, UINT64_MAX, UINT64_MAX));
  world_check_usable(&world);
  for (int i = 0; i < 31; ++i) world_null(&world, SPORKLE_NULL_FAIL, 1000, 1);
  expect_refused(SPORKLE_ERROR_POOL_EXHAUSTED, "command",
                 sporkle_null_control(c, d, SPORKLE_NULL_FAIL, 1000, 1));
  world_null(&world, SPORKLE_NULL_RECOVER, 0, 0);
  world_null(&world, SPORKLE_NULL_FAIL, 1000, 1);
  world_close(&world);
}

GROUP(group_null_clock, "null_clock", cmocka_unit_test(manual_clock_ends_work_in_order),
      cmocka_unit_test(one_advance_ends_all_that_is_due), cmocka_unit_test(operation_times),
      cmocka_unit_test(synchronous_calls_on_the_manual_clock),
      cmocka_unit_test(automatic_clock_follows_the_work),
      cmocka_unit_test(switching_to_automatic_ends_the_queue),
      cmocka_unit_test(control_refusals))
