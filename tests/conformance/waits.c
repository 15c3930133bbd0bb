// Waiting for several fences, of several devices.
#include <pthread.h>

#include "conformance/conformance.h"
#include "support/deadlines.h"
#include "support/job.h"

enum { limit = 4096 };

static void limits(void **state) {
  (void)state;
  World world;
  sporkle_context_desc desc = world_desc(&world);
  desc.fence_capacity = limit + 1;
  world_open_with(&world, &desc);
  static sporkle_fence fences[limit + 1];
  for (int i = 0; i <= limit; ++i) {
    expect_ok(sporkle_fence_insert(world.context, world.device, NULL, &fences[i]));
  }
  const sporkle_status invalid = SPORKLE_ERROR_INVALID_ARGUMENT;
  uint32_t index = 99;
  expect_refused(invalid, "count", sporkle_fence_wait_any(fences, 0, 0, &index));
  expect_refused(invalid, "count", sporkle_fence_wait_any(fences, limit + 1, 0, &index));
  expect_refused(invalid, "count", sporkle_fence_wait_all(fences, limit + 1, 0));
  expect_refused(invalid, "count", sporkle_fence_wait_all(fences, UINT32_MAX, 0));
  expect_refused(invalid, "fences", sporkle_fence_wait_any(NULL, 1, 0, &index));
  expect_refused(invalid, "fences", sporkle_fence_wait_all(NULL, 1, 0));
  expect_ok(sporkle_fence_wait_all(fences, 0, 0));
  expect_ok(sporkle_fence_wait_all(NULL, 0, 0));
  expect_ok(sporkle_fence_wait_all(fences, limit, SPORKLE_TIMEOUT_INFINITE));
  expect_ok(sporkle_fence_wait_any(fences, limit, SPORKLE_TIMEOUT_INFINITE, &index));
  assert_int_equal(index, 0);
  expect_ok(sporkle_fence_wait_any(fences, limit, 0, NULL));
  for (int i = 0; i <= limit; ++i) expect_ok(sporkle_fence_destroy(fences[i]));
  world_close(&world);
}

static void invalid_handle_is_named(void **state) {
  (void)state;
  World world;
  world_open(&world);
  sporkle_fence fences[3];
  for (int i = 0; i < 3; ++i) {
    expect_ok(sporkle_fence_insert(world.context, world.device, NULL, &fences[i]));
  }
  expect_ok(sporkle_fence_wait_all(fences, 3, SPORKLE_TIMEOUT_INFINITE));
  expect_ok(sporkle_fence_destroy(fences[1]));
  expect_refused(SPORKLE_ERROR_INVALID_HANDLE, "fences",
                 sporkle_fence_wait_all(fences, 3, SPORKLE_TIMEOUT_INFINITE));
  // A bad handle is reported even when an earlier fence has ended.
  uint32_t index = 99;
  fences[0] = NULL;
  expect_refused(SPORKLE_ERROR_INVALID_HANDLE, "fences",
                 sporkle_fence_wait_any(fences, 3, SPORKLE_TIMEOUT_INFINITE, &index));
  assert_int_equal(index, 0);
  world_close(&world);
}

static void any_names_the_first_that_ended(void **state) {
  (void)state;
  World world;
  world_open(&world);
  Hold hold;
  hold_begin(&hold, &world);
  // Another device's fences end meanwhile: the CPU's in the null device's
  // wait, the null device's in the CPU's.
  uint32_t other = 0;
  expect_ok(sporkle_device_find(world.context, test_device_is("null") ? "cpu" : "null", &other));
  sporkle_fence idle = NULL;
  expect_ok(sporkle_fence_insert(world.context, other, NULL, &idle));
  sporkle_fence fences[4] = {hold.fences[2], hold.fences[1], idle, idle};
  uint32_t index = 99;
  expect_ok(sporkle_fence_wait_any(fences, 4, SPORKLE_TIMEOUT_INFINITE, &index));
  assert_true(index <= 2);
  if (hold.manual) assert_int_equal(index, 2);
  if (hold.manual) {
    expect_status(SPORKLE_TIMEOUT, sporkle_fence_wait_any(fences, 2, 1000000, &index));
    expect_status(SPORKLE_TIMEOUT, sporkle_fence_wait_all(fences, 4, 1000000));
    expect_status(SPORKLE_TIMEOUT, sporkle_fence_wait_all(fences, 4, 0));
  }
  if (hold.manual) world_null(&world, SPORKLE_NULL_CLOCK_AUTO, 0, 0);
  expect_ok(sporkle_fence_wait_all(fences, 4, SPORKLE_TIMEOUT_INFINITE - 1));
  expect_ok(sporkle_fence_wait_any(fences, 4, 0, &index));
  assert_int_equal(index, 0);
  expect_ok(sporkle_fence_destroy(idle));
  hold_end(&hold, &world);
  world_close(&world);
}

