// Where the time of one small synchronous convolution on an OpenGL device goes:
// its parts, measured apart. 1x3x32x32, K=16, 3x3. Prints JSON, medians in us.
#include "gl/own_gl.h"

enum { warm = 200, repeats = 1000, mapped_floats = 16384 };

static World world;
static Job job;
static sporkle_plan plan;
static uint32_t program, small_x, small_y;

static void fence_over_caller(void) {
  sporkle_fence fence = NULL;
  expect_ok(sporkle_gl_hand_over(world.context, world.device, NULL));
  expect_ok(sporkle_fence_insert(world.context, world.device, NULL, &fence));
  expect_ok(sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE));
  expect_ok(sporkle_fence_destroy(fence));
}

static void hop(void) { expect_ok(sporkle_gl_take_over(world.context, world.device, NULL)); }

static void submit_and_wait(void) {
  job_submit(&job);
  expect_ok(sporkle_fence_wait(job.fence, SPORKLE_TIMEOUT_INFINITE));
  expect_ok(sporkle_fence_destroy(job.fence));
  job.fence = NULL;
}

static void whole_call(void) {
  expect_ok(sporkle_plan_run(plan, job.tensors.input, NULL, job.tensors.output, NULL));
}

// No other thread: the program's own dispatch and a read of 64 floats.
static void own_thread(void) {
  float y[64];
  own.dispatch_compute(1, 1, 1);
  own.memory_barrier((unsigned)OWN_ALL_BARRIERS);
  own.get_buffer_sub_data(OWN_STORAGE_BUFFER, 0, sizeof y, y);
}

// The same end that the library's thread uses.
static void sync_and_poll(void) {
  void *const sync = own.fence_sync(OWN_COMMANDS_COMPLETE, 0);
  own.flush();
  while (own.client_wait_sync(sync, 0, 0) == OWN_TIMEOUT_EXPIRED) {
  }
  own.delete_sync(sync);
}

static void dispatch_and_sync(void) {
  own.dispatch_compute(1, 1, 1);
  sync_and_poll();
}

// A kernel that reads and writes 64 KiB of mapped memory: what no kernel of the
// problem, which writes as much, can be faster than.
static void mapped_and_sync(void) {
  own.dispatch_compute(mapped_floats / 64, 1, 1);
  sync_and_poll();
}

static void reset_status(void) { (void)own.reset_status(); }

static sporkle_buffer mapped_buffer(uint32_t usage, uint32_t *out_name) {
  sporkle_buffer buffer = NULL;
  sporkle_buffer_desc desc = SPORKLE_BUFFER_DESC_INIT;
  desc.device = world.device;
  desc.size = 4 * mapped_floats;
  desc.usage = usage | SPORKLE_BUFFER_OPENGL;
  expect_ok(sporkle_buffer_create(world.context, &desc, &buffer));
  expect_ok(sporkle_gl_buffer_name(buffer, out_name));
  return buffer;
}

