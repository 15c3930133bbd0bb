// Fences: poll, wait, insert, destroy, the limit of the pool.
#include <pthread.h>
#include <unistd.h>

#include "conformance/conformance.h"
#include "support/job.h"

static void inserted_into_an_idle_device(void **state) {
  (void)state;
  World world;
  world_open(&world);
  sporkle_fence fence = NULL;
  expect_ok(sporkle_fence_insert(world.context, world.device, "idle", &fence));
  expect_ok(sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE));
  expect_ok(sporkle_fence_poll(fence));
  expect_ok(sporkle_fence_wait(fence, 0));
  expect_ok(sporkle_fence_destroy(fence));
  expect_status(SPORKLE_ERROR_INVALID_HANDLE, sporkle_fence_poll(fence));
  expect_refused(SPORKLE_ERROR_INVALID_HANDLE, "fence", sporkle_fence_wait(fence, 0));
  expect_refused(SPORKLE_ERROR_INVALID_HANDLE, "fence", sporkle_fence_destroy(fence));
  world_close(&world);
}

static void pending_then_signalled(void **state) {
  (void)state;
  World world;
  world_open(&world);
  Hold hold;
  hold_begin(&hold, &world);
  sporkle_fence behind = NULL;
  expect_ok(sporkle_fence_insert(world.context, world.device, NULL, &behind));
  const uint64_t timeouts = world_stats(&world).wait_timeouts;
  expect_status(SPORKLE_NOT_READY, sporkle_fence_poll(behind));
  expect_status(SPORKLE_TIMEOUT, sporkle_fence_wait(behind, 0));
  const uint64_t start = clock_ns();
  expect_status(SPORKLE_TIMEOUT, sporkle_fence_wait(behind, 2000000));
  assert_true(clock_ns() - start >= 2000000);
  assert_int_equal(world_stats(&world).wait_timeouts, timeouts + 2);
  // A timeout changes nothing.
  expect_status(SPORKLE_NOT_READY, sporkle_fence_poll(behind));
  hold_end(&hold, &world);
  expect_ok(sporkle_fence_wait(behind, SPORKLE_TIMEOUT_INFINITE - 1));
  expect_ok(sporkle_fence_wait(behind, (uint64_t)INT64_MAX));
  expect_ok(sporkle_fence_wait(behind, (uint64_t)INT64_MAX + 1));
  expect_ok(sporkle_fence_poll(behind));
  expect_ok(sporkle_fence_destroy(behind));
  world_close(&world);
}

static void destroyed_while_pending(void **state) {
  (void)state;
  World world;
  world_open(&world);
  Hold hold;
  hold_begin(&hold, &world);
  const sporkle_conv2d_desc desc = small_problem();
  Job job;
  job_prepare(&job, &world, &desc, 9);
  job_submit(&job);
  expect_ok(sporkle_fence_destroy(job.fence));
  expect_status(SPORKLE_ERROR_INVALID_HANDLE, sporkle_fence_poll(job.fence));
  job.fence = NULL;
  hold_end(&hold, &world);
  sporkle_fence behind = NULL;
  expect_ok(sporkle_fence_insert(world.context, world.device, NULL, &behind));
  expect_ok(sporkle_fence_wait(behind, SPORKLE_TIMEOUT_INFINITE));
  expect_ok(sporkle_fence_destroy(behind));
  job_check(&job);  // the work went on
  job_free(&job);
  world_close(&world);
}

typedef struct Waiter {
  sporkle_fence fence;
  sporkle_status status;
  pthread_t thread;
} Waiter;

static void *wait_for_ever(void *argument) {
  Waiter *waiter = argument;
  waiter->status = sporkle_fence_wait(waiter->fence, SPORKLE_TIMEOUT_INFINITE - 1);
  return NULL;
}

static void waiters_see_destruction(void **state) {
  (void)state;
  if (!test_device_is("null")) skip();  // needs work that stays pending for sure
  World world;
  world_open(&world);
  Hold hold;
  hold_begin(&hold, &world);
  Waiter waiters[4];
  for (size_t i = 0; i < COUNT_OF(waiters); ++i) {
    waiters[i].fence = hold.fences[2];
    waiters[i].status = 0;
    pthread_create(&waiters[i].thread, NULL, wait_for_ever, &waiters[i]);
  }
  sleep_ms(30);
  expect_ok(sporkle_fence_destroy(hold.fences[2]));
  for (size_t i = 0; i < COUNT_OF(waiters); ++i) {
    pthread_join(waiters[i].thread, NULL);
    assert_int_equal(waiters[i].status, SPORKLE_ERROR_INVALID_HANDLE);
  }
  expect_ok(sporkle_fence_insert(world.context, world.device, NULL, &hold.fences[2]));
  hold_end(&hold, &world);
  world_close(&world);
}

static void many_waiters_wake(void **state) {
  (void)state;
  World world;
  world_open(&world);
  Hold hold;
  hold_begin(&hold, &world);
  Waiter waiters[12];
  for (size_t i = 0; i < COUNT_OF(waiters); ++i) {
    waiters[i].fence = hold.fences[i % 3];
    waiters[i].status = SPORKLE_ERROR_INTERNAL;
    pthread_create(&waiters[i].thread, NULL, wait_for_ever, &waiters[i]);
  }
  sleep_ms(5);
  if (hold.manual) world_null(&world, SPORKLE_NULL_CLOCK_AUTO, 0, 0);
  for (size_t i = 0; i < COUNT_OF(waiters); ++i) {
    pthread_join(waiters[i].thread, NULL);
    assert_int_equal(waiters[i].status, SPORKLE_OK);
  }
  hold_end(&hold, &world);
  world_close(&world);
}

