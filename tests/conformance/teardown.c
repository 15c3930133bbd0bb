// Destruction with work in flight, in any order.
#include <pthread.h>

#include "conformance/conformance.h"
#include "support/job.h"

static void context_with_work_in_flight(void **state) {
  (void)state;
  World world;
  world_open(&world);
  const sporkle_conv2d_desc desc = small_problem();
  Job jobs[8];
  for (size_t i = 0; i < COUNT_OF(jobs); ++i) {
    job_prepare(&jobs[i], &world, &desc, i);
    job_submit(&jobs[i]);
  }
  world_close(&world);
  for (size_t i = 0; i < COUNT_OF(jobs); ++i) {
    expect_status(SPORKLE_ERROR_INVALID_HANDLE, sporkle_fence_poll(jobs[i].fence));
    expect_status(SPORKLE_ERROR_INVALID_HANDLE, sporkle_buffer_destroy(jobs[i].output));
    tensors_free(&jobs[i].tensors);
  }
}

static void idle_context_goes_at_once(void **state) {
  (void)state;
  World world;
  world_open(&world);
  world_check_usable(&world);
  const uint64_t start = clock_ns();
  world_close(&world);
  assert_true(clock_ns() - start < 1000000000u);
}

typedef struct Waiter {
  sporkle_fence fence;
  sporkle_status status;
} Waiter;

static void *wait_for_ever(void *argument) {
  Waiter *waiter = argument;
  waiter->status = sporkle_fence_wait(waiter->fence, SPORKLE_TIMEOUT_INFINITE);
  return NULL;
}

// Two seconds of patience, then cancelled; a waiter sees one or the other.
static void pending_work_is_cancelled(void **state) {
  (void)state;
  if (!test_device_is("null")) skip();
  World world;
  world_open(&world);
  world_null(&world, SPORKLE_NULL_CLOCK_MANUAL, 0, 0);
  const sporkle_conv2d_desc desc = small_problem();
  Job job;
  job_prepare(&job, &world, &desc, 1);
  job_submit(&job);
  Waiter waiter = {job.fence, SPORKLE_OK};
  pthread_t thread;
  pthread_create(&thread, NULL, wait_for_ever, &waiter);
  sleep_ms(20);
  const uint64_t start = clock_ns();
  world_close(&world);
  const uint64_t took = clock_ns() - start;
  expect_true(took > 1500000000u && took < 4000000000u, "%llu ns", (unsigned long long)took);
  pthread_join(thread, NULL);
  expect_true(waiter.status == SPORKLE_ERROR_CANCELLED ||
                  waiter.status == SPORKLE_ERROR_INVALID_HANDLE,
              "%s", sporkle_status_name(waiter.status));
  tensors_free(&job.tensors);
}

static void hung_device_is_closed(void **state) {
  (void)state;
  if (!test_device_is("null")) skip();
  World world;
  world_open(&world);
  world_null(&world, SPORKLE_NULL_HANG, 0, 0);
  const sporkle_conv2d_desc desc = small_problem();
  Job job;
  job_prepare(&job, &world, &desc, 1);
  job_submit(&job);
  sporkle_executor_desc executor_desc = SPORKLE_EXECUTOR_DESC_INIT;
  executor_desc.device = world.device;
  executor_desc.input_size = job.tensors.info.input_size;
  executor_desc.output_size = job.tensors.info.output_size;
  sporkle_executor executor = NULL;
  expect_ok(sporkle_executor_create(world.context, &executor_desc, &executor));
  sporkle_slot slot = SPORKLE_SLOT_INIT;
  expect_ok(sporkle_executor_acquire(executor, 0, &slot));
  sporkle_fence fence = NULL;
  expect_ok(sporkle_executor_submit(executor, slot.index, job.plan, &fence));
  uint64_t start = clock_ns();
  expect_ok(sporkle_executor_destroy(executor));
  assert_true(clock_ns() - start < 4000000000u);
  start = clock_ns();
  world_close(&world);
  assert_true(clock_ns() - start < 6000000000u);
  tensors_free(&job.tensors);
}

static void children_outlive_nothing(void **state) {
  (void)state;
  World world;
  world_open(&world);
  const sporkle_conv2d_desc desc = small_problem();
  Job job;
  job_prepare(&job, &world, &desc, 1);
  sporkle_executor_desc executor_desc = SPORKLE_EXECUTOR_DESC_INIT;
  executor_desc.device = world.device;
  executor_desc.input_size = executor_desc.output_size = 64;
  sporkle_executor executor = NULL;
  expect_ok(sporkle_executor_create(world.context, &executor_desc, &executor));
  sporkle_slot slot = SPORKLE_SLOT_INIT;
  expect_ok(sporkle_executor_acquire(executor, 0, &slot));
  world_close(&world);
  expect_status(SPORKLE_ERROR_INVALID_HANDLE, sporkle_executor_destroy(executor));
  expect_status(SPORKLE_ERROR_INVALID_HANDLE, sporkle_plan_destroy(job.plan));
  expect_status(SPORKLE_ERROR_INVALID_HANDLE, sporkle_buffer_destroy(job.input));
  tensors_free(&job.tensors);
}

static void shutdown_destroys_everything(void **state) {
  (void)state;
  World worlds[3];
  const sporkle_conv2d_desc desc = small_problem();
  Job jobs[3];
  for (int i = 0; i < 3; ++i) {
    world_open(&worlds[i]);
    job_prepare(&jobs[i], &worlds[i], &desc, 1);
    job_submit(&jobs[i]);
  }
  expect_ok(sporkle_shutdown());
  for (int i = 0; i < 3; ++i) {
    world_check_memory(&worlds[i]);
    expect_status(SPORKLE_ERROR_INVALID_HANDLE, sporkle_context_destroy(worlds[i].context));
    tensors_free(&jobs[i].tensors);
  }
  expect_ok(sporkle_shutdown());
  World world;
  world_open(&world);
  world_check_usable(&world);
  world_close(&world);
}

GROUP(group_teardown, "teardown", cmocka_unit_test(context_with_work_in_flight),
      cmocka_unit_test(idle_context_goes_at_once), cmocka_unit_test(pending_work_is_cancelled),
      cmocka_unit_test(hung_device_is_closed), cmocka_unit_test(children_outlive_nothing),
      cmocka_unit_test(shutdown_destroys_everything))