typedef struct Waiter {
  const sporkle_fence *fences;
  uint32_t count, index;
  bool any;
  sporkle_status status;
  pthread_t thread;
} Waiter;

static void *wait_many(void *argument) {
  Waiter *w = argument;
  w->status = w->any ? sporkle_fence_wait_any(w->fences, w->count, SPORKLE_TIMEOUT_INFINITE,
                                              &w->index)
                     : sporkle_fence_wait_all(w->fences, w->count, SPORKLE_TIMEOUT_INFINITE);
  return NULL;
}

static void threads_wait_on_mixed_devices(void **state) {
  (void)state;
  World world;
  world_open(&world);
  uint32_t null_device = 0;
  expect_ok(sporkle_device_find(world.context, "null", &null_device));
  World null_world = world;
  null_world.device = null_device;
  const sporkle_conv2d_desc desc = small_problem();
  Job slow, quick;
  world_null(&null_world, SPORKLE_NULL_CLOCK_MANUAL, 0, 0);
  job_prepare(&slow, &null_world, &desc, 1);
  job_submit(&slow);
  World cpu_world = world;
  cpu_world.device = 0;
  job_prepare(&quick, &cpu_world, &desc, 2);
  const sporkle_fence slow_only[] = {slow.fence, slow.fence};
  Waiter waiters[2] = {{slow_only, 2, 99, true, -99, 0}, {slow_only, 2, 99, false, -99, 0}};
  for (int i = 0; i < 2; ++i) pthread_create(&waiters[i].thread, NULL, wait_many, &waiters[i]);
  job_submit(&quick);
  const sporkle_fence both[] = {slow.fence, quick.fence};
  uint32_t index = 99;
  expect_ok(sporkle_fence_wait_any(both, 2, SPORKLE_TIMEOUT_INFINITE, &index));
  assert_int_equal(index, 1);
  world_null(&null_world, SPORKLE_NULL_CLOCK_AUTO, 0, 0);
  expect_ok(sporkle_fence_wait_all(both, 2, SPORKLE_TIMEOUT_INFINITE));
  for (int i = 0; i < 2; ++i) {
    pthread_join(waiters[i].thread, NULL);
    assert_int_equal(waiters[i].status, SPORKLE_OK);
  }
  assert_int_equal(waiters[0].index, 0);
  job_check(&slow);
  job_check(&quick);
  job_free(&slow);
  job_free(&quick);
  world_close(&world);
}

typedef struct TimedWaiter {
  Waiter waiter;
  uint64_t ended_ns;
} TimedWaiter;

static void *wait_and_note(void *argument) {
  TimedWaiter *w = argument;
  wait_many(&w->waiter);
  w->ended_ns = clock_ns();
  return NULL;
}

// A wait for any ends with the first of several devices' fences, within a bound for busy
// machines; waits for what stays pending keep their deadlines.
static void waits_end_in_time(void **state) {
  (void)state;
  if (!test_device_is("null")) skip();
  World world;
  world_open(&world);
  World cpu = world;
  cpu.device = 0;
  const sporkle_conv2d_desc desc = small_problem();
  Job slow, quick;
  world_null(&world, SPORKLE_NULL_CLOCK_MANUAL, 0, 0);
  world_null(&world, SPORKLE_NULL_OP_TIME, 1000, 0);
  job_prepare(&slow, &world, &desc, 1);
  job_prepare(&quick, &cpu, &desc, 2);
  job_submit(&slow);
  const sporkle_fence first = slow.fence;
  job_submit(&slow);
  const sporkle_fence fences[] = {slow.fence, first};
  TimedWaiter any = {{fences, 2, 99, true, -99, 0}, 0};
  pthread_create(&any.waiter.thread, NULL, wait_and_note, &any);
  sleep_ms(50);
  const uint64_t start = clock_ns();
  world_null(&world, SPORKLE_NULL_ADVANCE, 1000, 0);
  pthread_join(any.waiter.thread, NULL);
  expect_ok(any.waiter.status);
  assert_int_equal(any.waiter.index, 1);
  assert_in_range(any.ended_ns, start, start + 100000000u);
  expect_status(SPORKLE_NOT_READY, sporkle_fence_poll(slow.fence));
  job_submit(&quick);
  const sporkle_fence mixed[] = {quick.fence, slow.fence, first};
  expect_deadlines_kept(WAIT_ONE, &slow.fence, 1);
  expect_deadlines_kept(WAIT_ANY, &slow.fence, 1);
  expect_deadlines_kept(WAIT_ALL, mixed, 3);
  world_null(&world, SPORKLE_NULL_CLOCK_AUTO, 0, 0);
  expect_ok(sporkle_fence_wait_all(mixed, 3, SPORKLE_TIMEOUT_INFINITE));
  expect_ok(sporkle_fence_destroy(first));
  job_check(&slow);
  job_check(&quick);
  job_free(&slow);
  job_free(&quick);
  world_close(&world);
}

