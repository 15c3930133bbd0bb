/* Pools of fences: growing beside visitors and beside one another, and when there is
 * no memory or no room left. Each in a process of its own: slots are never given back. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

#include "shim.h"
#include "support/child.h"
#include "support/test.h"

enum { chunk = 64, slots_of_a_process = 1 << 20, most_of_a_pool = 1 << 18 };

static _Atomic(shim_fences *) visited;
static atomic_int stop;

static void *visit(void *data) {
  uint64_t *wrong = data;
  while (!atomic_load(&stop)) *wrong += shim_fences_visit(atomic_load(&visited)) != 1;
  return NULL;
}

/* Many small pools: a visit is short, so that it often meets the chunk that comes. */
static int grow_beside_a_visitor(void *unused) {
  (void)unused;
  shim_fences *pools[60];
  pthread_t thread;
  uint64_t wrong = 0;
  for (int p = 0; p < 60; ++p) {
    pools[p] = shim_fences_create(chunk);
    CHILD_CHECK(shim_fence_make(pools[p], 1, 0) != NULL);
    atomic_store(&visited, pools[p]);
    if (p == 0) CHILD_CHECK(pthread_create(&thread, NULL, visit, &wrong) == 0);
    for (int i = 0; i < 8; ++i) CHILD_CHECK(shim_fences_grow(pools[p], chunk) == SPORKLE_OK);
  }
  atomic_store(&stop, 1);
  pthread_join(thread, NULL);
  CHILD_CHECK(wrong == 0);
  return 0;
}

static void a_pool_grows_under_visitors(void **state) {
  (void)state;
  if (!TEST_THREADS_AFTER_FORK) {
    assert_int_equal(grow_beside_a_visitor(NULL), 0);
    return;
  }
  for (int i = 0; i < 50; ++i) assert_int_equal(in_child(grow_beside_a_visitor, NULL, 60), 0);
}

static int grow_without_memory(void *unused) {
  (void)unused;
  struct rlimit limit;
  shim_fences *small = shim_fences_create(chunk);
  CHILD_CHECK(getrlimit(RLIMIT_AS, &limit) == 0);
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = 1 << 20;
  CHILD_CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
  for (int i = 0; i < 10; ++i) {
    CHILD_CHECK(shim_fences_grow(small, most_of_a_pool) == SPORKLE_ERROR_OUT_OF_MEMORY);
  }
  limit.rlim_cur = before;
  CHILD_CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
  CHILD_CHECK(shim_fence_make(small, 1, 0) != NULL);
  /* Nothing was used up: all but the chunk of the small pool is there. */
  for (int i = 0; i < 3; ++i) {
    CHILD_CHECK(shim_fences_grow(shim_fences_create(chunk), most_of_a_pool - chunk) == 0);
  }
  CHILD_CHECK(shim_fences_grow(small, most_of_a_pool) == SPORKLE_ERROR_POOL_EXHAUSTED);
  CHILD_CHECK(shim_fences_grow(small, most_of_a_pool - chunk) == SPORKLE_OK);
  CHILD_CHECK(shim_fences_grow(small, chunk) == SPORKLE_ERROR_POOL_EXHAUSTED);
  return 0;
}

static void memory_that_fails_uses_nothing_up(void **state) {
  (void)state;
  if (TEST_SANITIZED) skip(); /* sanitizers need address space of their own */
  assert_int_equal(in_child(grow_without_memory, NULL, 60), 0);
}

enum { left = 100 }; /* chunks */

struct grower {
  shim_fences *pool;
  uint32_t chunks, wrong;
  pthread_t thread;
};

static atomic_int growers_ready;

static void *grow(void *data) {
  struct grower *g = data;
  atomic_fetch_add(&growers_ready, 1);
  while (atomic_load(&growers_ready) < 4) {}
  for (uint32_t i = 0; i < 4000; ++i) {
    const uint32_t need = i % 160 == 0 ? 1 : left + 5 + i % 50;
    const sporkle_status status = shim_fences_grow(g->pool, need * chunk);
    if (status == SPORKLE_OK) g->chunks += need;
    g->wrong += status != SPORKLE_OK && status != SPORKLE_ERROR_POOL_EXHAUSTED;
    if (need == 1) g->wrong += status != SPORKLE_OK;
  }
  return NULL;
}

/* Four pools want more than there is, and now and then a chunk, which there is. */
static int grow_beside_one_another(void *unused) {
  (void)unused;
  struct grower growers[4] = {0};
  static uint8_t seen[slots_of_a_process];
  for (int i = 0; i < 4; ++i) growers[i].pool = shim_fences_create(chunk);
  for (int i = 0; i < 4; ++i) {
    const uint32_t chunks = most_of_a_pool / chunk - 1 - (i == 3 ? left + 4 : 0);
    CHILD_CHECK(shim_fences_grow(shim_fences_create(chunk), (chunks - 1) * chunk) == 0);
  }
  for (int i = 0; i < 4; ++i) {
    CHILD_CHECK(pthread_create(&growers[i].thread, NULL, grow, &growers[i]) == 0);
  }
  for (int i = 0; i < 4; ++i) pthread_join(growers[i].thread, NULL);
  for (int i = 0; i < 4; ++i) {
    CHILD_CHECK(growers[i].wrong == 0 && growers[i].chunks == 25);
    for (uint32_t f = 0; f < 25 * chunk; ++f) {
      uint64_t generation;
      uint32_t slot, type;
      const sporkle_fence fence = shim_fence_make(growers[i].pool, 1, 1);
      CHILD_CHECK(fence != NULL);
      shim_decode(fence, &generation, &slot, &type);
      CHILD_CHECK(slot < slots_of_a_process && !seen[slot]);
      seen[slot] = 1;
    }
  }
  return 0;
}

static void exhausted_pools_share_nothing(void **state) {
  (void)state;
  if (!TEST_THREADS_AFTER_FORK) skip();
  for (int i = 0; i < 5; ++i) assert_int_equal(in_child(grow_beside_one_another, NULL, 60), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_pool_grows_under_visitors),
      cmocka_unit_test(memory_that_fails_uses_nothing_up),
      cmocka_unit_test(exhausted_pools_share_nothing),
  };
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  printf("checked: pools that grow beside visitors and one another, without memory or room\n");
  return failed;
}
