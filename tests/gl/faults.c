// Resets and hangs, made by the libEGL in fault_egl.c.
#include "gl/device.h"

#include <unistd.h>

static void expect_lost(World *world) {
  const sporkle_conv2d_desc problem = small_problem();
  Job job;
  job_prepare(&job, world, &problem, 1);
  // The self-tests ask for no reset status; the second batch that ends does.
  sporkle_status status = SPORKLE_OK;
  for (int i = 0; i < 5 && status == SPORKLE_OK; ++i) {
    job_submit(&job);
    const uint64_t start = clock_ns();
    status = sporkle_fence_wait(job.fence, 10000000000u);
    assert_true(clock_ns() - start < 5000000000u);
    expect_ok(sporkle_fence_destroy(job.fence));
    job.fence = NULL;
  }
  assert_int_equal(status, SPORKLE_ERROR_DEVICE_LOST);
  assert_int_equal(world_stats(world).device_resets >= 1, 1);
  job_free(&job);
}

// The device comes back: what is created afterwards works, what was created
// before says that it is lost and can be destroyed.
static void device_is_recreated(void **state) {
  (void)state;
  World world;
  need_gl(&world);
  const sporkle_conv2d_desc problem = small_problem();
  Job old;
  job_prepare(&old, &world, &problem, 2);
  expect_lost(&world);
  void *data = NULL;
  expect_ok(sporkle_buffer_data(old.input, &data));
  memset(data, 1, old.tensors.info.input_size);  // the mapping is still there
  const sporkle_plan_bindings bindings = job_bindings(&old);
  sporkle_status status = sporkle_plan_submit(old.plan, &bindings, &old.fence);
  if (status == SPORKLE_OK) status = sporkle_fence_wait(old.fence, SPORKLE_TIMEOUT_INFINITE);
  assert_int_equal(status, SPORKLE_ERROR_DEVICE_LOST);
  job_free(&old);
  world_check_usable(&world);
  assert_int_equal(world_stats(&world).device_resets, 1);
  world_close(&world);
}

static void device_that_keeps_resetting_is_given_up(void **state) {
  (void)state;
  World world;
  need_gl(&world);
  const sporkle_conv2d_desc problem = small_problem();
  Tensors t;
  tensors_make(&t, &problem, 3);
  sporkle_status status = SPORKLE_OK;
  for (int i = 0; i < 40; ++i) {
    tensors_clear_output(&t);
    status = tensors_conv2d(&t, world.context, world.device);
    if (status == SPORKLE_OK) continue;
    assert_int_equal(status, SPORKLE_ERROR_DEVICE_LOST);
    assert_true(tensors_untouched(&t));
  }
  assert_int_equal(status, SPORKLE_ERROR_DEVICE_LOST);
  assert_in_range(world_stats(&world).device_resets, 1, 16);
  expect_ok(tensors_conv2d(&t, world.context, 0));  // the CPU goes on
  tensors_check(&t, t.output);
  tensors_free(&t);
  world_close(&world);
}

// A wait keeps its deadline, and the context can be destroyed in bounded time.
static void hang_hangs_nobody(void **state) {
  (void)state;
  World world;
  need_gl(&world);
  const sporkle_conv2d_desc problem = small_problem();
  Job job;
  job_prepare(&job, &world, &problem, 4);
  sporkle_status status = SPORKLE_OK;
  for (int i = 0; i < 20 && status == SPORKLE_OK; ++i) {
    if (job.fence != NULL) expect_ok(sporkle_fence_destroy(job.fence));
    job_submit(&job);
    status = sporkle_fence_wait(job.fence, 300000000u);
  }
  assert_int_equal(status, SPORKLE_TIMEOUT);
  const sporkle_fence fence = job.fence;
  job.fence = NULL;
  const uint64_t start = clock_ns();
  expect_ok(sporkle_context_destroy(world.context));
  assert_true(clock_ns() - start < 8000000000u);
  assert_int_equal(sporkle_fence_poll(fence), SPORKLE_ERROR_INVALID_HANDLE);
  tensors_free(&job.tensors);
}

static void missing_sync_is_a_loss(void **state) {
  (void)state;
  World world;
  need_gl(&world);
  const sporkle_conv2d_desc problem = small_problem();
  Tensors t;
  tensors_make(&t, &problem, 5);
  sporkle_status status = SPORKLE_OK;
  for (int i = 0; i < 20 && status == SPORKLE_OK; ++i) {
    status = tensors_conv2d(&t, world.context, world.device);
  }
  assert_int_equal(status, SPORKLE_ERROR_DEVICE_LOST);
  tensors_free(&t);
  expect_ok(sporkle_context_destroy(world.context));
}

const struct CMUnitTest test_reset = {"reset", device_is_recreated, NULL, NULL, NULL};
const struct CMUnitTest test_resets = {"resets", device_that_keeps_resetting_is_given_up, NULL,
                                       NULL, NULL};
const struct CMUnitTest test_hang = {"hang", hang_hangs_nobody, NULL, NULL, NULL};
const struct CMUnitTest test_no_sync = {"no_sync", missing_sync_is_a_loss, NULL, NULL, NULL};
