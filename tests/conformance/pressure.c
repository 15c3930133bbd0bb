// Memory under pressure: random sizes and lifetimes, many small buffers, sizes
// that nobody has, several contexts at once, while work goes on.
#include <pthread.h>
#include <stdlib.h>

#include "conformance/conformance.h"
#include "support/job.h"

enum { most = 600, steps = 6000 };
static const uint64_t enough_live = UINT64_C(64) << 20;
static const uint64_t idle_most = UINT64_C(16) << 20, pinned_most = UINT64_C(8) << 20;

typedef struct Held {
  sporkle_buffer buffer;
  uint64_t size;
  uint32_t mark;
} Held;

static uint32_t next_random(uint32_t *seed, uint32_t below) {
  *seed = *seed * 1664525u + 1013904223u;
  return (uint32_t)(((uint64_t)(*seed >> 8) * below) >> 24);
}

// Mostly small, some of a megabyte: 1 byte to 1 MiB.
static uint64_t random_size(uint32_t *seed) {
  const uint32_t octave = next_random(seed, 21);
  return (UINT64_C(1) << octave) + next_random(seed, 1u << octave);
}

static sporkle_status make(const World *world, uint64_t size, sporkle_buffer *out) {
  sporkle_buffer_desc desc = SPORKLE_BUFFER_DESC_INIT;
  desc.device = world->device;
  desc.size = size;
  return sporkle_buffer_create(world->context, &desc, out);
}

// The first and the last bytes carry a mark that nobody else has.
static void write_mark(const Held *held) {
  void *data = NULL;
  expect_ok(sporkle_buffer_data(held->buffer, &data));
  assert_int_equal((uintptr_t)data % 64, 0);
  const uint64_t bytes = held->size < sizeof held->mark ? held->size : sizeof held->mark;
  memcpy((char *)data + held->size - bytes, &held->mark, bytes);
  memcpy(data, &held->mark, bytes);
}

static void check_mark(const Held *held) {
  void *data = NULL;
  expect_ok(sporkle_buffer_data(held->buffer, &data));
  const uint64_t bytes = held->size < sizeof held->mark ? held->size : sizeof held->mark;
  if (held->size >= 2 * sizeof held->mark) {
    assert_memory_equal((char *)data + held->size - bytes, &held->mark, bytes);
  }
  assert_memory_equal(data, &held->mark, bytes);
}

static void let_go(Held *held) {
  check_mark(held);
  expect_ok(sporkle_buffer_destroy(held->buffer));
}

// What is mapped never exceeds twice what lives, once that is worth counting.
static double mapped_ratio(World *world) {
  const sporkle_stats s = world_stats(world);
  if (s.buffer_bytes < enough_live) return 0;
  return (double)s.mapped_bytes / (double)s.buffer_bytes;
}

static void random_lifetimes(void **state) {
  (void)state;
  World world;
  world_open(&world);
  static Held held[most];
  uint32_t seed = 11, count = 0;
  double worst = 0;
  for (uint32_t step = 0; step < steps; ++step) {
    // Waves: the number of live buffers rises and falls.
    const uint32_t target = most - 1 - (step / 200 % 4) * 100;
    if (count < target) {
      Held *one = &held[count];
      one->size = random_size(&seed);
      one->mark = step * 2654435761u + 1;
      expect_ok(make(&world, one->size, &one->buffer));
      write_mark(one);
      ++count;
    }
    if (count >= target && count > 0) {
      const uint32_t victim = next_random(&seed, count);
      let_go(&held[victim]);
      held[victim] = held[--count];
    }
    const double ratio = mapped_ratio(&world);
    if (ratio > worst) worst = ratio;
    if (step % 1000 == 999) world_check_usable(&world);
  }
  print_message("mapped at most %.2f x live\n", worst);
  expect_true(worst < 2.0, "%.2f", worst);
  while (count > 0) let_go(&held[--count]);
  assert_int_equal(world_stats(&world).buffer_bytes, 0);
  world_check_usable(&world);
  world_close(&world);
}

