#include "faults/control.h"

#include <dlfcn.h>

Control control;

static bool take(void *library, const char *name, void *out_function) {
  void *symbol = dlsym(library, name);
  memcpy(out_function, &symbol, sizeof symbol);
  return symbol != NULL;
}

void gpu_take(const char *name, void *out_function) {
  void *library = dlopen("libEGL.so.1", RTLD_NOW);
  if (library != NULL && take(library, name, out_function)) return;
  printf("skipped: below this libEGL.so.1 is no virtual GPU\n");
  exit(TEST_SKIPPED);
}

void control_load(void) {
  void *library = dlopen("libEGL.so.1", RTLD_NOW);
  if (library != NULL && take(library, "fault_plan", &control.plan) &&
      take(library, "fault_clear", &control.clear) &&
      take(library, "fault_struck", &control.struck) &&
      take(library, "fault_calls", &control.calls) &&
      take(library, "fault_live_objects", &control.live_objects) &&
      take(library, "fault_last_function", &control.last_function)) {
    return;
  }
  printf("skipped: the first libEGL.so.1 is not the fault provider\n");
  exit(TEST_SKIPPED);
}

void plan_faults(const char *text) {
  if (text != NULL && !control.plan(text)) fail_msg("\"%s\" is no fault plan", text);
}

bool world_try_gl(World *world, const char *faults) {
  test_device = "gl";
  plan_faults(faults);
  const sporkle_context_desc desc = world_desc(world);
  expect_ok(sporkle_context_create(&desc, &world->context));
  return sporkle_device_find(world->context, "gl", &world->device) == SPORKLE_OK;
}

void world_open_gl(World *world, const char *faults, bool asynchronous) {
  control.clear();  // of a test that failed
  if (asynchronous) plan_faults("late=2000000*");
  if (world_try_gl(world, faults)) {
    // Opened to be looked at, a device goes back to sleep: this opens it for good.
    world_check_usable(world);
    return;
  }
  const sporkle_status status = sporkle_device_find(world->context, "gl", &world->device);
  if (faults == NULL) test_device_missing(status);
  char text[512];
  sporkle_last_error(text, sizeof text);
  fail_msg("no OpenGL device with %s: %s", faults, text);
}

void world_close_gl(World *world) {
  control.clear();
  world_close(world);
  assert_int_equal(control.live_objects(), 0);
}

int64_t settled_objects(void) {
  int64_t count = control.live_objects();
  for (int same = 0; same < 5; ++same) {
    sleep_ms(10);
    const int64_t now = control.live_objects();
    if (now != count) same = 0;
    count = now;
  }
  return count;
}

void expect_no_more_objects(int64_t before) {
  // What is released is deleted by the device's thread, a little later.
  for (int i = 0; i < 200 && control.live_objects() > before; ++i) sleep_ms(10);
  assert_true(control.live_objects() <= before);
}

sporkle_status job_run(Job *job) {
  job_submit(job);
  return sporkle_fence_wait(job->fence, 10000000000u);
}

void job_end_fence(Job *job) {
  expect_ok(sporkle_fence_destroy(job->fence));
  job->fence = NULL;
}

void await_device(World *world) {
  const sporkle_conv2d_desc problem = small_problem();
  Tensors t;
  tensors_make(&t, &problem, 9);
  sporkle_status status = SPORKLE_ERROR_DEVICE_LOST;
  for (int i = 0; i < 500 && status == SPORKLE_ERROR_DEVICE_LOST; ++i) {
    status = tensors_conv2d(&t, world->context, world->device);
    if (status != SPORKLE_OK) sleep_ms(10);
  }
  expect_ok(status);
  tensors_check(&t, t.output);
  tensors_free(&t);
}

uint64_t expect_all_lost(sporkle_fence *fences, int count, uint64_t start, uint64_t limit_ns) {
  uint64_t longest = 0;
  for (int i = 0; i < count; ++i) {
    expect_status(SPORKLE_ERROR_DEVICE_LOST, sporkle_fence_wait(fences[i], 10000000000u));
    longest = clock_ns() - start;
  }
  expect_true(longest <= limit_ns, "%d fences: lost after %.1f ms", count, (double)longest * 1e-6);
  printf("%d pending fences: lost after %.2f ms\n", count, (double)longest * 1e-6);
  for (int i = 0; i < count; ++i) {
    expect_status(SPORKLE_ERROR_DEVICE_LOST, sporkle_fence_poll(fences[i]));
    expect_ok(sporkle_fence_destroy(fences[i]));
  }
  return longest;
}

static sporkle_status make_buffer(World *world, const float *content, uint64_t size,
                                  sporkle_buffer *out) {
  sporkle_buffer_desc desc = SPORKLE_BUFFER_DESC_INIT;
  desc.device = world->device;
  desc.size = size;
  sporkle_status status = sporkle_buffer_create(world->context, &desc, out);
  if (status != SPORKLE_OK) return status;
  void *data = NULL;
  expect_ok(sporkle_buffer_data(*out, &data));
  if (content == NULL) {
    memset(data, 0xc3, size);
  } else {
    memcpy(data, content, size);
  }
  return sporkle_buffer_flush(*out, 0, size);
}

sporkle_status run_on_buffers(World *world, Job *job, uint64_t timeout_ns) {
  const Tensors *t = &job->tensors;
  sporkle_status status = sporkle_plan_create(world->context, world->device, &t->desc, t->weights,
                                              t->bias, &job->plan);
  if (status == SPORKLE_OK) status = make_buffer(world, t->input, t->info.input_size, &job->input);
  if (status == SPORKLE_OK) status = make_buffer(world, NULL, t->info.output_size, &job->output);
  const sporkle_plan_bindings bindings = job_bindings(job);
  if (status == SPORKLE_OK) status = sporkle_plan_submit(job->plan, &bindings, &job->fence);
  if (status == SPORKLE_OK) status = sporkle_fence_wait(job->fence, timeout_ns);
  if (status == SPORKLE_OK) {
    status = sporkle_buffer_invalidate(job->output, 0, t->info.output_size);
  }
  void *data = NULL;
  if (status == SPORKLE_OK) status = sporkle_buffer_data(job->output, &data);
  if (status == SPORKLE_OK) tensors_check(t, data);
  return status;
}

void expect_loss(const char *faults) {
  World world;
  world_open_gl(&world, NULL, false);
  const sporkle_conv2d_desc problem = small_problem();
  Job job;
  job_prepare(&job, &world, &problem, 1);
  expect_ok(job_run(&job));  // compiles what the driver compiles late
  job_end_fence(&job);
  job_clear(&job);
  plan_faults(faults);
  const uint64_t start = clock_ns();
  expect_status(SPORKLE_ERROR_DEVICE_LOST, job_run(&job));
  const uint64_t took = clock_ns() - start;
  expect_true(took < 100000000u, "%s: lost after %.1f ms", faults, (double)took * 1e-6);
  assert_int_equal(sporkle_fence_poll(job.fence), SPORKLE_ERROR_DEVICE_LOST);
  control.clear();
  job_free(&job);
  world_check_usable(&world);
  assert_int_equal(world_stats(&world).device_resets, 1);
  world_close_gl(&world);
}
