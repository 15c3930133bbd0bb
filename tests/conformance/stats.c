// Statistics agree with what was done.
#include "conformance/conformance.h"
#include "support/job.h"

static void synchronous(void **state) {
  (void)state;
  World world;
  world_open(&world);
  const sporkle_conv2d_desc desc = small_problem();
  Tensors t;
  tensors_make(&t, &desc, 1);
  for (int i = 0; i < 3; ++i) expect_ok(tensors_conv2d(&t, world.context, world.device));
  sporkle_stats s = world_stats(&world);
  assert_int_equal(s.conv2d_calls, 3);
  assert_int_equal(s.conv2d_flops, 3 * t.info.flops);
  assert_int_equal(s.conv2d_errors, 0);
  assert_int_equal(s.plans_created, 1);
  assert_int_equal(s.plan_cache_misses, 1);
  assert_int_equal(s.plan_cache_hits, 2);
  assert_true(s.plan_cache_bytes >= t.info.weights_size);
  assert_int_equal(s.fallbacks, 0);
  t.weights[0] += 1.0f;
  expect_ok(tensors_conv2d(&t, world.context, world.device));
  s = world_stats(&world);
  assert_int_equal(s.plan_cache_misses, 2);
  assert_int_equal(s.plan_cache_hits, 2);
  tensors_free(&t);
  world_close(&world);
}

static void asynchronous(void **state) {
  (void)state;
  World world;
  world_open(&world);
  const sporkle_conv2d_desc desc = small_problem();
  Job job;
  job_prepare(&job, &world, &desc, 1);
  sporkle_stats s = world_stats(&world);
  assert_true(s.buffer_bytes >= job.tensors.info.input_size + job.tensors.info.output_size);
  for (int i = 0; i < 10; ++i) {
    job_submit(&job);
    expect_ok(sporkle_fence_wait(job.fence, SPORKLE_TIMEOUT_INFINITE));
    expect_ok(sporkle_fence_destroy(job.fence));
  }
  job.fence = NULL;
  s = world_stats(&world);
  assert_int_equal(s.submits, 10);
  assert_int_equal(s.submit_failures, 0);
  assert_int_equal(s.fences_created, 10);
  assert_int_equal(s.fences_destroyed, 10);
  assert_int_equal(s.fences_now, 0);
  assert_int_equal(s.plans_created, 1);
  assert_int_equal(s.conv2d_calls, 0);
  job_free(&job);
  assert_int_equal(world_stats(&world).buffer_bytes, 0);
  world_close(&world);
}

static void faults_are_counted(void **state) {
  (void)state;
  if (!test_device_is("null")) skip();
  World world;
  world_open(&world);
  const sporkle_conv2d_desc desc = small_problem();
  Job job;
  job_prepare(&job, &world, &desc, 1);
  world_null(&world, SPORKLE_NULL_FAIL, 0, 2);
  job_submit(&job);
  expect_status(SPORKLE_ERROR_OPERATION_FAILED,
                sporkle_fence_wait(job.fence, SPORKLE_TIMEOUT_INFINITE));
  expect_status(SPORKLE_ERROR_OPERATION_FAILED,
                tensors_conv2d(&job.tensors, world.context, world.device));
  assert_true(tensors_untouched(&job.tensors));
  sporkle_stats s = world_stats(&world);
  assert_int_equal(s.submit_failures, 1);
  assert_int_equal(s.conv2d_errors, 1);
  assert_int_equal(s.conv2d_calls, 0);
  world_null(&world, SPORKLE_NULL_RESET, 0, 0);
  expect_status(SPORKLE_ERROR_DEVICE_LOST,
                tensors_conv2d(&job.tensors, world.context, world.device));
  s = world_stats(&world);
  assert_int_equal(s.device_resets, 1);
  job_free(&job);
  world_close(&world);
}

static void refusals(void **state) {
  (void)state;
  World world;
  world_open(&world);
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "out_stats",
                 sporkle_context_stats(world.context, NULL));
  world_close(&world);
}

GROUP(group_stats, "stats", cmocka_unit_test(synchronous), cmocka_unit_test(asynchronous),
      cmocka_unit_test(faults_are_counted), cmocka_unit_test(refusals))