static void waiter_sees_a_destroyed_member(void **state) {
  (void)state;
  if (!test_device_is("null")) skip();
  World world;
  world_open(&world);
  Hold hold;
  hold_begin(&hold, &world);
  Waiter waiters[2] = {{hold.fences, 3, 99, true, -99, 0}, {hold.fences, 3, 99, false, -99, 0}};
  sporkle_fence extra[3] = {hold.fences[0], hold.fences[1], NULL};
  expect_ok(sporkle_fence_insert(world.context, world.device, NULL, &extra[2]));
  for (int i = 0; i < 2; ++i) {
    waiters[i].fences = extra;
    pthread_create(&waiters[i].thread, NULL, wait_many, &waiters[i]);
  }
  sleep_ms(30);
  expect_ok(sporkle_fence_destroy(extra[2]));
  for (int i = 0; i < 2; ++i) {
    pthread_join(waiters[i].thread, NULL);
    assert_int_equal(waiters[i].status, SPORKLE_ERROR_INVALID_HANDLE);
  }
  assert_int_equal(waiters[0].index, 2);
  hold_end(&hold, &world);
  world_close(&world);
}

// 5,000 fences behind work in flight: too many for one wait, never for two, and the
// context goes with all of them.
static void five_thousand_in_flight(void **state) {
  (void)state;
  enum { many = 5000 };
  World world;
  sporkle_context_desc desc = world_desc(&world);
  desc.fence_capacity = many + 8;
  world_open_with(&world, &desc);
  Hold hold;
  hold_begin(&hold, &world);
  static sporkle_fence fences[many];
  for (int i = 0; i < many; ++i) {
    expect_ok(sporkle_fence_insert(world.context, world.device, NULL, &fences[i]));
  }
  uint32_t index = 99;
  const sporkle_status invalid = SPORKLE_ERROR_INVALID_ARGUMENT;
  expect_refused(invalid, "count", sporkle_fence_wait_any(fences, many, UINT64_MAX, &index));
  expect_refused(invalid, "count", sporkle_fence_wait_all(fences, many, UINT64_MAX));
  assert_int_equal(index, 99);
  const sporkle_status halves[] = {
      sporkle_fence_wait_all(fences, limit, 0),
      sporkle_fence_wait_any(&fences[many - limit], limit, 1000000, &index)};
  for (size_t i = 0; i < COUNT_OF(halves); ++i) {
    // The null device's clock stands still; others may have ended.
    expect_true(halves[i] == SPORKLE_TIMEOUT || (!hold.manual && halves[i] == SPORKLE_OK), "%s",
                sporkle_status_name(halves[i]));
  }
  // hold_end() would wait for the work: here it ends with the context.
  const uint64_t start = clock_ns();
  expect_ok(sporkle_context_destroy(world.context));
  const double seconds = (double)(clock_ns() - start) * 1e-9;
  expect_true(seconds < 5, "destroying took %.1f s", seconds);
  // A software driver may be inside one long call: its thread is given up with its memory.
  if (seconds < 3) world_check_memory(&world);
  for (int i = 0; i < many; ++i) {
    expect_status(SPORKLE_ERROR_INVALID_HANDLE, sporkle_fence_poll(fences[i]));
  }
  expect_refused(SPORKLE_ERROR_INVALID_HANDLE, "fences",
                 sporkle_fence_wait_all(fences, limit, UINT64_MAX));
  tensors_free(&hold.job.tensors);
}

GROUP(group_waits, "waits", cmocka_unit_test(limits),
      cmocka_unit_test(five_thousand_in_flight), cmocka_unit_test(invalid_handle_is_named),
      cmocka_unit_test(any_names_the_first_that_ended),
      cmocka_unit_test(threads_wait_on_mixed_devices),
      cmocka_unit_test(waiter_sees_a_destroyed_member), cmocka_unit_test(waits_end_in_time))
