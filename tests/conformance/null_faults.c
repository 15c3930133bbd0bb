// Planned faults: an operation fails alone, the device hangs, is reset, or has
// no memory; what a program sees and how it goes on.
#include "conformance/conformance.h"
#include "support/job.h"

static void operations_fail_alone(void **state) {
  (void)state;
  World world;
  world_open(&world);
  const sporkle_conv2d_desc desc = small_problem();
  Job jobs[6];
  for (int i = 0; i < 6; ++i) job_prepare(&jobs[i], &world, &desc, (uint64_t)i);
  world_null(&world, SPORKLE_NULL_FAIL, 1, 2);
  world_null(&world, SPORKLE_NULL_FAIL, 4, 1);
  for (int i = 0; i < 6; ++i) job_submit(&jobs[i]);
  for (int i = 0; i < 6; ++i) {
    const bool fails = i == 1 || i == 2 || i == 4;
    expect_status(fails ? SPORKLE_ERROR_OPERATION_FAILED : SPORKLE_OK,
                  sporkle_fence_wait(jobs[i].fence, SPORKLE_TIMEOUT_INFINITE));
    if (fails) assert_true(job_untouched(&jobs[i]));
    if (!fails) job_check(&jobs[i]);
  }
  sporkle_fence all[6];
  for (int i = 0; i < 6; ++i) all[i] = jobs[i].fence;
  expect_status(SPORKLE_ERROR_OPERATION_FAILED, sporkle_fence_wait_all(all, 6, 0));
  uint32_t index = 99;
  expect_status(SPORKLE_ERROR_OPERATION_FAILED, sporkle_fence_wait_any(all + 1, 5, 0, &index));
  assert_int_equal(index, 0);
  for (int i = 0; i < 6; ++i) job_free(&jobs[i]);
  world_close(&world);
}

static void synchronous_operations_fail(void **state) {
  (void)state;
  World world;
  world_open(&world);
  const sporkle_conv2d_desc desc = small_problem();
  Tensors t;
  tensors_make(&t, &desc, 1);
  world_null(&world, SPORKLE_NULL_FAIL, 1, 1);
  for (int i = 0; i < 3; ++i) {
    tensors_clear_output(&t);
    const sporkle_status status = tensors_conv2d(&t, world.context, world.device);
    assert_int_equal(status, i == 1 ? SPORKLE_ERROR_OPERATION_FAILED : SPORKLE_OK);
    if (i == 1) assert_true(tensors_untouched(&t));
    if (i != 1) tensors_check(&t, t.output);
  }
  tensors_free(&t);
  world_close(&world);
}

static void hang_until_recovered(void **state) {
  (void)state;
  World world;
  world_open(&world);
  const sporkle_conv2d_desc desc = small_problem();
  Job jobs[3];
  for (int i = 0; i < 3; ++i) job_prepare(&jobs[i], &world, &desc, (uint64_t)i);
  world_null(&world, SPORKLE_NULL_HANG, 1, 0);
  for (int i = 0; i < 3; ++i) job_submit(&jobs[i]);
  expect_ok(sporkle_fence_wait(jobs[0].fence, SPORKLE_TIMEOUT_INFINITE));
  expect_status(SPORKLE_TIMEOUT, sporkle_fence_wait(jobs[1].fence, 20000000));
  expect_status(SPORKLE_NOT_READY, sporkle_fence_poll(jobs[2].fence));
  assert_true(job_untouched(&jobs[1]));
  world_null(&world, SPORKLE_NULL_RECOVER, 0, 0);
  for (int i = 1; i < 3; ++i) {
    expect_ok(sporkle_fence_wait(jobs[i].fence, SPORKLE_TIMEOUT_INFINITE));
    job_check(&jobs[i]);
  }
  for (int i = 0; i < 3; ++i) job_free(&jobs[i]);
  world_close(&world);
}