static void pool_limit(void **state) {
  (void)state;
  World world;
  sporkle_context_desc desc = world_desc(&world);
  desc.fence_capacity = 5;
  world_open_with(&world, &desc);
  sporkle_fence fences[6];
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 5; ++i) {
      expect_ok(sporkle_fence_insert(world.context, world.device, NULL, &fences[i]));
    }
    fences[5] = (sporkle_fence)(uintptr_t)1;
    expect_refused(SPORKLE_ERROR_POOL_EXHAUSTED, "fence",
                   sporkle_fence_insert(world.context, world.device, NULL, &fences[5]));
    assert_null(fences[5]);
    const sporkle_stats stats = world_stats(&world);
    assert_int_equal(stats.fences_now, 5);
    assert_int_equal(stats.fence_pool_exhausted, round + 1);
    for (int i = 0; i < 5; ++i) expect_ok(sporkle_fence_destroy(fences[i]));
    assert_int_equal(world_stats(&world).fences_now, 0);
  }
  world_check_usable(&world);
  world_close(&world);
}

// More than a hundred by default; ten thousand when asked for; exhaustion is a
// status; and nothing is allocated once the context exists.
static void capacity_of(uint32_t asked, uint32_t expected) {
  World world;
  sporkle_context_desc desc = world_desc(&world);
  desc.fence_capacity = asked;
  world_open_with(&world, &desc);
  sporkle_fence *fences = calloc(expected + 1, sizeof *fences);
  sporkle_fence warm = NULL;  // a device may set itself up for its first fence
  expect_ok(sporkle_fence_insert(world.context, world.device, NULL, &warm));
  expect_ok(sporkle_fence_wait(warm, SPORKLE_TIMEOUT_INFINITE));
  expect_ok(sporkle_fence_destroy(warm));
  const long long allocations = atomic_load(&world.allocator.allocations);
  for (uint32_t i = 0; i < expected; ++i) {
    expect_ok(sporkle_fence_insert(world.context, world.device, "one of many", &fences[i]));
  }
  expect_status(SPORKLE_ERROR_POOL_EXHAUSTED,
                sporkle_fence_insert(world.context, world.device, NULL, &fences[expected]));
  int32_t fd = -1;
  expect_ok(sporkle_fence_export_fd(fences[0], &fd));
  close(fd);
  uint32_t index = 0;
  for (uint32_t i = 0; i < expected; ++i) {
    expect_ok(sporkle_fence_wait(fences[i], SPORKLE_TIMEOUT_INFINITE));
    expect_ok(sporkle_fence_poll(fences[i]));
  }
  expect_ok(sporkle_fence_wait_any(fences, expected < 4096 ? expected : 4096, 0, &index));
  expect_ok(sporkle_fence_wait_all(fences, expected < 4096 ? expected : 4096, 0));
  for (uint32_t i = 0; i < expected; ++i) expect_ok(sporkle_fence_destroy(fences[i]));
  assert_int_equal(atomic_load(&world.allocator.allocations), allocations);
  free(fences);
  world_close(&world);
}

static void capacities(void **state) {
  (void)state;
  capacity_of(0, 128);
  capacity_of(64, 64);
  capacity_of(10000, 10000);
}

static void insert_refusals(void **state) {
  (void)state;
  World world;
  world_open(&world);
  sporkle_fence fence = (sporkle_fence)(uintptr_t)1;
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "device",
                 sporkle_fence_insert(world.context, 77, NULL, &fence));
  assert_null(fence);
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "out_fence",
                 sporkle_fence_insert(world.context, world.device, NULL, NULL));
  assert_int_equal(world_stats(&world).fences_now, 0);
  world_close(&world);
}

// A handle is stale for ever, also when its slot has been used again.
static void stale_handles_stay_stale(void **state) {
  (void)state;
  World world;
  sporkle_context_desc desc = world_desc(&world);
  desc.fence_capacity = 1;
  world_open_with(&world, &desc);
  sporkle_fence old[500];
  for (size_t i = 0; i < COUNT_OF(old); ++i) {
    expect_ok(sporkle_fence_insert(world.context, world.device, NULL, &old[i]));
    expect_ok(sporkle_fence_destroy(old[i]));
  }
  for (size_t i = 0; i < COUNT_OF(old); ++i) {
    expect_status(SPORKLE_ERROR_INVALID_HANDLE, sporkle_fence_poll(old[i]));
  }
  world_close(&world);
}

GROUP(group_fences, "fences", cmocka_unit_test(inserted_into_an_idle_device),
      cmocka_unit_test(pending_then_signalled), cmocka_unit_test(destroyed_while_pending),
      cmocka_unit_test(waiters_see_destruction), cmocka_unit_test(many_waiters_wake),
      cmocka_unit_test(pool_limit), cmocka_unit_test(capacities), cmocka_unit_test(insert_refusals),
      cmocka_unit_test(stale_handles_stay_stale))
