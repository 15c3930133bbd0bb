/* Which work the CPU device's threads take: docs/cpu_kernels.md, "Threads". */
#include <stdatomic.h>
#include <time.h>

#include "support/test.h"
#include "unit/threads_shim.h"

enum { small_ns = 20000, tries = 200 };

static void pause_ms(long ms) {
  nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static void count_up(void *data, uint32_t index) {
  (void)index;
  atomic_fetch_add((atomic_int *)data, 1);
}

static void size_decides_beyond_the_limits(void **state) {
  (void)state;
  shim_threads *pool = shim_threads_create(2);
  for (int i = 0; i < 10; ++i) {
    assert_true(shim_threads_worth(pool, 60000));
    assert_false(shim_threads_worth(pool, 5000));
  }
  shim_threads_destroy(pool);
  shim_threads *alone = shim_threads_create(1);
  for (int i = 0; i < 10; ++i) assert_false(shim_threads_worth(alone, small_ns));
  shim_threads_destroy(alone);
}

/* On a loaded machine a moment may pass between two lines: some of many tries show it. */
static void small_work_that_comes_alone_wakes_nobody(void **state) {
  (void)state;
  shim_threads *pool = shim_threads_create(2);
  atomic_int ran = 0;
  shim_threads_run(pool, 8, count_up, &ran);
  assert_int_equal(ran, 8);
  int refused = 0;
  for (int i = 0; i < 20; ++i) {
    pause_ms(3);
    refused += !shim_threads_worth(pool, small_ns);
  }
  assert_true(refused > 0);
  shim_threads_destroy(pool);
}

static void small_work_in_a_row_is_divided(void **state) {
  (void)state;
  shim_threads *pool = shim_threads_create(2);
  int first = 0, second = 0, awake = 0;
  for (int i = 0; i < tries && (first == 0 || second == 0 || awake == 0); ++i) {
    pause_ms(1);
    first += !shim_threads_worth(pool, small_ns);
    second += shim_threads_worth(pool, small_ns);
    atomic_int ran = 0;
    shim_threads_run(pool, 8, count_up, &ran);
    assert_int_equal(ran, 8);
    awake += shim_threads_worth(pool, small_ns);
  }
  printf("threads: alone refused %d times, the next taken %d, after a run %d\n", first, second,
         awake);
  assert_true(first > 0);
  assert_true(second > 0);
  assert_true(awake > 0);
  shim_threads_destroy(pool);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(size_decides_beyond_the_limits),
      cmocka_unit_test(small_work_that_comes_alone_wakes_nobody),
      cmocka_unit_test(small_work_in_a_row_is_divided),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