static void synchronous_call_gives_a_hung_device_up(void **state) {
  (void)state;
  World world;
  world_open(&world);
  const sporkle_conv2d_desc desc = small_problem();
  Tensors t;
  tensors_make(&t, &desc, 1);
  world_null(&world, SPORKLE_NULL_HANG, 0, 0);
  const uint64_t start = clock_ns();
  expect_status(SPORKLE_ERROR_DEVICE_LOST, tensors_conv2d(&t, world.context, world.device));
  const uint64_t took = clock_ns() - start;
  expect_true(took > 1900000000u && took < 4000000000u, "%llu ns", (unsigned long long)took);
  assert_true(tensors_untouched(&t));
  world_null(&world, SPORKLE_NULL_RECOVER, 0, 0);
  sporkle_fence fence = NULL;
  expect_ok(sporkle_fence_insert(world.context, world.device, NULL, &fence));
  expect_ok(sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE));
  // What was given up is not computed later either.
  assert_true(tensors_untouched(&t));
  expect_ok(sporkle_fence_destroy(fence));
  tensors_free(&t);
  world_check_usable(&world);
  world_close(&world);
}

// A pipeline over a lost device: lost work says so, the next work is computed
// by the CPU and counted, and the device is used again once it is back.
static void executor_survives_a_loss(void **state) {
  (void)state;
  World world;
  world_open(&world);
  const sporkle_conv2d_desc problem = small_problem();
  Tensors t;
  tensors_make(&t, &problem, 5);
  sporkle_executor_desc desc = SPORKLE_EXECUTOR_DESC_INIT;
  desc.device = world.device;
  desc.input_size = t.info.input_size;
  desc.output_size = t.info.output_size;
  sporkle_executor executor = NULL;
  expect_ok(sporkle_executor_create(world.context, &desc, &executor));
  sporkle_plan plan = NULL;
  expect_ok(sporkle_plan_create(world.context, world.device, &problem, t.weights, t.bias, &plan));
  world_null(&world, SPORKLE_NULL_RESET, 1, 0);
  sporkle_slot held = SPORKLE_SLOT_INIT;  // filled before the loss, submitted after it
  expect_ok(sporkle_executor_acquire(executor, 0, &held));
  memcpy(held.input, t.input, t.info.input_size);
  static const uint64_t fallbacks[] = {0, 0, 2, 3, 3};
  for (int i = 0; i < 5; ++i) {
    if (i == 4) world_null(&world, SPORKLE_NULL_RECOVER, 0, 0);
    sporkle_slot slot = SPORKLE_SLOT_INIT;
    expect_ok(sporkle_executor_acquire(executor, 0, &slot));
    memcpy(slot.input, t.input, t.info.input_size);
    sporkle_fence fence = NULL;
    expect_ok(sporkle_executor_submit(executor, slot.index, plan, &fence));
    expect_status(i == 1 ? SPORKLE_ERROR_DEVICE_LOST : SPORKLE_OK,
                  sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE));
    if (i != 1) tensors_check(&t, slot.output);
    expect_ok(sporkle_executor_release(executor, slot.index));
    if (i == 2) {
      expect_ok(sporkle_executor_submit(executor, held.index, plan, &fence));
      expect_ok(sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE));
      tensors_check(&t, held.output);
      expect_ok(sporkle_executor_release(executor, held.index));
    }
    assert_int_equal(world_stats(&world).fallbacks, fallbacks[i]);
  }
  expect_ok(sporkle_plan_destroy(plan));
  expect_ok(sporkle_executor_destroy(executor));
  tensors_free(&t);
  world_close(&world);
}

