// Where the time of one small synchronous convolution on an OpenGL device goes:
// its parts, measured apart. 1x3x32x32, K=16, 3x3. Prints JSON, medians in us.
#include "gl/own_gl.h"

enum { warm = 200, repeats = 1000 };

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
         "  \"kernel_on_device\": %.2f,\n", info.name, (double)result.device_ns / 1e3);
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
  measure("dispatch_and_read_on_own_thread", own_thread, "");
  printf("}\n");
  job_free(&job);
  world_close(&world);
}

int main(void) {
  char *device[] = {(char *)"bench_round_trip", (char *)"gl"};
  if (!test_device_select(2, device)) return TEST_SKIPPED;
  const struct CMUnitTest tests[] = {cmocka_unit_test(round_trips)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
