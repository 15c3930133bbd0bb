// Many different problems in one process: the plan cache keeps to its limit.
#include <unistd.h>

#include "conformance/conformance.h"
#include "support/tensors.h"
#include "support/world.h"

// A GPU computed by the CPU takes seconds for a hundred; so does a sanitizer.
static int problem_count(void) {
  const bool quick = test_device_is("cpu") || test_device_is("null");
  return quick && !TEST_SANITIZED ? 5000 : 600;
}


static uint64_t resident_bytes(void) {
  FILE *file = fopen("/proc/self/statm", "r");
  assert_non_null(file);
  unsigned long pages = 0, resident = 0;
  assert_int_equal(fscanf(file, "%lu %lu", &pages, &resident), 2);
  fclose(file);
  return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

// No two are the same problem; a few kilobytes of weights each.
static sporkle_conv2d_desc problem_number(int i) {
  sporkle_conv2d_desc desc;
  sporkle_conv2d_desc_set(&desc, 1, 8, 2 + i % 25, 2 + i / 25 % 20, 16 + i / 500 * 8, 3, 1, 1);
  return desc;
}

static void run_problems(World *world, int count, uint64_t limit) {
  for (int i = 0; i < count; ++i) {
    const sporkle_conv2d_desc desc = problem_number(i);
    Tensors t;
    tensors_make(&t, &desc, 1);
    expect_ok(tensors_conv2d(&t, world->context, world->device));
    if (i % 500 == 0) tensors_check(&t, t.output);
    tensors_free(&t);
    if (i % 50 == 0) assert_true(world_stats(world).plan_cache_bytes <= limit);
  }
}

static void memory_stays_bounded(void **state) {
  (void)state;
  const int problems = problem_count();
  const uint64_t limit = 2u << 20;
  World world;
  sporkle_context_desc desc = world_desc(&world);
  desc.plan_cache_bytes = limit;
  world_open_with(&world, &desc);
  run_problems(&world, 500, limit);
  const uint64_t warm = resident_bytes();
  const int64_t warm_peak = atomic_load(&world.allocator.peak_bytes);
  run_problems(&world, problems, limit);
  const uint64_t grown = resident_bytes() > warm ? resident_bytes() - warm : 0;
  const sporkle_stats s = world_stats(&world);
  assert_true(s.plan_cache_bytes <= limit);
  assert_true(s.plan_cache_evictions > (uint64_t)(problems - 500) / 2);
  const int64_t peak = atomic_load(&world.allocator.peak_bytes);
  // The limit, one entry too many while it is exchanged, and room for scratch.
  expect_true((uint64_t)peak <= limit + (8u << 20), "%lld bytes at the most", (long long)peak);
  expect_true(grown <= (16u << 20) || TEST_SANITIZED, "resident memory grew by %llu bytes",
              (unsigned long long)grown);
  printf("cache on %s: %d problems: cache %llu of %llu bytes, library peak %lld (after 500: %lld), "
         "resident growth %llu bytes\n",
         test_device, problems, (unsigned long long)s.plan_cache_bytes, (unsigned long long)limit,
         (long long)peak, (long long)warm_peak, (unsigned long long)grown);
  world_close(&world);
}

static void recently_used_plans_stay(void **state) {
  (void)state;
  World world;
  sporkle_context_desc desc = world_desc(&world);
  desc.plan_cache_bytes = 1u << 20;
  world_open_with(&world, &desc);
  const sporkle_conv2d_desc favourite = small_problem();
  Tensors t;
  tensors_make(&t, &favourite, 1);
  expect_ok(tensors_conv2d(&t, world.context, world.device));
  for (int i = 0; i < 300; ++i) {
    run_problems(&world, 1 + i % 3, 1u << 20);
    const uint64_t hits = world_stats(&world).plan_cache_hits;
    expect_ok(tensors_conv2d(&t, world.context, world.device));
    assert_int_equal(world_stats(&world).plan_cache_hits, hits + 1);
  }
  tensors_free(&t);
  world_close(&world);
}

// Smaller than any plan: nothing is kept, everything works.
static void tiny_limit(void **state) {
  (void)state;
  World world;
  sporkle_context_desc desc = world_desc(&world);
  desc.plan_cache_bytes = 1;
  world_open_with(&world, &desc);
  for (int i = 0; i < 3; ++i) world_check_usable(&world);
  const sporkle_stats s = world_stats(&world);
  assert_int_equal(s.plan_cache_bytes, 0);
  assert_int_equal(s.plan_cache_hits, 0);
  assert_int_equal(s.plan_cache_misses, 3);
  world_close(&world);
}

GROUP(group_cache, "cache", cmocka_unit_test(memory_stays_bounded),
      cmocka_unit_test(recently_used_plans_stay), cmocka_unit_test(tiny_limit))