// Slots whose work hangs are set aside, are not given out again, hold nobody up for
// longer than asked, and come back when the hang is over.
static void a_hang_sets_slots_aside(void **state) {
  (void)state;
  enum { count = 2 };
  World world;
  world_open(&world);
  const sporkle_conv2d_desc problem = small_problem();
  Tensors t;
  tensors_make(&t, &problem, 5);
  sporkle_executor_desc desc = SPORKLE_EXECUTOR_DESC_INIT;
  desc.device = world.device;
  desc.slot_count = count;
  desc.input_size = t.info.input_size;
  desc.output_size = t.info.output_size;
  sporkle_executor executor = NULL;
  sporkle_plan plan = NULL;
  sporkle_slot slot = SPORKLE_SLOT_INIT;
  expect_ok(sporkle_executor_create(world.context, &desc, &executor));
  expect_ok(sporkle_plan_create(world.context, world.device, &problem, t.weights, t.bias, &plan));
  world_null(&world, SPORKLE_NULL_HANG, 0, 0);
  for (int i = 0; i < count; ++i) {
    sporkle_fence fence = NULL;
    expect_ok(sporkle_executor_acquire(executor, 0, &slot));
    memcpy(slot.input, t.input, t.info.input_size);
    expect_ok(sporkle_executor_submit(executor, slot.index, plan, &fence));
    expect_status(SPORKLE_TIMEOUT, sporkle_fence_wait(fence, 20000000u));
    expect_ok(sporkle_executor_release(executor, slot.index));
  }
  assert_int_equal(world_stats(&world).slots_set_aside, count);
  const uint64_t start = clock_ns();
  expect_status(SPORKLE_TIMEOUT, sporkle_executor_acquire(executor, 50000000u, &slot));
  assert_in_range(clock_ns() - start, 50000000u, 1000000000u);
  world_null(&world, SPORKLE_NULL_RECOVER, 0, 0);
  for (int i = 0; i < 4; ++i) {
    sporkle_fence fence = NULL;
    expect_ok(sporkle_executor_acquire(executor, SPORKLE_TIMEOUT_INFINITE, &slot));
    memcpy(slot.input, t.input, t.info.input_size);
    memset(slot.output, 0x7f, t.info.output_size);
    expect_ok(sporkle_executor_submit(executor, slot.index, plan, &fence));
    expect_ok(sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE));
    tensors_check(&t, slot.output);
    expect_ok(sporkle_executor_release(executor, slot.index));
  }
  expect_ok(sporkle_plan_destroy(plan));
  expect_ok(sporkle_executor_destroy(executor));
  tensors_free(&t);
  world_close(&world);
}

static void reset_loses_the_device(void **state) {
  (void)state;
  World world;
  world_open(&world);
  const sporkle_conv2d_desc desc = small_problem();
  Job jobs[4];
  world_null(&world, SPORKLE_NULL_CLOCK_MANUAL, 0, 0);
  for (int i = 0; i < 4; ++i) {
    job_prepare(&jobs[i], &world, &desc, (uint64_t)i);
    if (i == 0) world_null(&world, SPORKLE_NULL_RESET, 1, 0);
    job_submit(&jobs[i]);
  }
  sporkle_fence inserted = NULL, refused = NULL;
  expect_ok(sporkle_fence_insert(world.context, world.device, NULL, &inserted));
  world_null(&world, SPORKLE_NULL_CLOCK_AUTO, 0, 0);
  expect_ok(sporkle_fence_wait(jobs[0].fence, SPORKLE_TIMEOUT_INFINITE));
  job_check(&jobs[0]);
  for (int i = 1; i < 4; ++i) {
    expect_status(SPORKLE_ERROR_DEVICE_LOST,
                  sporkle_fence_wait(jobs[i].fence, SPORKLE_TIMEOUT_INFINITE));
    assert_true(job_untouched(&jobs[i]));
  }
  expect_status(SPORKLE_ERROR_DEVICE_LOST, sporkle_fence_wait(inserted, SPORKLE_TIMEOUT_INFINITE));
  const sporkle_plan_bindings b = job_bindings(&jobs[1]);
  expect_refused(SPORKLE_ERROR_DEVICE_LOST, "device",
                 sporkle_plan_submit(jobs[1].plan, &b, &refused));
  assert_null(refused);
  expect_refused(SPORKLE_ERROR_DEVICE_LOST, "device",
                 sporkle_fence_insert(world.context, world.device, NULL, &refused));
  const uint64_t fences = world_stats(&world).fences_now;
  assert_int_equal(fences, 5);
  expect_status(SPORKLE_ERROR_DEVICE_LOST,
                tensors_conv2d(&jobs[1].tensors, world.context, world.device));
  assert_true(tensors_untouched(&jobs[1].tensors));
  world_null(&world, SPORKLE_NULL_RECOVER, 0, 0);
  expect_ok(sporkle_fence_destroy(jobs[1].fence));
  job_submit(&jobs[1]);
  expect_ok(sporkle_fence_wait(jobs[1].fence, SPORKLE_TIMEOUT_INFINITE));
  job_check(&jobs[1]);
  expect_ok(sporkle_fence_destroy(inserted));
  for (int i = 0; i < 4; ++i) job_free(&jobs[i]);
  world_check_usable(&world);
  world_close(&world);
}

