// Every allocation of a scenario fails once, and then for good from there on:
// the call says so, nothing leaks, everything works afterwards. Each attempt has a
// context of its own: opening a driver that often takes 20 to 45 s on OpenGL.
// TEST_WALK_STEP=n takes every n-th allocation.
#include "conformance/conformance.h"
#include "support/job.h"

// A scenario gives the first status that is not SPORKLE_OK, and cleans up.
typedef sporkle_status (*Scenario)(World *world);

static sporkle_status one_call(World *world) {
  const sporkle_conv2d_desc desc = small_problem();
  Tensors t;
  tensors_make(&t, &desc, 1);
  const sporkle_status status = tensors_conv2d(&t, world->context, world->device);
  if (status == SPORKLE_OK) tensors_check(&t, t.output);
  if (status != SPORKLE_OK) assert_true(tensors_untouched(&t));
  tensors_free(&t);
  return status;
}

static sporkle_status plan_and_run(World *world) {
  const sporkle_conv2d_desc desc = small_problem();
  Tensors t;
  tensors_make(&t, &desc, 2);
  sporkle_plan plan = NULL;
  sporkle_status status =
      sporkle_plan_create(world->context, world->device, &desc, t.weights, t.bias, &plan);
  assert_true((status == SPORKLE_OK) == (plan != NULL));
  if (status == SPORKLE_OK) {
    status = sporkle_plan_run(plan, t.input, NULL, t.output, NULL);
    if (status == SPORKLE_OK) tensors_check(&t, t.output);
    if (status != SPORKLE_OK) assert_true(tensors_untouched(&t));
    expect_ok(sporkle_plan_destroy(plan));
  }
  tensors_free(&t);
  return status;
}

static sporkle_status prepare_and_run(World *world) {
  const sporkle_conv2d_desc desc = small_problem();
  Tensors t;
  tensors_make(&t, &desc, 5);
  sporkle_plan plan = NULL;
  sporkle_fence fence = NULL;
  sporkle_status status = sporkle_plan_prepare(world->context, world->device, &desc, t.weights,
                                               t.bias, &plan, &fence);
  assert_true((status == SPORKLE_OK) == (plan != NULL && fence != NULL));
  if (status == SPORKLE_OK) {
    status = sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE);
    const sporkle_status used = sporkle_plan_run(plan, t.input, NULL, t.output, NULL);
    if (status != SPORKLE_OK) assert_int_equal(used, status);
    if (used == SPORKLE_OK) tensors_check(&t, t.output);
    if (used != SPORKLE_OK) assert_true(tensors_untouched(&t));
    if (status == SPORKLE_OK) status = used;
    expect_ok(sporkle_fence_destroy(fence));
    expect_ok(sporkle_plan_destroy(plan));
  }
  tensors_free(&t);
  return status;
}

static sporkle_status create_buffer(World *world) {
  sporkle_buffer_desc desc = SPORKLE_BUFFER_DESC_INIT;
  desc.device = world->device;
  desc.size = 1000;
  desc.label = "walk";
  sporkle_buffer buffer = NULL;
  const sporkle_status status = sporkle_buffer_create(world->context, &desc, &buffer);
  assert_true((status == SPORKLE_OK) == (buffer != NULL));
  if (buffer) expect_ok(sporkle_buffer_destroy(buffer));
  return status;
}

// The job is prepared while allocations succeed: armed by the walk itself.
static sporkle_status submit_prepared(World *world, Job *job) {
  const sporkle_plan_bindings b = job_bindings(job);
  sporkle_status status = sporkle_plan_submit(job->plan, &b, &job->fence);
  if (status != SPORKLE_OK) {
    assert_null(job->fence);
    return status;
  }
  (void)world;
  status = sporkle_fence_wait(job->fence, SPORKLE_TIMEOUT_INFINITE);
  if (status == SPORKLE_OK) job_check(job);
  return status;
}

static sporkle_status insert_fence(World *world) {
  sporkle_fence fence = NULL;
  const sporkle_status status =
      sporkle_fence_insert(world->context, world->device, NULL, &fence);
  if (fence) expect_ok(sporkle_fence_destroy(fence));
  return status;
}

static sporkle_status run_slot(sporkle_executor executor, sporkle_plan plan, const Tensors *t) {
  sporkle_slot slot = SPORKLE_SLOT_INIT;
  sporkle_status status = sporkle_executor_acquire(executor, SPORKLE_TIMEOUT_INFINITE, &slot);
  if (status != SPORKLE_OK) return status;
  memcpy(slot.input, t->input, t->info.input_size);
  sporkle_fence fence = NULL;
  status = sporkle_executor_submit(executor, slot.index, plan, &fence);
  if (status == SPORKLE_OK) status = sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE);
  expect_ok(sporkle_executor_release(executor, slot.index));
  return status;
}

