/* Fence slots, timelines and waiting, without any device. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "shim.h"
#include "support/deadlines.h"

static void poll_follows_the_counter(void **state) {
  (void)state;
  shim_fences *f = shim_fences_create(64);
  sporkle_fence first = shim_fence_make(f, 1, 0);
  sporkle_fence third = shim_fence_make(f, 3, 0);
  assert_int_equal(sporkle_fence_poll(first), SPORKLE_NOT_READY);
  shim_publish(f, 0, 1);
  assert_int_equal(sporkle_fence_poll(first), SPORKLE_OK);
  assert_int_equal(sporkle_fence_poll(third), SPORKLE_NOT_READY);
  shim_publish(f, 0, 5);
  assert_int_equal(sporkle_fence_poll(third), SPORKLE_OK);
  shim_publish(f, 0, 2); /* a counter never goes back */
  assert_int_equal(sporkle_fence_poll(third), SPORKLE_OK);
  shim_fences_destroy(f);
  assert_int_equal(sporkle_fence_poll(third), SPORKLE_ERROR_INVALID_HANDLE);
}

static void failure_is_written_before_the_counter(void **state) {
  (void)state;
  shim_fences *f = shim_fences_create(64);
  sporkle_fence bad = shim_fence_make(f, 1, 0);
  sporkle_fence good = shim_fence_make(f, 2, 0);
  shim_fence_fail(bad, SPORKLE_ERROR_OPERATION_FAILED);
  assert_int_equal(sporkle_fence_poll(bad), SPORKLE_ERROR_OPERATION_FAILED);
  shim_publish(f, 0, 2);
  assert_int_equal(sporkle_fence_poll(bad), SPORKLE_ERROR_OPERATION_FAILED);
  assert_int_equal(sporkle_fence_poll(good), SPORKLE_OK);
  assert_int_equal(sporkle_fence_wait(bad, SPORKLE_TIMEOUT_INFINITE),
                   SPORKLE_ERROR_OPERATION_FAILED);
  shim_fences_destroy(f);
}

static void a_moved_fence_follows_its_new_queue(void **state) {
  (void)state;
  shim_fences *f = shim_fences_create(64);
  sporkle_fence fence = shim_fence_make(f, 1, 0);
  shim_fence_move(f, fence, 1, 7);
  shim_publish(f, 0, 1);
  assert_int_equal(sporkle_fence_poll(fence), SPORKLE_NOT_READY);
  shim_publish(f, 1, 7);
  assert_int_equal(sporkle_fence_poll(fence), SPORKLE_OK);
  shim_fences_destroy(f);
}

static void stale_and_owned_handles(void **state) {
  (void)state;
  shim_fences *f = shim_fences_create(64);
  sporkle_fence fence = shim_fence_make(f, 1, 0);
  assert_int_equal(sporkle_fence_destroy(fence), SPORKLE_OK);
  assert_int_equal(sporkle_fence_destroy(fence), SPORKLE_ERROR_INVALID_HANDLE);
  sporkle_fence again = shim_fence_make(f, 1, 0);
  assert_true(again != fence); /* the slot is the same, the generation is not */
  assert_int_equal(sporkle_fence_poll(fence), SPORKLE_ERROR_INVALID_HANDLE);
  sporkle_fence owned = shim_fence_make(f, 1, 1);
  assert_int_equal(sporkle_fence_destroy(owned), SPORKLE_ERROR_INVALID_ARGUMENT);
  assert_int_equal(sporkle_fence_poll(owned), SPORKLE_NOT_READY);
  shim_fences_destroy(f);
}

static void the_pool_is_exact(void **state) {
  (void)state;
  assert_true(shim_fence_slot_size() * 64 <= 1024);
  shim_fences *f = shim_fences_create(64);
  sporkle_fence fences[64];
  for (int i = 0; i < 64; ++i) {
    fences[i] = shim_fence_make(f, 1, 0);
    assert_non_null(fences[i]);
  }
  assert_null(shim_fence_make(f, 1, 0));
  assert_int_equal(sporkle_fence_destroy(fences[17]), SPORKLE_OK);
  assert_non_null(shim_fence_make(f, 1, 0));
  assert_int_equal(shim_fences_used(f), 64);
  shim_fences_destroy(f);
}

struct waiter {
  sporkle_fence fence;
  sporkle_status status;
};

static void *wait_body(void *data) {
  struct waiter *w = data;
  w->status = sporkle_fence_wait(w->fence, SPORKLE_TIMEOUT_INFINITE);
  return NULL;
}

static void pause_ms(long ms) {
  const struct timespec t = {0, ms * 1000000};
  nanosleep(&t, NULL);
}

