// Executor slots: life cycle, refusals, slots set aside.
#include <pthread.h>

#include "conformance/pipeline.h"
#include "support/job.h"

static void life_of_a_slot(void **state) {
  (void)state;
  Pipeline p;
  pipeline_open(&p, 0, true);  // 0: three slots
  for (int i = 0; i < 20; ++i) {
    sporkle_slot slot;
    const sporkle_fence fence = feed(&p, &slot);
    assert_true(slot.index < 3);
    assert_int_equal((uintptr_t)slot.input % 64, 0);
    assert_int_equal((uintptr_t)slot.output % 64, 0);
    assert_int_equal(slot.input_size, p.tensors.info.input_size);
    assert_int_equal(slot.residual_size, p.tensors.info.output_size);
    expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "fence", sporkle_fence_destroy(fence));
    expect_ok(sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE));
    check_slot(&p, &slot);
    expect_ok(sporkle_executor_release(p.executor, slot.index));
    expect_status(SPORKLE_ERROR_INVALID_HANDLE, sporkle_fence_poll(fence));
  }
  assert_int_equal(world_stats(&p.world).fences_now, 0);
  pipeline_close(&p);
}

static void all_slots_in_flight(void **state) {
  (void)state;
  Pipeline p;
  pipeline_open(&p, 256, false);
  static sporkle_slot slots[256];
  static sporkle_fence fences[256];
  for (int i = 0; i < 256; ++i) {
    fences[i] = feed(&p, &slots[i]);
    for (int j = 0; j < i; ++j) assert_true(slots[j].index != slots[i].index);
    assert_null(slots[i].residual);
  }
  sporkle_slot extra = SPORKLE_SLOT_INIT;
  expect_status(SPORKLE_TIMEOUT, sporkle_executor_acquire(p.executor, 0, &extra));
  expect_status(SPORKLE_TIMEOUT, sporkle_executor_acquire(p.executor, 1000000, &extra));
  expect_ok(sporkle_fence_wait_all(fences, 256, SPORKLE_TIMEOUT_INFINITE));
  for (int i = 0; i < 256; i += 17) check_slot(&p, &slots[i]);
  for (int i = 0; i < 256; ++i) expect_ok(sporkle_executor_release(p.executor, slots[i].index));
  pipeline_close(&p);
}

static void refusals(void **state) {
  (void)state;
  Pipeline p;
  pipeline_open(&p, 2, false);
  const sporkle_status invalid = SPORKLE_ERROR_INVALID_ARGUMENT;
  sporkle_fence fence = (sporkle_fence)(uintptr_t)1;
  expect_refused(invalid, "slot", sporkle_executor_submit(p.executor, 0, p.plan, &fence));
  assert_null(fence);
  expect_refused(invalid, "slot", sporkle_executor_submit(p.executor, 2, p.plan, &fence));
  expect_refused(invalid, "slot", sporkle_executor_release(p.executor, 0));
  expect_refused(invalid, "slot", sporkle_executor_release(p.executor, UINT32_MAX));
  expect_refused(invalid, "out_slot", sporkle_executor_acquire(p.executor, 0, NULL));
  sporkle_slot slot;
  fence = feed(&p, &slot);
  sporkle_fence second = NULL;
  expect_refused(SPORKLE_ERROR_BUSY, "slot",
                 sporkle_executor_submit(p.executor, slot.index, p.plan, &second));
  expect_ok(sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE));
  check_slot(&p, &slot);
  expect_ok(sporkle_executor_release(p.executor, slot.index));
  expect_refused(invalid, "slot", sporkle_executor_release(p.executor, slot.index));
  expect_ok(sporkle_executor_acquire(p.executor, 0, &slot));
  expect_refused(invalid, "out_fence",
                 sporkle_executor_submit(p.executor, slot.index, p.plan, NULL));
  expect_ok(sporkle_executor_release(p.executor, slot.index));
  pipeline_close(&p);
}

static void plan_must_fit(void **state) {
  (void)state;
  Pipeline p;
  pipeline_open(&p, 1, false);
  sporkle_conv2d_desc larger = small_problem();
  larger.h += 1;
  Job big;
  job_prepare(&big, &p.world, &larger, 1);
  sporkle_slot slot = SPORKLE_SLOT_INIT;
  expect_ok(sporkle_executor_acquire(p.executor, 0, &slot));
  sporkle_fence fence = NULL;
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "plan",
                 sporkle_executor_submit(p.executor, slot.index, big.plan, &fence));
  uint32_t other = 0;
  expect_ok(sporkle_device_find(p.world.context, test_device_is("null") ? "cpu" : "null", &other));
  sporkle_plan foreign = NULL;
  expect_ok(sporkle_plan_create(p.world.context, other, &p.tensors.desc, p.tensors.weights,
                                p.tensors.bias, &foreign));
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "plan",
                 sporkle_executor_submit(p.executor, slot.index, foreign, &fence));
  expect_ok(sporkle_executor_submit(p.executor, slot.index, p.plan, &fence));
  expect_ok(sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE));
  expect_ok(sporkle_executor_release(p.executor, slot.index));
  job_free(&big);
  pipeline_close(&p);
}

