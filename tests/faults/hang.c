// A GPU that stops while the driver goes on answering: nothing signals, no reset
// is reported. After a time the device is lost, and everything goes on.
#include "faults/control.h"

#include <stdlib.h>

enum { limit_ms = 1000 };

static void open_with_limit(World *world, const char *seconds) {
  setenv("SPORKLE_GL_WORK_LIMIT", seconds, 1);
  world_open_gl(world, NULL, false);
  unsetenv("SPORKLE_GL_WORK_LIMIT");
}

// Every fence, also those of work that was not begun, fails at once; and what the GPU
// may still write to is kept until the device is closed.
static void hung_device_is_lost_and_comes_back(void **state) {
  (void)state;
  enum { count = 24 };
  World world;
  Job job, next;
  sporkle_fence fences[count], inserted = NULL;
  open_with_limit(&world, "1");
  const sporkle_conv2d_desc problem = small_problem();
  job_prepare(&job, &world, &problem, 1);
  expect_ok(job_run(&job));
  job_free(&job);
  const int64_t before = settled_objects();
  job_prepare(&job, &world, &problem, 1);
  plan_faults("hang");
  const uint64_t start = clock_ns();
  for (int i = 0; i < count; ++i) {
    job_submit(&job);
    fences[i] = job.fence;
  }
  job.fence = NULL;
  expect_ok(sporkle_fence_insert(world.context, world.device, "behind", &inserted));
  expect_status(SPORKLE_TIMEOUT, sporkle_fence_wait(fences[0], 500000000u));
  expect_status(SPORKLE_ERROR_DEVICE_LOST, sporkle_fence_wait(fences[0], 20000000000u));
  const uint64_t lost = clock_ns();
  assert_in_range(lost - start, limit_ms * 1000000u, 3 * limit_ms * 1000000u);
  expect_all_lost(fences, count, lost, 100000000u);
  expect_status(SPORKLE_ERROR_DEVICE_LOST, sporkle_fence_wait(inserted, 100000000u));
  expect_ok(sporkle_fence_destroy(inserted));
  await_device(&world);
  job_prepare(&next, &world, &problem, 4);
  assert_int_equal(world_stats(&world).device_resets, 1);
  expect_ok(job_run(&next));
  job_check(&next);
  job_free(&next);
  // Still mapped, and after its end the context that owned it stays.
  void *data = NULL;
  expect_ok(sporkle_buffer_data(job.output, &data));
  memset(data, 1, job.tensors.info.output_size);
  job_free(&job);
  const int64_t after = settled_objects();
  expect_true(after > before, "%lld objects, %lld before", (long long)after, (long long)before);
  expect_ok(sporkle_context_destroy(world.context));
  control.clear();
  assert_int_equal(control.live_objects(), 0);
  world_check_memory(&world);
}

// A pipeline over a hang: the slot is set aside, the lost work says so, later work is
// right, on the CPU while the device is not there (`again`: it comes back).
static void expect_executor_goes_on(const char *faults, bool again) {
  enum { slots = 2 };
  World world;
  Tensors t;
  open_with_limit(&world, "1");
  const sporkle_conv2d_desc problem = small_problem();
  tensors_make(&t, &problem, 5);
  sporkle_executor_desc desc = SPORKLE_EXECUTOR_DESC_INIT;
  desc.device = world.device;
  desc.slot_count = slots;
  desc.input_size = t.info.input_size;
  desc.output_size = t.info.output_size;
  sporkle_executor executor = NULL;
  sporkle_plan plan = NULL;
  expect_ok(sporkle_executor_create(world.context, &desc, &executor));
  expect_ok(sporkle_plan_create(world.context, world.device, &problem, t.weights, t.bias, &plan));
  plan_faults(faults);
  const float *old[slots] = {NULL};
  int right = 0;
  bool on_cpu = false;
  for (int i = 0; i < 400 && right < 20; ++i) {
    sporkle_slot slot = SPORKLE_SLOT_INIT;
    const bool was_lost = world_stats(&world).device_resets > 0;
    expect_ok(sporkle_executor_acquire(executor, 5000000000u, &slot));
    // The GPU may still write to what the lost work was given.
    for (int k = 0; was_lost && k < slots; ++k) assert_ptr_not_equal(slot.output, old[k]);
    if (world_stats(&world).device_resets == 0) old[slot.index] = slot.output;
    memcpy(slot.input, t.input, t.info.input_size);
    memset(slot.output, 0x7f, t.info.output_size);
    sporkle_fence fence = NULL;
    const uint64_t before = world_stats(&world).fallbacks, start = clock_ns();
    const sporkle_status submitted =
        sporkle_executor_submit(executor, slot.index, plan, &fence);
    assert_true(clock_ns() - start < 1000000000u);
    expect_ok(submitted);
    on_cpu = world_stats(&world).fallbacks > before;
    const sporkle_status status = sporkle_fence_wait(fence, 50000000u);
    if (status == SPORKLE_OK) tensors_check(&t, slot.output);
    if (status == SPORKLE_OK) ++right;
    assert_true(status == SPORKLE_OK || status == SPORKLE_TIMEOUT ||
                status == SPORKLE_ERROR_DEVICE_LOST);
    expect_ok(sporkle_executor_release(executor, slot.index));
    if (again && on_cpu) sleep_ms(10);
    if (again && on_cpu && right > 0) --right;
  }
  assert_int_equal(right, 20);
  assert_int_equal(on_cpu, !again);
  assert_true(world_stats(&world).slots_set_aside >= 2);
  assert_true(world_stats(&world).device_resets >= 1);
  expect_ok(sporkle_plan_destroy(plan));
  expect_ok(sporkle_executor_destroy(executor));
  tensors_free(&t);
  const uint64_t start = clock_ns();
  expect_ok(sporkle_context_destroy(world.context));
  assert_true(clock_ns() - start < 4000000000u);
  control.clear();
}

