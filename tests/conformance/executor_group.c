// Executors: groups, what they report, operations run again after a loss.
#include "conformance/pipeline.h"
#include "support/deadlines.h"

enum { most = 256 };

static sporkle_slot slots[most];
static uint32_t indices[most];
static sporkle_plan plans[most];
static sporkle_fence fences[most];

static void fill_group(Pipeline *p, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    pipeline_fill(p, &slots[i]);
    indices[i] = slots[i].index;
    plans[i] = p->plan;
    fences[i] = (sporkle_fence)(uintptr_t)1;
  }
}

static sporkle_status submit_group(Pipeline *p, uint32_t count) {
  return sporkle_executor_submit_many(p->executor, indices, plans, count, fences);
}

static void finish_group(Pipeline *p, uint32_t count, uint32_t step) {
  expect_ok(sporkle_fence_wait_all(fences, count, SPORKLE_TIMEOUT_INFINITE));
  for (uint32_t i = 0; i < count; i += step) check_slot(p, &slots[i]);
  for (uint32_t i = 0; i < count; ++i) {
    expect_ok(sporkle_executor_release(p->executor, slots[i].index));
  }
}

static void many_in_one_call(void **state) {
  (void)state;
  Pipeline p;
  pipeline_open(&p, most, false);
  static const uint32_t counts[] = {1, 2, 7, most};
  uint64_t sum = 0;
  for (size_t i = 0; i < COUNT_OF(counts); ++i) {
    fill_group(&p, counts[i]);
    expect_ok(submit_group(&p, counts[i]));
    finish_group(&p, counts[i], 17);
    sum += counts[i];
    assert_int_equal(world_stats(&p.world).submits, sum);
  }
  const sporkle_executor_info info = pipeline_info(&p);
  assert_int_equal(info.slots, most);
  assert_int_equal(info.slots_free, most);
  assert_int_equal(info.device, p.world.device);
  assert_int_equal(info.submitted, sum);
  assert_int_equal(info.ended, sum);
  assert_int_equal(info.failed, 0);
  assert_int_equal(info.retried, 0);
  assert_true(info.busy_ns > 0);
  assert_true(info.utilisation > 0 && info.utilisation <= 1);
  pipeline_close(&p);
}

// One bad element: nothing has been submitted, and the group goes when it is mended.
static void all_or_nothing(void **state) {
  (void)state;
  Pipeline p;
  pipeline_open(&p, 4, false);
  fill_group(&p, 3);
  const sporkle_status invalid = SPORKLE_ERROR_INVALID_ARGUMENT;
  const uint32_t good = indices[2];
  indices[2] = 4;
  expect_refused(invalid, "slots[2]",
                 sporkle_executor_submit_many(p.executor, indices, plans, 3, fences));
  for (int i = 0; i < 3; ++i) assert_null(fences[i]);
  for (indices[2] = 0; indices[2] < 4; ++indices[2]) {
    if (indices[2] != indices[0] && indices[2] != indices[1] && indices[2] != good) break;
  }
  expect_refused(invalid, "slots[2]",
                 sporkle_executor_submit_many(p.executor, indices, plans, 3, fences));  // not acquired
  indices[2] = indices[0];
  expect_refused(SPORKLE_ERROR_BUSY, "slots[2]",
                 sporkle_executor_submit_many(p.executor, indices, plans, 3, fences));  // twice
  indices[2] = good;
  plans[1] = NULL;
  expect_refused(SPORKLE_ERROR_INVALID_HANDLE, "plans[1]",
                 sporkle_executor_submit_many(p.executor, indices, plans, 3, fences));
  uint32_t other = 0;
  expect_ok(sporkle_device_find(p.world.context, test_device_is("null") ? "cpu" : "null", &other));
  expect_ok(sporkle_plan_create(p.world.context, other, &p.tensors.desc, p.tensors.weights,
                                p.tensors.bias, &plans[1]));
  expect_refused(invalid, "plans[1]",
                 sporkle_executor_submit_many(p.executor, indices, plans, 3, fences));
  plans[1] = p.plan;
  expect_refused(invalid, "count",
                 sporkle_executor_submit_many(p.executor, indices, plans, 0, fences));
  expect_refused(invalid, "count",
                 sporkle_executor_submit_many(p.executor, indices, plans, most + 1, fences));
  expect_refused(invalid, "slots", sporkle_executor_submit_many(p.executor, NULL, plans, 3, fences));
  expect_refused(invalid, "plans", sporkle_executor_submit_many(p.executor, indices, NULL, 3, fences));
  expect_refused(invalid, "out_fences",
                 sporkle_executor_submit_many(p.executor, indices, plans, 3, NULL));
  expect_refused(invalid, "out_info", sporkle_executor_describe(p.executor, NULL));
  assert_int_equal(pipeline_info(&p).submitted, 0);
  assert_int_equal(world_stats(&p.world).submits, 0);
  expect_ok(submit_group(&p, 3));
  sporkle_fence second = NULL;
  const sporkle_fence pending = fences[1];
  expect_refused(SPORKLE_ERROR_BUSY, "slots[0]",
                 sporkle_executor_submit_many(p.executor, &indices[1], plans, 1, &second));
  fences[1] = pending;
  finish_group(&p, 3, 1);
  pipeline_close(&p);
}