// Devices let go of storage behind the caller. Sizes are rounded, and the last ones of a
// shared object keep it.
static void settles(World *world) {
  sporkle_stats s = world_stats(world);
  for (int tries = 0; tries < 5000; ++tries) {
    const uint64_t half = s.buffer_bytes / 2;
    const uint64_t kept = (half > idle_most ? half : idle_most) + s.buffer_bytes / 8;
    if (s.mapped_bytes <= s.buffer_bytes + kept + pinned_most) return;
    sleep_ms(1);
    s = world_stats(world);
  }
  expect_true(false, "%llu mapped, %llu alive", (unsigned long long)s.mapped_bytes,
              (unsigned long long)s.buffer_bytes);
}

/* Storage that nobody uses goes back also when little is left alive: the pool keeps half of
 * what lives, or 16 MiB. */
static void few_alive_keep_little(void **state) {
  (void)state;
  World world;
  world_open(&world);
  static Held held[most];
  uint32_t seed = 5;
  for (int round = 0; round < 2; ++round) {
    uint32_t count = 0;
    for (; count < 200; ++count) {
      held[count].size = 4096 + (uint64_t)next_random(&seed, 256) * 4096;
      held[count].mark = count + 1;
      expect_ok(make(&world, held[count].size, &held[count].buffer));
      write_mark(&held[count]);
    }
    while (count > 2) {
      const uint32_t victim = next_random(&seed, count);
      let_go(&held[victim]);
      held[victim] = held[--count];
      if (count % 20 == 2) settles(&world);
    }
    while (count > 0) let_go(&held[--count]);
    settles(&world);
  }
  world_check_usable(&world);
  world_close(&world);
}

// What came back last stays for its likely successor, unless twice of what lives would be
// exceeded.
static void a_large_one_does_not_stay(void **state) {
  (void)state;
  enum { alive = 4 };
  static const uint64_t mib = 1u << 20;
  World world;
  world_open(&world);
  sporkle_buffer held[alive], large[2];
  for (int i = 0; i < alive; ++i) expect_ok(make(&world, 5 * mib, &held[i]));
  expect_ok(make(&world, 15 * mib, &large[0]));
  expect_ok(make(&world, 31 * mib, &large[1]));
  for (int i = 0; i < 2; ++i) expect_ok(sporkle_buffer_destroy(large[i]));
  sporkle_stats s = world_stats(&world);
  for (int tries = 0; tries < 5000 && s.mapped_bytes > 2 * s.buffer_bytes; ++tries) {
    sleep_ms(1);
    s = world_stats(&world);
  }
  expect_true(s.mapped_bytes <= 2 * s.buffer_bytes, "%llu", (unsigned long long)s.mapped_bytes);
  for (int i = 0; i < alive; ++i) expect_ok(sporkle_buffer_destroy(held[i]));
  world_close(&world);
}

static void many_small_few_mappings(void **state) {
  (void)state;
  World world;
  world_open(&world);
  enum { many = 4000 };
  static Held held[many];
  for (uint32_t i = 0; i < many; ++i) {
    held[i].size = 1 + i % 5000;
    held[i].mark = i + 1;
    expect_ok(make(&world, held[i].size, &held[i].buffer));
    write_mark(&held[i]);
  }
  // About 10 MB in blocks of 1 to 4 MiB.
  assert_in_range(world_stats(&world).map_calls, 0, 16);
  for (uint32_t i = 0; i < many; ++i) let_go(&held[i]);
  world_close(&world);
}

static void storage_is_used_again(void **state) {
  (void)state;
  World world;
  world_open(&world);
  static const uint64_t sizes[] = {100, 70000, 3 << 20, 20 << 20};
  for (size_t i = 0; i < COUNT_OF(sizes); ++i) {
    uint64_t after_first = 0;
    for (int round = 0; round < 20; ++round) {
      Held held = {NULL, sizes[i], 77};
      expect_ok(make(&world, held.size, &held.buffer));
      write_mark(&held);
      let_go(&held);
      if (round == 0) after_first = world_stats(&world).map_calls;
    }
    assert_int_equal(world_stats(&world).map_calls, after_first);
  }
  world_close(&world);
}