static void create_refusals(void **state) {
  (void)state;
  World world;
  world_open(&world);
  sporkle_executor executor = (sporkle_executor)(uintptr_t)1;
  const sporkle_context c = world.context;
  sporkle_executor_desc desc;
  memset(&desc, 0xff, sizeof desc);
  sporkle_executor_desc_init(&desc);
  const sporkle_executor_desc macro = SPORKLE_EXECUTOR_DESC_INIT;
  assert_memory_equal(&desc, &macro, sizeof desc);
  sporkle_executor_desc_init(NULL);
  const sporkle_status invalid = SPORKLE_ERROR_INVALID_ARGUMENT;
  desc.device = world.device;
  expect_refused(invalid, "desc.input_size", sporkle_executor_create(c, &desc, &executor));
  assert_null(executor);
  desc.input_size = 64;
  expect_refused(invalid, "desc.output_size", sporkle_executor_create(c, &desc, &executor));
  desc.output_size = 64;
  desc.slot_count = 257;
  expect_refused(invalid, "desc.slot_count", sporkle_executor_create(c, &desc, &executor));
  desc.slot_count = 1;
  desc.device = 77;
  expect_refused(invalid, "desc.device", sporkle_executor_create(c, &desc, &executor));
  desc.device = world.device;
  desc.retries = 9;
  expect_refused(invalid, "desc.retries", sporkle_executor_create(c, &desc, &executor));
  desc.retries = 0;
  expect_refused(invalid, "desc", sporkle_executor_create(c, NULL, &executor));
  expect_refused(invalid, "out_executor", sporkle_executor_create(c, &desc, NULL));
  desc.input_size = UINT64_MAX;
  assert_true(sporkle_executor_create(c, &desc, &executor) < 0);
  assert_null(executor);
  world_close(&world);
}

static void pending_slot_is_set_aside(void **state) {
  (void)state;
  if (!test_device_is("null")) skip();
  Pipeline p;
  pipeline_open(&p, 2, false);
  world_null(&p.world, SPORKLE_NULL_CLOCK_MANUAL, 0, 0);
  sporkle_slot first, second, third = SPORKLE_SLOT_INIT;
  feed(&p, &first);
  expect_ok(sporkle_executor_release(p.executor, first.index));
  assert_int_equal(world_stats(&p.world).slots_set_aside, 1);
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "slot",
                 sporkle_executor_release(p.executor, first.index));
  // The other slot goes on working.
  const sporkle_fence fence = feed(&p, &second);
  assert_true(second.index != first.index);
  expect_status(SPORKLE_TIMEOUT, sporkle_executor_acquire(p.executor, 1000000, &third));
  world_null(&p.world, SPORKLE_NULL_ADVANCE, 1000, 0);  // the first one ends
  expect_status(SPORKLE_NOT_READY, sporkle_fence_poll(fence));
  expect_ok(sporkle_executor_acquire(p.executor, 0, &third));
  assert_int_equal(third.index, first.index);
  world_null(&p.world, SPORKLE_NULL_ADVANCE, 1000, 0);
  expect_ok(sporkle_fence_poll(fence));
  check_slot(&p, &second);
  pipeline_close(&p);
}

typedef struct Helper {
  Pipeline *pipeline;
  uint32_t index;
} Helper;

static void *release_later(void *argument) {
  Helper *helper = argument;
  sleep_ms(20);
  sporkle_executor_release(helper->pipeline->executor, helper->index);
  return NULL;
}

static void acquire_waits_for_a_release(void **state) {
  (void)state;
  Pipeline p;
  pipeline_open(&p, 1, false);
  sporkle_slot slot = SPORKLE_SLOT_INIT;
  for (int i = 0; i < 3; ++i) {
    expect_ok(sporkle_executor_acquire(p.executor, SPORKLE_TIMEOUT_INFINITE, &slot));
    Helper helper = {&p, slot.index};
    pthread_t thread;
    pthread_create(&thread, NULL, release_later, &helper);
    expect_ok(sporkle_executor_acquire(p.executor, SPORKLE_TIMEOUT_INFINITE, &slot));
    pthread_join(thread, NULL);
    expect_ok(sporkle_executor_release(p.executor, slot.index));
  }
  pipeline_close(&p);
}

GROUP(group_executor, "executor", cmocka_unit_test(life_of_a_slot),
      cmocka_unit_test(all_slots_in_flight), cmocka_unit_test(refusals),
      cmocka_unit_test(plan_must_fit), cmocka_unit_test(create_refusals),
      cmocka_unit_test(pending_slot_is_set_aside), cmocka_unit_test(acquire_waits_for_a_release))