// A full queue takes a whole group or nothing of it.
static void full_queue(void **state) {
  (void)state;
  if (!test_device_is("null")) skip();
  Pipeline p;
  pipeline_open(&p, most, false);
  world_null(&p.world, SPORKLE_NULL_CLOCK_MANUAL, 0, 0);
  fill_group(&p, most);
  // 384 operations fit: a second executor leaves no room for all.
  Pipeline q = p;
  sporkle_executor_desc desc = SPORKLE_EXECUTOR_DESC_INIT;
  desc.device = p.world.device;
  desc.slot_count = 200;
  desc.input_size = p.tensors.info.input_size;
  desc.output_size = p.tensors.info.output_size;
  expect_ok(sporkle_executor_create(p.world.context, &desc, &q.executor));
  for (uint32_t i = 0; i < 200; ++i) {
    sporkle_slot slot;
    feed(&q, &slot);
  }
  expect_status(SPORKLE_ERROR_POOL_EXHAUSTED, submit_group(&p, most));
  for (int i = 0; i < most; ++i) assert_null(fences[i]);
  assert_int_equal(pipeline_info(&p).submitted, 0);
  world_null(&p.world, SPORKLE_NULL_CLOCK_AUTO, 0, 0);
  expect_ok(sporkle_executor_destroy(q.executor));
  expect_ok(submit_group(&p, most));
  finish_group(&p, most, 40);
  pipeline_close(&p);
}

// A warm group costs nothing from the allocator, no copy by the CPU and no mapping.
static void warm_groups(void **state) {
  (void)state;
  enum { count = 5, warm = 20, rounds = 60 };
  Pipeline p;
  pipeline_open(&p, count, false);
  sporkle_stats before = world_stats(&p.world);
  long long allocations = 0;
  for (int i = 0; i < rounds; ++i) {
    if (i == warm) {
      before = world_stats(&p.world);
      allocations = p.world.allocator.allocations;
    }
    fill_group(&p, count);
    expect_ok(submit_group(&p, count));
    finish_group(&p, count, count);
  }
  const sporkle_stats after = world_stats(&p.world);
  assert_int_equal(after.submits - before.submits, (rounds - warm) * count);
  // The null device's queue is a std::deque, which takes a block now and then.
  if (!test_device_is("null")) assert_int_equal(p.world.allocator.allocations, allocations);
  assert_int_equal(after.map_calls, before.map_calls);
  assert_int_equal(after.mapped_bytes, before.mapped_bytes);
  if (!pipeline_is_staged(&p)) assert_int_equal(after.cpu_copied_bytes, before.cpu_copied_bytes);
  pipeline_close(&p);
}

// Loads of known utilisation on the virtual clock: `busy` of every `period` ns.
static void expect_utilisation(uint64_t busy, uint64_t period) {
  Pipeline p;
  pipeline_open(&p, 4, false);
  world_null(&p.world, SPORKLE_NULL_CLOCK_MANUAL, 0, 0);
  world_null(&p.world, SPORKLE_NULL_OP_TIME, busy, 0);
  const sporkle_executor_info before = pipeline_info(&p);
  enum { rounds = 10 };
  for (int i = 0; i < rounds; ++i) {
    sporkle_slot slot;
    const sporkle_fence fence = feed(&p, &slot);
    const sporkle_executor_info during = pipeline_info(&p);
    assert_int_equal(during.slots_in_flight, 1);
    assert_int_equal(during.slots_free, 3);
    world_null(&p.world, SPORKLE_NULL_ADVANCE, busy, 0);
    expect_ok(sporkle_fence_poll(fence));
    if (period > busy) world_null(&p.world, SPORKLE_NULL_ADVANCE, period - busy, 0);
    expect_ok(sporkle_executor_release(p.executor, slot.index));
  }
  const sporkle_executor_info after = pipeline_info(&p);
  assert_int_equal(after.busy_ns - before.busy_ns, rounds * busy);
  assert_int_equal(after.wall_ns - before.wall_ns, rounds * period);
  assert_int_equal(after.idle_ns - before.idle_ns, rounds * (period - busy));
  const double expected = (double)busy / (double)period;
  assert_true(after.utilisation > expected - 1e-9 && after.utilisation < expected + 1e-9);
  pipeline_close(&p);
}

