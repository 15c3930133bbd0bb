// Sync objects that come late, never, or lie.
#include "faults/control.h"

static void prepare(World *world, Job *job, const char *faults) {
  const sporkle_conv2d_desc problem = small_problem();
  world_open_gl(world, faults, false);
  job_prepare(job, world, &problem, 2);
  expect_ok(job_run(job));
  job_end_fence(job);
  job_clear(job);
}

static void finish(World *world, Job *job) {
  job_free(job);
  world_check_usable(world);
  world_close_gl(world);
}

// OpenGL promises nothing about a sync object that nobody has flushed.
static void unflushed_sync(void **state) {
  (void)state;
  World world;
  Job job;
  prepare(&world, &job, "hang-until-flushed*");
  expect_ok(job_run(&job));
  job_check(&job);
  assert_true(control.struck("hang-until-flushed") > 0);
  finish(&world, &job);
}

static void late_sync(void **state) {
  (void)state;
  World world;
  Job job;
  prepare(&world, &job, NULL);
  plan_faults("late=200000000");
  const uint64_t start = clock_ns();
  job_submit(&job);
  expect_status(SPORKLE_TIMEOUT, sporkle_fence_wait(job.fence, 100000000u));
  expect_status(SPORKLE_NOT_READY, sporkle_fence_poll(job.fence));
  expect_ok(sporkle_fence_wait(job.fence, 10000000000u));
  const uint64_t took = clock_ns() - start;
  assert_in_range(took, 190000000u, 1000000000u);
  assert_int_equal(control.struck("late"), 1);
  job_check(&job);
  finish(&world, &job);
}

static void spurious_timeout(void **state) {
  (void)state;
  World world;
  Job job;
  prepare(&world, &job, NULL);
  plan_faults("spurious-timeout*20");
  expect_ok(job_run(&job));
  assert_int_equal(control.struck("spurious-timeout"), 20);
  job_check(&job);
  assert_int_equal(world_stats(&world).device_resets, 0);
  finish(&world, &job);
}

static void failed_wait(void **state) {
  (void)state;
  expect_loss("wait-failed");
}

static void wait_that_answers_zero(void **state) {
  (void)state;
  expect_loss("wait-zero");
}

static void missing_sync(void **state) {
  (void)state;
  expect_loss("null-sync");
}

// Waits keep their deadline, and the context is destroyed in bounded time.
static void expect_bounded(const char *faults) {
  World world;
  Job job;
  prepare(&world, &job, NULL);
  plan_faults(faults);
  job_submit(&job);
  const sporkle_fence first = job.fence;
  job_submit(&job);
  uint64_t start = clock_ns();
  expect_status(SPORKLE_TIMEOUT, sporkle_fence_wait(first, 200000000u));
  assert_in_range(clock_ns() - start, 200000000u, 260000000u);
  expect_status(SPORKLE_NOT_READY, sporkle_fence_poll(job.fence));
  expect_status(SPORKLE_TIMEOUT, sporkle_fence_wait_all(&job.fence, 1, 1000000u));
  start = clock_ns();
  expect_ok(sporkle_context_destroy(world.context));
  assert_true(clock_ns() - start < 6000000000u);
  expect_status(SPORKLE_ERROR_INVALID_HANDLE, sporkle_fence_poll(first));
  tensors_free(&job.tensors);
  control.clear();
}

static void hang(void **state) {
  (void)state;
  expect_bounded("hang");
  assert_int_equal(control.live_objects(), 0);
}

// Inside the driver; the thread is given up with all that it can reach.
static void stalled_call(void **state) {
  (void)state;
  expect_bounded("stall");
}