static void too_much(void **state) {
  (void)state;
  World world;
  world_open(&world);
  const sporkle_conv2d_desc desc = small_problem();
  Job job;
  job_prepare(&job, &world, &desc, 3);
  for (int round = 0; round < 5; ++round) {
    sporkle_buffer buffer = NULL;
    const sporkle_status status = make(&world, UINT64_C(1) << (44 + round), &buffer);
    expect_true(status == SPORKLE_ERROR_OUT_OF_MEMORY || status == SPORKLE_ERROR_OVERFLOW, "%s",
                sporkle_status_name(status));
    assert_null(buffer);
    job_clear(&job);
    job_submit(&job);
    expect_ok(sporkle_fence_wait(job.fence, SPORKLE_TIMEOUT_INFINITE));
    job_check(&job);
    expect_ok(sporkle_fence_destroy(job.fence));
    job.fence = NULL;
  }
  job_free(&job);
  world_close(&world);
}

enum { contexts = 3, turns = 12 };

typedef struct Tenant {
  pthread_t thread;
  uint32_t seed;
  World world;
} Tenant;

// A context of its own: buffers come and go between operations.
static void *live_here(void *argument) {
  Tenant *tenant = argument;
  world_open(&tenant->world);
  const sporkle_conv2d_desc desc = small_problem();
  for (int turn = 0; turn < turns; ++turn) {
    Held held[16];
    for (size_t i = 0; i < COUNT_OF(held); ++i) {
      held[i].size = random_size(&tenant->seed);
      held[i].mark = tenant->seed;
      expect_ok(make(&tenant->world, held[i].size, &held[i].buffer));
      write_mark(&held[i]);
    }
    Job job;
    job_prepare(&job, &tenant->world, &desc, tenant->seed);
    job_submit(&job);
    for (size_t i = 0; i < COUNT_OF(held); i += 2) let_go(&held[i]);
    expect_ok(sporkle_fence_wait(job.fence, SPORKLE_TIMEOUT_INFINITE));
    job_check(&job);
    for (size_t i = 1; i < COUNT_OF(held); i += 2) let_go(&held[i]);
    job_free(&job);
  }
  return NULL;
}

static void several_contexts(void **state) {
  (void)state;
  static Tenant tenants[contexts];
  for (uint32_t i = 0; i < contexts; ++i) {
    tenants[i].seed = 100 + i;
    assert_int_equal(pthread_create(&tenants[i].thread, NULL, live_here, &tenants[i]), 0);
  }
  for (uint32_t i = 0; i < contexts; ++i) {
    pthread_join(tenants[i].thread, NULL);
    world_close(&tenants[i].world);
  }
}

static void without_cpu_use(void **state) {
  (void)state;
  World world;
  world_open(&world);
  sporkle_buffer_desc desc = SPORKLE_BUFFER_DESC_INIT;
  desc.device = world.device;
  desc.size = 4096;
  desc.usage = SPORKLE_BUFFER_DEVICE_READ | SPORKLE_BUFFER_DEVICE_WRITE;
  sporkle_buffer buffer = NULL;
  expect_ok(sporkle_buffer_create(world.context, &desc, &buffer));
  sporkle_buffer_info info = SPORKLE_BUFFER_INFO_INIT;
  expect_ok(sporkle_buffer_describe(buffer, &info));
  assert_null(info.data);
  void *data = &desc;
  expect_ok(sporkle_buffer_data(buffer, &data));
  assert_null(data);
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "buffer", sporkle_buffer_flush(buffer, 0, 64));
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "buffer",
                 sporkle_buffer_invalidate(buffer, 0, 64));
  world_close(&world);
}

