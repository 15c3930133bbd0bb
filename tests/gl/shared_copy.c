/* A copy that its caller and a helper divide: every byte once, none beside it, all of
 * them there when it returns, whoever helps and whenever. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "gl/shared_copy_shim.h"
#include "support/test.h"

enum { rounds = 400, margin = 64, most = 3 << 20 };

typedef struct Helper {
  shim_copy *copy;
  atomic_int stop;
  long chunks;
} Helper;

static void *help(void *data) {
  Helper *helper = data;
  while (!atomic_load(&helper->stop)) {
    if (shim_copy_help(helper->copy)) {
      ++helper->chunks;
    } else {
      sched_yield();
    }
  }
  return NULL;
}

static void fill(unsigned char *bytes, size_t count, uint32_t seed) {
  for (size_t i = 0; i < count; ++i) {
    seed = seed * 1664525u + 1013904223u;
    bytes[i] = (unsigned char)(seed >> 24);
  }
}

/* Copies sizes that no chunk divides. Returns how many found the copy taken. */
static int copy_many(shim_copy *copy, uint32_t seed) {
  unsigned char *from = malloc(most), *to = malloc(most + 2 * margin);
  int taken = 0;
  for (int i = 0; i < rounds; ++i) {
    const size_t bytes = (size_t)(seed = seed * 1664525u + 1013904223u) % (i % 8 == 0 ? most : most / 16);
    fill(from, bytes, seed);
    memset(to, 0xa5, bytes + 2 * margin);
    if (shim_copy_begin(copy, to + margin, from, bytes)) {
      shim_copy_finish(copy);
    } else {
      ++taken;
      memcpy(to + margin, from, bytes);
    }
    int wrong = memcmp(to + margin, from, bytes) != 0;
    for (size_t k = 0; k < margin; ++k) wrong |= to[k] != 0xa5 || to[margin + bytes + k] != 0xa5;
    if (wrong) taken = -1000000;
  }
  free(from);
  free(to);
  return taken;
}

static void alone(void **state) {
  (void)state;
  shim_copy *copy = shim_copy_create();
  assert_int_equal(copy_many(copy, 1), 0);
  assert_false(shim_copy_wanted(copy));
  assert_false(shim_copy_help(copy));
  shim_copy_destroy(copy);
}

/* One thread does both parts in turn: the ends meet. */
static void from_both_ends(void **state) {
  (void)state;
  shim_copy *copy = shim_copy_create();
  enum { bytes = (1 << 20) + 4097 };
  unsigned char *from = malloc(bytes), *to = calloc(bytes, 1);
  fill(from, bytes, 3);
  assert_true(shim_copy_begin(copy, to, from, bytes));
  assert_false(shim_copy_begin(copy, to, from, bytes));
  assert_true(shim_copy_wanted(copy));
  int chunks = 0;
  while (chunks < 10 && shim_copy_help(copy)) ++chunks;
  assert_int_equal(chunks, 10);
  assert_memory_equal(to + bytes - 1000, from + bytes - 1000, 1000);
  assert_int_equal(to[0], 0);
  shim_copy_finish(copy);
  assert_memory_equal(to, from, bytes);
  assert_false(shim_copy_help(copy));
  /* A helper that takes everything leaves the caller nothing. */
  memset(to, 0, bytes);
  assert_true(shim_copy_begin(copy, to, from, bytes));
  while (shim_copy_help(copy)) {
  }
  assert_false(shim_copy_wanted(copy));
  assert_memory_equal(to, from, bytes);
  shim_copy_finish(copy);
  free(from);
  free(to);
  shim_copy_destroy(copy);
}

static void with_a_helper(void **state) {
  (void)state;
  Helper helper = {.copy = shim_copy_create()};
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, help, &helper), 0);
  int taken = 0;
  for (int i = 0; i < 3; ++i) taken += copy_many(helper.copy, 7);
  atomic_store(&helper.stop, 1);
  pthread_join(thread, NULL);
  assert_int_equal(taken, 0);
  assert_true(helper.chunks > 0);
  shim_copy_destroy(helper.copy);
}

typedef struct Caller {
  shim_copy *copy;
  uint32_t seed;
  int taken;
} Caller;

static void *call(void *data) {
  Caller *caller = data;
  caller->taken = copy_many(caller->copy, caller->seed);
  return NULL;
}

/* Two callers and one helper: whoever comes second copies by itself. */
static void two_callers(void **state) {
  (void)state;
  Helper helper = {.copy = shim_copy_create()};
  Caller callers[2] = {{helper.copy, 11, 0}, {helper.copy, 12, 0}};
  pthread_t threads[3];
  assert_int_equal(pthread_create(&threads[2], NULL, help, &helper), 0);
  for (int i = 0; i < 2; ++i) {
    assert_int_equal(pthread_create(&threads[i], NULL, call, &callers[i]), 0);
  }
  for (int i = 0; i < 2; ++i) pthread_join(threads[i], NULL);
  atomic_store(&helper.stop, 1);
  pthread_join(threads[2], NULL);
  for (int i = 0; i < 2; ++i) assert_true(callers[i].taken >= 0);
  shim_copy_destroy(helper.copy);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(alone),
      cmocka_unit_test(from_both_ends),
      cmocka_unit_test(with_a_helper),
      cmocka_unit_test(two_callers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