static sporkle_status pipeline(World *world) {
  const sporkle_conv2d_desc desc = small_problem();
  Tensors t;
  tensors_make(&t, &desc, 3);
  sporkle_plan plan = NULL;
  sporkle_executor executor = NULL;
  sporkle_executor_desc executor_desc = SPORKLE_EXECUTOR_DESC_INIT;
  executor_desc.device = world->device;
  executor_desc.input_size = t.info.input_size;
  executor_desc.output_size = t.info.output_size;
  sporkle_status status =
      sporkle_plan_create(world->context, world->device, &desc, t.weights, t.bias, &plan);
  if (status == SPORKLE_OK) {
    status = sporkle_executor_create(world->context, &executor_desc, &executor);
    assert_true((status == SPORKLE_OK) == (executor != NULL));
  }
  if (status == SPORKLE_OK) status = run_slot(executor, plan, &t);
  if (executor) expect_ok(sporkle_executor_destroy(executor));
  if (plan) expect_ok(sporkle_plan_destroy(plan));
  tensors_free(&t);
  return status;
}

enum { walk_limit = 400 };

static int walk_step(void) {
  const char *text = getenv("TEST_WALK_STEP");
  const int step = text == NULL ? 1 : atoi(text);
  return step > 0 ? step : 1;
}

// Returns whether the walk is over: the failing allocation was not reached.
static bool step(Scenario scenario, int attempt, bool persistent) {
  World world;
  world_open(&world);
  const int64_t before = atomic_load(&world.allocator.allocations);
  counting_allocator_fail(&world.allocator, attempt, persistent);
  const sporkle_status status = scenario(&world);
  const bool reached = atomic_load(&world.allocator.allocations) - before >= attempt;
  counting_allocator_fail(&world.allocator, 0, false);
  expect_true(status == SPORKLE_OK || status == SPORKLE_ERROR_OUT_OF_MEMORY,
              "allocation %d: %s", attempt, sporkle_status_name(status));
  assert_true(reached || status == SPORKLE_OK);
  expect_ok(scenario(&world));
  world_check_usable(&world);
  world_close(&world);
  return !reached;
}

static void walk(Scenario scenario) {
  for (int persistent = 0; persistent < 2; ++persistent) {
    int attempt = 1;
    while (!step(scenario, attempt, persistent != 0)) {
      assert_true((attempt += walk_step()) < walk_limit);
    }
  }
}

static void walk_one_call(void **state) { (void)state; walk(one_call); }
static void walk_plan(void **state) { (void)state; walk(plan_and_run); }
static void walk_prepared(void **state) { (void)state; walk(prepare_and_run); }
static void walk_buffer(void **state) { (void)state; walk(create_buffer); }
static void walk_fence(void **state) { (void)state; walk(insert_fence); }
static void walk_pipeline(void **state) { (void)state; walk(pipeline); }

static bool submit_step(int attempt, bool persistent) {
  World world;
  world_open(&world);
  const sporkle_conv2d_desc desc = small_problem();
  Job job;
  job_prepare(&job, &world, &desc, 4);
  const int64_t before = atomic_load(&world.allocator.allocations);
  counting_allocator_fail(&world.allocator, attempt, persistent);
  const sporkle_status status = submit_prepared(&world, &job);
  const bool reached = atomic_load(&world.allocator.allocations) - before >= attempt;
  counting_allocator_fail(&world.allocator, 0, false);
  expect_true(status == SPORKLE_OK || status == SPORKLE_ERROR_OUT_OF_MEMORY, "%s",
              sporkle_status_name(status));
  if (job.fence) expect_ok(sporkle_fence_destroy(job.fence));
  job.fence = NULL;
  expect_ok(submit_prepared(&world, &job));
  job_free(&job);
  assert_int_equal(world_stats(&world).fences_now, 0);
  world_close(&world);
  return !reached;
}

static void walk_submit(void **state) {
  (void)state;
  for (int persistent = 0; persistent < 2; ++persistent) {
    int attempt = 1;
    while (!submit_step(attempt, persistent != 0)) {
      assert_true((attempt += walk_step()) < walk_limit);
    }
  }
}

static void walk_context(void **state) {
  (void)state;
  for (int persistent = 0; persistent < 2; ++persistent) {
    for (int attempt = 1;; attempt += walk_step()) {
      assert_true(attempt < walk_limit);
      World world;
      const sporkle_context_desc desc = world_desc(&world);
      counting_allocator_fail(&world.allocator, attempt, persistent != 0);
      sporkle_context context = (sporkle_context)(uintptr_t)1;
      const sporkle_status status = sporkle_context_create(&desc, &context);
      if (status == SPORKLE_OK) {
        expect_ok(sporkle_context_destroy(context));
        world_check_memory(&world);
        break;
      }
      expect_status(SPORKLE_ERROR_OUT_OF_MEMORY, status);
      assert_null(context);
      world_check_memory(&world);
    }
  }
}

GROUP(group_allocator, "allocator", cmocka_unit_test(walk_context),
      cmocka_unit_test(walk_one_call), cmocka_unit_test(walk_plan), cmocka_unit_test(walk_prepared),
      cmocka_unit_test(walk_buffer),
      cmocka_unit_test(walk_fence), cmocka_unit_test(walk_submit), cmocka_unit_test(walk_pipeline))
