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

static sporkle_executor open_executor(World *world, const Job *job, uint32_t slots) {
  sporkle_executor_desc desc = SPORKLE_EXECUTOR_DESC_INIT;
  desc.device = world->device;
  desc.slot_count = slots;
  desc.input_size = job->tensors.info.input_size;
  desc.output_size = job->tensors.info.output_size;
  sporkle_executor executor = NULL;
  expect_ok(sporkle_executor_create(world->context, &desc, &executor));
  return executor;
}

static void expect_stalls(World *world, uint64_t count) {
  const uint64_t found = world_stats(world).stalls;
  expect_true(found == count, "%llu stalls, not %llu", (unsigned long long)found,
              (unsigned long long)count);
}

// Calls that waited for the device, and no others.
static void stalls_of_slots(void **state) {
  (void)state;
  World world;
  world_open(&world);
  const sporkle_conv2d_desc problem = small_problem();
  Job job;
  job_prepare(&job, &world, &problem, 1);
  sporkle_executor executor = open_executor(&world, &job, 2);
  sporkle_slot slot = SPORKLE_SLOT_INIT;
  sporkle_fence fence = NULL;
  const bool held = test_device_is("null");  // works as long as it is told to
  if (held) world_null(&world, SPORKLE_NULL_CLOCK_MANUAL, 0, 0);
  for (int i = 0; i < 2; ++i) {
    expect_ok(sporkle_executor_acquire(executor, SPORKLE_TIMEOUT_INFINITE, &slot));
    memcpy(slot.input, job.tensors.input, job.tensors.info.input_size);
    expect_ok(sporkle_executor_submit(executor, slot.index, job.plan, &fence));
    if (!held) expect_ok(sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE));
    expect_ok(sporkle_executor_release(executor, slot.index));
  }
  // Who only asks does not wait.
  if (held) expect_status(SPORKLE_TIMEOUT, sporkle_executor_acquire(executor, 0, &slot));
  expect_stalls(&world, 0);
  for (uint64_t i = 1; held && i <= 3; ++i) {
    expect_status(SPORKLE_TIMEOUT, sporkle_executor_acquire(executor, 2000000, &slot));
    expect_stalls(&world, i);
  }
  if (held) world_null(&world, SPORKLE_NULL_CLOCK_AUTO, 0, 0);
  const uint64_t before = held ? 3 : 0;
  expect_ok(sporkle_executor_destroy(executor));
  executor = open_executor(&world, &job, 1);
  expect_ok(sporkle_executor_acquire(executor, SPORKLE_TIMEOUT_INFINITE, &slot));
  // The program itself has the only slot.
  sporkle_slot other = SPORKLE_SLOT_INIT;
  expect_status(SPORKLE_TIMEOUT, sporkle_executor_acquire(executor, 2000000, &other));
  expect_stalls(&world, before);
  expect_ok(sporkle_executor_destroy(executor));
  job_free(&job);
  world_close(&world);
}

static void stalls_of_buffers(void **state) {
  (void)state;
  World world;
  world_open(&world);
  sporkle_buffer_desc desc = SPORKLE_BUFFER_DESC_INIT;
  desc.device = world.device;
  desc.size = 64 * 128;
  sporkle_buffer buffer = NULL;
  expect_ok(sporkle_buffer_create(world.context, &desc, &buffer));
  sporkle_buffer_info info = SPORKLE_BUFFER_INFO_INIT;
  expect_ok(sporkle_buffer_describe(buffer, &info));
  // Seventeen pieces apart are one more than a buffer gathers.
  for (uint64_t i = 0; i < 34; ++i) expect_ok(sporkle_buffer_flush(buffer, i * 128, 64));
  const uint64_t flushes = info.coherent ? 0 : 2;
  expect_stalls(&world, flushes);
  for (int i = 0; i < 5; ++i) expect_ok(sporkle_buffer_invalidate(buffer, 0, desc.size));
  expect_ok(sporkle_buffer_invalidate(buffer, 0, 0));
  expect_stalls(&world, flushes + (info.placement == SPORKLE_PLACEMENT_STAGING ? 5 : 0));
  expect_ok(sporkle_buffer_destroy(buffer));
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
      cmocka_unit_test(faults_are_counted), cmocka_unit_test(stalls_of_slots),
      cmocka_unit_test(stalls_of_buffers), cmocka_unit_test(refusals))