static void device_out_of_memory(void **state) {
  (void)state;
  World world;
  world_open(&world);
  const sporkle_conv2d_desc problem = small_problem();
  Tensors t;
  tensors_make(&t, &problem, 1);
  sporkle_buffer_desc desc = SPORKLE_BUFFER_DESC_INIT;
  desc.device = world.device;
  desc.size = 64;
  sporkle_buffer buffer = NULL;
  sporkle_plan plan = NULL;
  world_null(&world, SPORKLE_NULL_OOM, 1, 3);
  expect_ok(sporkle_buffer_create(world.context, &desc, &buffer));
  expect_refused(SPORKLE_ERROR_OUT_OF_MEMORY, "device",
                 sporkle_buffer_create(world.context, &desc, &buffer));
  assert_null(buffer);
  expect_refused(SPORKLE_ERROR_OUT_OF_MEMORY, "device",
                 sporkle_plan_create(world.context, world.device, &problem, t.weights, t.bias,
                                     &plan));
  assert_null(plan);
  expect_status(SPORKLE_ERROR_OUT_OF_MEMORY, tensors_conv2d(&t, world.context, world.device));
  assert_true(tensors_untouched(&t));
  expect_ok(sporkle_buffer_create(world.context, &desc, &buffer));
  world_null(&world, SPORKLE_NULL_OOM, 0, UINT64_MAX);
  expect_status(SPORKLE_ERROR_OUT_OF_MEMORY, sporkle_buffer_create(world.context, &desc, &buffer));
  world_null(&world, SPORKLE_NULL_RECOVER, 0, 0);
  tensors_free(&t);
  world_check_usable(&world);
  world_close(&world);
}

// Half of an executor's memory: nothing is left behind.
static void executor_out_of_memory(void **state) {
  (void)state;
  World world;
  world_open(&world);
  sporkle_executor_desc desc = SPORKLE_EXECUTOR_DESC_INIT;
  desc.device = world.device;
  desc.input_size = desc.output_size = desc.residual_size = 64;
  sporkle_executor executor = NULL;
  for (uint64_t at = 0; at < 9; ++at) {
    world_null(&world, SPORKLE_NULL_OOM, at, 1);
    expect_status(SPORKLE_ERROR_OUT_OF_MEMORY,
                  sporkle_executor_create(world.context, &desc, &executor));
    assert_null(executor);
    assert_int_equal(world_stats(&world).buffer_bytes, 0);
    world_null(&world, SPORKLE_NULL_RECOVER, 0, 0);
  }
  expect_ok(sporkle_executor_create(world.context, &desc, &executor));
  expect_ok(sporkle_executor_destroy(executor));
  world_close(&world);
}

// AUTO with a preferred device falls back to the CPU and says so.
static void fallback_is_counted_and_reported(void **state) {
  (void)state;
  World world;
  sporkle_context_desc desc = world_desc(&world);
  desc.device = "null";
  world_open_with(&world, &desc);
  const sporkle_conv2d_desc problem = small_problem();
  Tensors t;
  tensors_make(&t, &problem, 1);
  world_null(&world, SPORKLE_NULL_FAIL, 0, 1);
  sporkle_conv2d_result result = SPORKLE_CONV2D_RESULT_INIT;
  expect_ok(sporkle_conv2d(world.context, SPORKLE_DEVICE_AUTO, &problem, t.input, t.weights,
                           t.bias, NULL, t.output, &result));
  assert_int_equal(result.device, 0);
  tensors_check(&t, t.output);
  assert_int_equal(world_stats(&world).fallbacks, 1);
  assert_int_equal(world.log.warnings, 1);
  tensors_free(&t);
  world_close(&world);
}

GROUP(group_null_faults, "null_faults", cmocka_unit_test(operations_fail_alone),
      cmocka_unit_test(synchronous_operations_fail), cmocka_unit_test(hang_until_recovered),
      cmocka_unit_test(synchronous_call_gives_a_hung_device_up),
      cmocka_unit_test(executor_survives_a_loss), cmocka_unit_test(a_hang_sets_slots_aside),
      cmocka_unit_test(reset_loses_the_device), cmocka_unit_test(device_out_of_memory),
      cmocka_unit_test(executor_out_of_memory),
      cmocka_unit_test(fallback_is_counted_and_reported))
