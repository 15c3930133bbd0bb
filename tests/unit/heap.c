/* The heap behind shared driver objects: nothing overlaps, everything merges
 * again, and little is lost. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "heap_shim.h"

enum { granule = 256, block = 1 << 20, most = 512 };

typedef struct Taken {
  void *chunk;
  uint64_t offset, size;
} Taken;

static uint32_t seed = 1;
static uint32_t next_random(uint32_t below) {
  seed = seed * 1664525u + 1013904223u;
  return (uint32_t)(((uint64_t)(seed >> 8) * below) >> 24);
}

/* The whole block can be taken at once exactly when nothing is taken. */
static void expect_whole(shim_heap *heap, int whole) {
  uint64_t offset = 1, size = 0;
  void *chunk = shim_heap_take(heap, block, &offset, &size);
  assert_int_equal(chunk != NULL, whole);
  if (chunk == NULL) return;
  assert_int_equal(offset, 0);
  assert_int_equal(size, block);
  shim_heap_give(heap, chunk);
}

static void bounds(void **state) {
  (void)state;
  shim_heap *heap = shim_heap_create(block);
  uint64_t offset, size;
  assert_null(shim_heap_take(heap, 0, &offset, &size));
  assert_null(shim_heap_take(heap, block + 1, &offset, &size));
  assert_null(shim_heap_take(heap, UINT64_MAX / 2, &offset, &size));
  void *one = shim_heap_take(heap, 1, &offset, &size);
  assert_non_null(one);
  assert_int_equal(size, granule);
  assert_null(shim_heap_take(heap, block, &offset, &size));
  shim_heap_give(heap, one);
  expect_whole(heap, 1);
  shim_heap_destroy(heap);
}

static void all_of_it(void **state) {
  (void)state;
  shim_heap *heap = shim_heap_create(block);
  static void *chunks[block / granule];
  static unsigned char seen[block / granule];
  uint64_t offset, size;
  for (int i = 0; i < block / granule; ++i) {
    chunks[i] = shim_heap_take(heap, granule, &offset, &size);
    assert_non_null(chunks[i]);
    assert_int_equal(seen[offset / granule]++, 0);
  }
  assert_int_equal(shim_heap_taken(heap), block);
  assert_null(shim_heap_take(heap, 1, &offset, &size));
  /* Every second one, then the rest: free neighbours on both sides. */
  for (int parity = 0; parity < 2; ++parity) {
    for (int i = parity; i < block / granule; i += 2) shim_heap_give(heap, chunks[i]);
  }
  expect_whole(heap, 1);
  shim_heap_destroy(heap);
}

static void check_apart(const Taken *all, int count, const Taken *one) {
  assert_int_equal(one->offset % granule, 0);
  assert_true(one->offset + one->size <= block);
  for (int i = 0; i < count; ++i) {
    assert_true(one->offset + one->size <= all[i].offset ||
                all[i].offset + all[i].size <= one->offset);
  }
}

static void random_lifetimes(void **state) {
  (void)state;
  shim_heap *heap = shim_heap_create(block);
  static Taken taken[most];
  int count = 0, refused = 0;
  uint64_t live = 0, least_at_refusal = block;
  for (int step = 0; step < 200000; ++step) {
    const uint64_t wanted = 1 + next_random(step % 3 == 0 ? 32768 : 2048);
    Taken one = {NULL, 0, 0};
    if (count < most && next_random(100) < 55) {
      one.chunk = shim_heap_take(heap, wanted, &one.offset, &one.size);
      if (one.chunk == NULL) {
        ++refused;
        if (live < least_at_refusal) least_at_refusal = live;
      }
    }
    if (one.chunk != NULL) {
      assert_true(one.size >= wanted && one.size - wanted < granule);
      check_apart(taken, count, &one);
      taken[count++] = one;
      live += one.size;
    } else if (count > 0) {
      const int victim = (int)next_random((uint32_t)count);
      shim_heap_give(heap, taken[victim].chunk);
      live -= taken[victim].size;
      taken[victim] = taken[--count];
    }
    assert_int_equal(shim_heap_taken(heap), live);
  }
  assert_true(refused > 0);
  /* Fragmentation: a refusal comes when more than half is taken, so that what is
   * mapped stays below twice what lives. */
  if (least_at_refusal <= block / 2) fail_msg("%.2f", (double)least_at_refusal / block);
  while (count > 0) shim_heap_give(heap, taken[--count].chunk);
  expect_whole(heap, 1);
  printf("heap: first refusal at %.0f %% full\n", 100.0 * (double)least_at_refusal / block);
  shim_heap_destroy(heap);
}

/* The destructor frees what is still taken (checked by the leak sanitizer). */
static void destroyed_in_use(void **state) {
  (void)state;
  shim_heap *heap = shim_heap_create(block);
  uint64_t offset, size;
  for (int i = 0; i < 10; ++i) assert_non_null(shim_heap_take(heap, 1000, &offset, &size));
  shim_heap_destroy(heap);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bounds), cmocka_unit_test(all_of_it), cmocka_unit_test(random_lifetimes),
      cmocka_unit_test(destroyed_in_use),
  };
  printf("heap checked: bounds, exhaustion, merging, 200000 random steps against an oracle\n");
  return cmocka_run_group_tests(tests, NULL, NULL);
}