static int compare(const void *a, const void *b) {
  const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

static void measure(const char *name, void (*step)(void), const char *end) {
  static uint64_t ns[repeats];
  for (int i = -warm; i < repeats; ++i) {
    const uint64_t start = clock_ns();
    step();
    if (i >= 0) ns[i] = clock_ns() - start;
  }
  qsort(ns, repeats, sizeof *ns, compare);
  printf("  \"%s\": {\"median\": %.2f, \"p90\": %.2f}%s\n", name, (double)ns[repeats / 2] / 1e3,
         (double)ns[repeats * 9 / 10] / 1e3, end);
}

// The parts of a round trip without the library's thread.
static void on_own_thread(void) {
  uint32_t x_name = 0, y_name = 0;
  void *data = NULL;
  sporkle_buffer x =
      mapped_buffer(SPORKLE_BUFFER_CPU_WRITE | SPORKLE_BUFFER_DEVICE_READ, &x_name);
  sporkle_buffer y =
      mapped_buffer(SPORKLE_BUFFER_CPU_READ | SPORKLE_BUFFER_DEVICE_WRITE, &y_name);
  expect_ok(sporkle_buffer_data(x, &data));
  for (int i = 0; i < mapped_floats; ++i) ((float *)data)[i] = (float)i;
  expect_ok(sporkle_buffer_flush(x, 0, 4 * mapped_floats));
  measure("reset_status_on_own_thread", reset_status, ",");
  measure("sync_on_own_thread", sync_and_poll, ",");
  measure("dispatch_and_sync_on_own_thread", dispatch_and_sync, ",");
  expect_ok(sporkle_gl_take_over(world.context, world.device, x));
  own_dispatch(program, x_name, y_name, mapped_floats);
  expect_ok(sporkle_gl_hand_over(world.context, world.device, y));
  sporkle_fence fence = NULL;
  expect_ok(sporkle_fence_insert(world.context, world.device, NULL, &fence));
  expect_ok(sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE));
  expect_ok(sporkle_fence_destroy(fence));
  expect_ok(sporkle_buffer_invalidate(y, 0, 4 * mapped_floats));
  expect_ok(sporkle_buffer_data(y, &data));
  for (int i = 0; i < mapped_floats; ++i) {
    expect_true(((float *)data)[i] == 2.0f * (float)i + 1.0f, "y[%d]", i);
  }
  measure("mapped_64_kib_and_sync_on_own_thread", mapped_and_sync, "");
  expect_ok(sporkle_buffer_destroy(x));
  expect_ok(sporkle_buffer_destroy(y));
}

static void round_trips(void **state) {
  (void)state;
  test_device = "gl";
  world_open(&world);
  own_load();
  sporkle_conv2d_desc desc;
  sporkle_conv2d_desc_set(&desc, 1, 3, 32, 32, 16, 3, 1, 1);
  job_prepare(&job, &world, &desc, 1);
  plan = job.plan;
  submit_and_wait();
  job_check(&job);
  whole_call();
  tensors_check(&job.tensors, job.tensors.output);
  sporkle_conv2d_result result = SPORKLE_CONV2D_RESULT_INIT;
  expect_ok(sporkle_plan_run(plan, job.tensors.input, NULL, job.tensors.output, &result));
  sporkle_device_info info = SPORKLE_DEVICE_INFO_INIT;
  expect_ok(sporkle_device_describe(world.context, world.device, &info));
  printf("{\n  \"benchmark\": \"round_trip\",\n  \"device\": \"%s\",\n  \"unit\": \"us\",\n"
         "  \"algorithm\": \"%s\",\n  \"kernel_on_device\": %.2f,\n", info.name, result.algorithm,
         (double)result.device_ns / 1e3);
  measure("plan_run", whole_call, ",");
  measure("submit_and_wait", submit_and_wait, ",");
  expect_ok(sporkle_gl_attach(world.context, world.device));
  program = own_program(&world);
  float x[64] = {1};
  expect_ok(sporkle_gl_buffer_create(world.context, world.device, sizeof x, x, &small_x));
  expect_ok(sporkle_gl_buffer_create(world.context, world.device, sizeof x, NULL, &small_y));
  own_dispatch(program, small_x, small_y, 64);
  own_read(small_y, x, 64);
  assert_true(x[0] >= 3 && x[0] <= 3);
  measure("library_thread_takes_a_command", hop, ",");
  measure("empty_hand_over_and_fence", fence_over_caller, ",");
  measure("dispatch_and_read_on_own_thread", own_thread, ",");
  on_own_thread();
  printf("}\n");
  job_free(&job);
  world_close(&world);
}

int main(void) {
  char *device[] = {(char *)"bench_round_trip", (char *)"gl"};
  test_device_select(2, device);
  const struct CMUnitTest tests[] = {cmocka_unit_test(round_trips)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