// The path of a warm pipeline: fill, submit, wait, read, release. Nothing is
// copied by the CPU, nothing is mapped, nothing comes from the allocator.
static void hot_path(void **state) {
  (void)state;
  World world;
  world_open(&world);
  const sporkle_conv2d_desc desc = small_problem();
  Job job;
  job_prepare(&job, &world, &desc, 21);
  sporkle_buffer_info info = SPORKLE_BUFFER_INFO_INIT;
  expect_ok(sporkle_buffer_describe(job.input, &info));
  sporkle_executor_desc wanted = SPORKLE_EXECUTOR_DESC_INIT;
  wanted.device = world.device;
  wanted.input_size = job.tensors.info.input_size;
  wanted.residual_size = job.tensors.residual ? job.tensors.info.output_size : 0;
  wanted.output_size = job.tensors.info.output_size;
  sporkle_executor executor = NULL;
  expect_ok(sporkle_executor_create(world.context, &wanted, &executor));
  sporkle_stats before = world_stats(&world);
  long long allocations = 0;
  for (int i = 0; i < 60; ++i) {
    if (i == 20) {
      before = world_stats(&world);
      allocations = world.allocator.allocations;
    }
    sporkle_slot slot = SPORKLE_SLOT_INIT;
    sporkle_fence fence = NULL;
    expect_ok(sporkle_executor_acquire(executor, SPORKLE_TIMEOUT_INFINITE, &slot));
    for (uint64_t j = 0; j < wanted.input_size / 4; ++j) slot.input[j] = job.tensors.input[j];
    expect_ok(sporkle_executor_submit(executor, slot.index, job.plan, &fence));
    expect_ok(sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE));
    expect_ok(sporkle_executor_release(executor, slot.index));
  }
  const sporkle_stats after = world_stats(&world);
  // The null device's queue is a std::deque, which takes a block now and then.
  if (!test_device_is("null")) assert_int_equal(world.allocator.allocations, allocations);
  assert_int_equal(after.map_calls, before.map_calls);
  assert_int_equal(after.mapped_bytes, before.mapped_bytes);
  if (info.placement != SPORKLE_PLACEMENT_STAGING) {
    assert_int_equal(after.cpu_copied_bytes, before.cpu_copied_bytes);
  }
  expect_ok(sporkle_executor_destroy(executor));
  job_free(&job);
  world_close(&world);
}

enum { ranges = 8, range_step = 4096 };

// One operation for each range of the output, all in flight at once.
static void submit_ranges(const Job *job, sporkle_buffer output) {
  sporkle_fence fences[ranges];
  sporkle_plan_bindings bindings = job_bindings(job);
  bindings.output.buffer = output;
  for (int i = 0; i < ranges; ++i) {
    bindings.output.offset = (uint64_t)i * range_step;
    expect_ok(sporkle_plan_submit(job->plan, &bindings, &fences[i]));
  }
  for (int i = 0; i < ranges; ++i) {
    expect_ok(sporkle_fence_wait(fences[i], SPORKLE_TIMEOUT_INFINITE));
    expect_ok(sporkle_fence_destroy(fences[i]));
  }
}

// A submission on buffers likewise, from the first on a buffer.
static void hot_path_on_buffers(void **state) {
  (void)state;
  World world;
  world_open(&world);
  const sporkle_conv2d_desc desc = small_problem();
  Job job;
  job_prepare(&job, &world, &desc, 22);
  assert_in_range(job.tensors.info.output_size, 1, range_step);
  sporkle_buffer outputs[2];
  for (int i = 0; i < 2; ++i) expect_ok(make(&world, ranges * range_step, &outputs[i]));
  for (int i = 0; i < 5; ++i) submit_ranges(&job, outputs[0]);
  const long long allocations = world.allocator.allocations;
  const sporkle_stats before = world_stats(&world);
  for (int i = 0; i < 5; ++i) submit_ranges(&job, outputs[1]);
  if (!test_device_is("null")) assert_int_equal(world.allocator.allocations, allocations);
  assert_int_equal(world_stats(&world).map_calls, before.map_calls);
  for (int i = 0; i < 2; ++i) expect_ok(sporkle_buffer_destroy(outputs[i]));
  job_free(&job);
  world_close(&world);
}

GROUP(group_pressure, "pressure", cmocka_unit_test(random_lifetimes),
      cmocka_unit_test(few_alive_keep_little), cmocka_unit_test(a_large_one_does_not_stay),
      cmocka_unit_test(many_small_few_mappings), cmocka_unit_test(storage_is_used_again),
      cmocka_unit_test(too_much), cmocka_unit_test(several_contexts),
      cmocka_unit_test(without_cpu_use), cmocka_unit_test(hot_path),
      cmocka_unit_test(hot_path_on_buffers))