// Calls that need the thread end too: on the CPU where that is allowed, else with
// a status. What was in flight has failed; the device is not used any more.
static void silent_driver(void **state) {
  (void)state;
  World world;
  Job job;
  setenv("SPORKLE_GL_PATIENCE", "1", 1);
  setenv("SPORKLE_GPU_MIN_FLOPS", "0", 1);
  // Named, a software device counts as a GPU for the selector.
  setenv("SPORKLE_GL_DEVICE", "0", 1);
  prepare(&world, &job, NULL);
  unsetenv("SPORKLE_GL_PATIENCE");
  unsetenv("SPORKLE_GPU_MIN_FLOPS");
  unsetenv("SPORKLE_GL_DEVICE");
  plan_faults("stall");
  const Tensors *t = &job.tensors;
  const uint64_t start = clock_ns();
  job_submit(&job);
  expect_status(SPORKLE_ERROR_DEVICE_LOST,
                sporkle_plan_run(job.plan, t->input, t->residual, t->output, NULL));
  assert_in_range(clock_ns() - start, 900000000u, 3000000000u);
  expect_status(SPORKLE_ERROR_DEVICE_LOST, sporkle_fence_wait(job.fence, 1000000000u));
  job_end_fence(&job);
  sporkle_buffer_desc desc = SPORKLE_BUFFER_DESC_INIT;
  desc.device = world.device;
  desc.size = 4096;
  sporkle_buffer buffer = NULL;
  expect_status(SPORKLE_ERROR_DEVICE_UNAVAILABLE,
                sporkle_buffer_create(world.context, &desc, &buffer));
  char text[256];
  sporkle_last_error(text, sizeof text);
  expect_true(strstr(text, "has not answered for 1 s") != NULL, "%s", text);
  const uint64_t before = world_stats(&world).fallbacks;
  expect_ok(sporkle_conv2d(world.context, SPORKLE_DEVICE_AUTO, &t->desc, t->input, t->weights,
                           t->bias, t->residual, t->output, NULL));
  tensors_check(t, t->output);
  assert_int_equal(world_stats(&world).fallbacks, before + 1);
  job_free(&job);
  expect_ok(sporkle_context_destroy(world.context));
  assert_true(clock_ns() - start < 5000000000u);
  control.clear();
}

// A plan during which the driver falls silent is refused, and all that it had is freed. The
// thread, let go later, parks: no more sync objects for a recipe that is gone.
static void expect_silent_plan(const char *fault) {
  World world;
  setenv("SPORKLE_GL_PATIENCE", "1", 1);
  world_open_gl(&world, NULL, false);
  unsetenv("SPORKLE_GL_PATIENCE");
  sporkle_conv2d_desc problem = small_problem();
  problem.k = 7;
  Tensors t;
  tensors_make(&t, &problem, 3);
  plan_faults(fault);
  sporkle_plan plan = NULL;
  const sporkle_status status = sporkle_plan_create(world.context, world.device, &problem,
                                                    t.weights, t.bias, &plan);
  tensors_free(&t);
  const bool struck = control.struck(fault) > 0;
  control.clear();
  sleep_ms(200);
  const uint64_t syncs = control.calls("null-sync");
  if (plan != NULL) expect_ok(sporkle_plan_destroy(plan));
  expect_ok(sporkle_context_destroy(world.context));
  if (!struck) skip(); /* no kernels are timed on the virtual GPU */
  expect_status(SPORKLE_ERROR_DEVICE_LOST, status);
  assert_int_equal(syncs, 0);
}

static void silent_while_kernels_are_timed(void **state) {
  (void)state;
  setenv("SPORKLE_TUNE", "on", 1);
  expect_silent_plan("stall");
  unsetenv("SPORKLE_TUNE");
}

// What the thread would write to is seen by an address sanitizer, where the kernel links.
static void silent_compiler(void **state) {
  (void)state;
  setenv("SPORKLE_GL_KERNEL", "direct_8x4", 1);
  expect_silent_plan("link-stall");
  unsetenv("SPORKLE_GL_KERNEL");
}

const struct CMUnitTest sync_tests[] = {
    cmocka_unit_test(unflushed_sync), cmocka_unit_test(late_sync),
    cmocka_unit_test(spurious_timeout), cmocka_unit_test(failed_wait),
    cmocka_unit_test(wait_that_answers_zero), cmocka_unit_test(missing_sync),
    cmocka_unit_test(hang), cmocka_unit_test(stalled_call),
    cmocka_unit_test(silent_driver), cmocka_unit_test(silent_while_kernels_are_timed),
    cmocka_unit_test(silent_compiler),
};
const size_t sync_test_count = COUNT_OF(sync_tests);