static void utilisation_of_known_loads(void **state) {
  (void)state;
  if (!test_device_is("null")) skip();
  expect_utilisation(1000000, 1000000);
  expect_utilisation(1000000, 4000000);
  expect_utilisation(25000, 1000000);
}

// On real clocks: work takes part of the time, pauses none.
static void busy_and_idle(void **state) {
  (void)state;
  if (test_device_is("null")) skip();
  Pipeline p;
  pipeline_open(&p, 2, false);
  for (int i = 0; i < 10; ++i) {
    sporkle_slot slot;
    expect_ok(sporkle_fence_wait(feed(&p, &slot), SPORKLE_TIMEOUT_INFINITE));
    expect_ok(sporkle_executor_release(p.executor, slot.index));
  }
  const sporkle_executor_info before = pipeline_info(&p);
  sleep_ms(50);
  const sporkle_executor_info after = pipeline_info(&p);
  assert_true(before.busy_ns > 0 && before.busy_ns <= before.wall_ns);
  assert_int_equal(after.busy_ns, before.busy_ns);
  assert_true(after.idle_ns - before.idle_ns >= 50000000);
  assert_true(after.utilisation < before.utilisation);
  assert_int_equal(after.busy_ns + after.idle_ns, after.wall_ns);
  pipeline_close(&p);
}

// The load is known by the caller's clock: a group's work lies between its submission and
// its last fence, and takes most of that; then nothing for as long.
static void utilisation_of_measured_loads(void **state) {
  (void)state;
  if (test_device_is("null")) skip();
  enum { count = 64, rounds = 6 };
  Pipeline p;
  pipeline_open(&p, count, false);
  double best = 0;
  uint64_t shortest = UINT64_MAX;
  for (int i = 0; i < rounds; ++i) {
    fill_group(&p, count);
    const sporkle_executor_info before = pipeline_info(&p);
    const uint64_t start = deadline_clock_ns();
    expect_ok(submit_group(&p, count));
    expect_ok(sporkle_fence_wait_all(fences, count, SPORKLE_TIMEOUT_INFINITE));
    const uint64_t load = deadline_clock_ns() - start;
    if (load < shortest) shortest = load;
    sleep_ms((unsigned)(load / 1000000 + 1));
    const sporkle_executor_info after = pipeline_info(&p);
    const uint64_t busy = after.busy_ns - before.busy_ns, wall = after.wall_ns - before.wall_ns;
    assert_true(busy <= load);
    assert_int_equal(busy + (after.idle_ns - before.idle_ns), wall);
    assert_true((double)busy <= 0.55 * (double)wall);
    if ((double)busy / (double)load > best) best = (double)busy / (double)load;
    finish_group(&p, count, count);
  }
  // The first group of a device may translate, and a loaded machine may look late. Of
  // operations of microseconds most of the load is their submission.
  assert_true(best >= (shortest >= count * 50000 ? 0.3 : 0.01));
  pipeline_close(&p);
}

// A slot whose work does not end is reported until it has.
static void quarantine_is_reported(void **state) {
  (void)state;
  if (!test_device_is("null")) skip();
  Pipeline p;
  pipeline_open(&p, 2, false);
  world_null(&p.world, SPORKLE_NULL_CLOCK_MANUAL, 0, 0);
  sporkle_slot slot;
  const sporkle_fence fence = feed(&p, &slot);
  expect_status(SPORKLE_TIMEOUT, sporkle_fence_wait(fence, 1000000));
  expect_ok(sporkle_executor_release(p.executor, slot.index));
  sporkle_executor_info info = pipeline_info(&p);
  assert_int_equal(info.slots_aside, 1);
  assert_int_equal(info.slots_free, 1);
  assert_int_equal(info.slots_in_flight, 0);
  assert_int_equal(info.ended, 0);
  world_null(&p.world, SPORKLE_NULL_ADVANCE, 1000, 0);
  info = pipeline_info(&p);
  assert_int_equal(info.slots_aside, 0);
  assert_int_equal(info.slots_free, 2);
  assert_int_equal(info.ended, 1);
  pipeline_close(&p);
}