static void waiters_wake(void **state) {
  (void)state;
  shim_fences *f = shim_fences_create(64);
  struct waiter w[4] = {{shim_fence_make(f, 1, 0), 0},
                        {shim_fence_make(f, 40, 0), 0},
                        {shim_fence_make(f, 41, 0), 0},
                        {shim_fence_make(f, 42, 0), 0}};
  pthread_t threads[4];
  for (int i = 0; i < 4; ++i) pthread_create(&threads[i], NULL, wait_body, &w[i]);
  pause_ms(20);
  shim_fence_move(f, w[3].fence, 1, 1);
  pause_ms(5);
  sporkle_fence_destroy(w[2].fence);
  shim_publish(f, 0, 1);
  pause_ms(5);
  shim_publish(f, 0, 40);
  shim_publish(f, 1, 1);
  for (int i = 0; i < 4; ++i) pthread_join(threads[i], NULL);
  assert_int_equal(w[0].status, SPORKLE_OK);
  assert_int_equal(w[1].status, SPORKLE_OK);
  assert_int_equal(w[2].status, SPORKLE_ERROR_INVALID_HANDLE);
  assert_int_equal(w[3].status, SPORKLE_OK);
  shim_fences_destroy(f);
}

static void deadlines_are_kept(void **state) {
  (void)state;
  shim_fences *f = shim_fences_create(64);
  sporkle_fence fences[2] = {shim_fence_make(f, 1, 0), shim_fence_make(f, 2, 0)};
  for (int form = 0; form < WAIT_FORMS; ++form) {
    expect_deadlines_kept((DeadlineWait)form, fences, 2);
  }
  assert_int_equal(sporkle_fence_wait(fences[0], 0), SPORKLE_TIMEOUT);
  shim_publish(f, 0, 1);
  uint32_t index = 9;
  assert_int_equal(sporkle_fence_wait_any(fences, 2, UINT64_MAX - 1, &index), SPORKLE_OK);
  assert_int_equal(index, 0);
  shim_fences_destroy(f);
}

struct many {
  sporkle_fence fences[2];
  int any;
  sporkle_status status;
};

static void *wait_for_many(void *data) {
  struct many *m = data;
  uint32_t index = 9;
  m->status = m->any ? sporkle_fence_wait_any(m->fences, 2, SPORKLE_TIMEOUT_INFINITE, &index)
                     : sporkle_fence_wait_all(m->fences, 2, SPORKLE_TIMEOUT_INFINITE);
  return NULL;
}

static uint64_t cpu_ns_of(pthread_t thread) {
  clockid_t clock;
  struct timespec t;
  assert_int_equal(pthread_getcpuclockid(thread, &clock), 0);
  clock_gettime(clock, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* CPU time of a waiter for two fences: while nothing is announced, and once the end is. */
static void measure_waiter(int any, uint64_t *asleep, uint64_t *awake) {
  shim_fences *f = shim_fences_create(64);
  struct many m = {{shim_fence_make(f, 1, 0), shim_fence_make(f, 5, 0)}, any, -99};
  shim_fence_move(f, m.fences[1], 1, 1);
  pthread_t thread;
  pthread_create(&thread, NULL, wait_for_many, &m);
  pause_ms(20);
  const uint64_t before = cpu_ns_of(thread);
  pause_ms(20);
  *asleep = cpu_ns_of(thread) - before;
  shim_expect(f, 1, 300000);
  pause_ms(20);
  *awake = cpu_ns_of(thread) - before - *asleep;
  shim_publish(f, 0, 1);
  if (!any) shim_publish(f, 1, 1);
  pthread_join(thread, NULL);
  assert_int_equal(m.status, SPORKLE_OK);
  shim_fences_destroy(f);
}

/* Who waits for several fences sleeps, is woken before the announced end, and stays
 * awake for a bounded time. On a loaded machine a waiter may get a core only when that
 * time is over: one try of ten has to show it. */
static void waiters_for_many_wake_early(void **state) {
  (void)state;
  for (int any = 0; any < 2; ++any) {
    uint64_t asleep = 0, awake = 0;
    for (int attempt = 0; attempt < 10; ++attempt) {
      measure_waiter(any, &asleep, &awake);
      if (asleep < 200000 && awake > 100000 && awake < 2000000) break;
    }
    assert_true(asleep < 200000);
    assert_true(awake > 100000 && awake < 2000000);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(poll_follows_the_counter),
      cmocka_unit_test(failure_is_written_before_the_counter),
      cmocka_unit_test(a_moved_fence_follows_its_new_queue),
      cmocka_unit_test(stale_and_owned_handles),
      cmocka_unit_test(the_pool_is_exact),
      cmocka_unit_test(waiters_wake),
      cmocka_unit_test(deadlines_are_kept),
      cmocka_unit_test(waiters_for_many_wake_early),
  };
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  printf("checked: fence states, moves, failures, pool limit, wake-ups and deadlines\n");
  return failed;
}