static void executor_goes_on_on_the_device(void **state) {
  (void)state;
  expect_executor_goes_on("hang", true);
}

static void executor_goes_on_on_the_cpu(void **state) {
  (void)state;
  expect_executor_goes_on("hang*", false);
}

// A GPU that never computes again: tries are bounded, no call waits for them, and the
// selector's choice is the CPU.
static void gpu_that_stays_hung(void **state) {
  (void)state;
  World world;
  Job job;
  setenv("SPORKLE_GPU_MIN_FLOPS", "0", 1);
  setenv("SPORKLE_GL_DEVICE", "0", 1);  // named, it counts as a GPU
  open_with_limit(&world, "1");
  unsetenv("SPORKLE_GPU_MIN_FLOPS");
  unsetenv("SPORKLE_GL_DEVICE");
  const sporkle_conv2d_desc problem = small_problem();
  job_prepare(&job, &world, &problem, 1);
  plan_faults("hang*");
  const Tensors *t = &job.tensors;
  // A synchronous call ends too, and on the CPU where that is allowed.
  uint64_t start = clock_ns();
  expect_ok(sporkle_conv2d(world.context, SPORKLE_DEVICE_AUTO, &t->desc, t->input, t->weights,
                           t->bias, t->residual, t->output, NULL));
  assert_in_range(clock_ns() - start, limit_ms * 1000000u, 3 * limit_ms * 1000000u);
  tensors_check(t, t->output);
  assert_int_equal(world_stats(&world).fallbacks, 1);
  // While it is tried again, and after it has been given up.
  for (int i = 0; i < 60; ++i) {
    start = clock_ns();
    const sporkle_plan_bindings bindings = job_bindings(&job);
    expect_status(SPORKLE_ERROR_DEVICE_LOST,
                  sporkle_plan_submit(job.plan, &bindings, &job.fence));
    sporkle_buffer buffer = NULL;
    sporkle_buffer_desc desc = SPORKLE_BUFFER_DESC_INIT;
    desc.device = world.device;
    desc.size = 4096;
    expect_status(SPORKLE_ERROR_DEVICE_LOST,
                  sporkle_buffer_create(world.context, &desc, &buffer));
    assert_true(clock_ns() - start < 200000000u);
    sleep_ms(100);
  }
  job_free(&job);
  start = clock_ns();
  expect_ok(sporkle_context_destroy(world.context));
  assert_true(clock_ns() - start < 4000000000u);
  control.clear();
}

static void without_a_limit(void **state) {
  (void)state;
  World world;
  Job job;
  open_with_limit(&world, "0");
  const sporkle_conv2d_desc problem = small_problem();
  job_prepare(&job, &world, &problem, 1);
  plan_faults("hang");
  job_submit(&job);
  expect_status(SPORKLE_TIMEOUT, sporkle_fence_wait(job.fence, 1500000000u));
  assert_int_equal(world_stats(&world).device_resets, 0);
  expect_ok(sporkle_context_destroy(world.context));
  tensors_free(&job.tensors);
  control.clear();
}

const struct CMUnitTest hang_tests[] = {
    cmocka_unit_test(hung_device_is_lost_and_comes_back),
    cmocka_unit_test(executor_goes_on_on_the_device),
    cmocka_unit_test(executor_goes_on_on_the_cpu),
    cmocka_unit_test(without_a_limit),
    cmocka_unit_test(gpu_that_stays_hung),
};
const size_t hang_test_count = COUNT_OF(hang_tests);