// Operations 1 and 2 of three are lost with the device, in flight together.
static void lose_two_of_three(Pipeline *p, uint32_t retries) {
  pipeline_open_retrying(p, 3, retries);
  world_null(&p->world, SPORKLE_NULL_CLOCK_MANUAL, 0, 0);
  world_null(&p->world, SPORKLE_NULL_RESET, 1, 0);
  fill_group(p, 3);
  expect_ok(submit_group(p, 3));
  world_null(&p->world, SPORKLE_NULL_ADVANCE, 10000, 0);
}

static void lost_without_retries(void **state) {
  (void)state;
  if (!test_device_is("null")) skip();
  Pipeline p;
  lose_two_of_three(&p, 0);
  expect_ok(sporkle_fence_poll(fences[0]));
  for (int i = 1; i < 3; ++i) {
    expect_status(SPORKLE_ERROR_DEVICE_LOST, sporkle_fence_poll(fences[i]));
  }
  assert_int_equal(pipeline_info(&p).failed, 2);
  assert_int_equal(world_stats(&p.world).submit_failures, 2);
  pipeline_close(&p);
}

static void lost_and_run_again(void **state) {
  (void)state;
  if (!test_device_is("null")) skip();
  for (uint32_t retries = 1; retries <= 3; ++retries) {
    Pipeline p;
    lose_two_of_three(&p, retries);
    expect_ok(sporkle_fence_wait_all(fences, 3, 20000000000u));
    for (int i = 0; i < 3; ++i) check_slot(&p, &slots[i]);
    const sporkle_stats stats = world_stats(&p.world);
    assert_int_equal(stats.submit_failures, 0);
    assert_int_equal(stats.device_resets, 1);
    assert_int_equal(stats.fallbacks, 2);
    const sporkle_executor_info info = pipeline_info(&p);
    assert_int_equal(info.ended, 3);
    assert_int_equal(info.failed, 0);
    // The device stays lost: every run but the last is in vain.
    assert_int_equal(info.retried, 2 * retries);
    pipeline_close(&p);
  }
}

// A failure of the operation alone is its own fault: it is not run again.
static void failed_alone(void **state) {
  (void)state;
  if (!test_device_is("null")) skip();
  Pipeline p;
  pipeline_open_retrying(&p, 1, 8);
  world_null(&p.world, SPORKLE_NULL_FAIL, 0, 1);
  sporkle_slot slot;
  const sporkle_fence fence = feed(&p, &slot);
  expect_status(SPORKLE_ERROR_OPERATION_FAILED, sporkle_fence_wait(fence, 20000000000u));
  assert_int_equal(pipeline_info(&p).failed, 1);
  assert_int_equal(pipeline_info(&p).retried, 0);
  pipeline_close(&p);
}

// Everything goes while operations wait to be run again.
static void destroyed_meanwhile(void **state) {
  (void)state;
  if (!test_device_is("null")) skip();
  for (int i = 0; i < 6; ++i) {
    Pipeline p;
    lose_two_of_three(&p, 2);
    if (i % 3 == 0) expect_ok(sporkle_plan_destroy(p.plan));
    if (i % 3 == 1) {
      for (int k = 0; k < 3; ++k) sporkle_executor_release(p.executor, slots[k].index);
    }
    if (i < 3) expect_ok(sporkle_executor_destroy(p.executor));
    tensors_free(&p.tensors);
    world_close(&p.world);
  }
}

GROUP(group_executor_group, "executor_group", cmocka_unit_test(many_in_one_call),
      cmocka_unit_test(all_or_nothing), cmocka_unit_test(full_queue), cmocka_unit_test(warm_groups),
      cmocka_unit_test(utilisation_of_known_loads), cmocka_unit_test(busy_and_idle),
      cmocka_unit_test(utilisation_of_measured_loads),
      cmocka_unit_test(quarantine_is_reported), cmocka_unit_test(lost_without_retries),
      cmocka_unit_test(lost_and_run_again), cmocka_unit_test(failed_alone),
      cmocka_unit_test(destroyed_meanwhile))
