// OpenGL interop: names, values and hand-overs with a caller's own commands, and
// what is refused.
#include "gl/interop.h"

#include <fenv.h>

enum { count = 1000 };

static float x[count], y[count];

static void fill(float *values, float base) {
  for (int i = 0; i < count; ++i) values[i] = base + (float)(i % 97) * 0.25f;
}

static void expect_doubled(const float *from, const float *to) {
  for (int i = 0; i < count; ++i) {
    const float want = 2.0f * from[i] + 1.0f;
    expect_true(to[i] >= want && to[i] <= want, "value %d: %g, not %g", i, (double)to[i],
                (double)want);
  }
}

static uint32_t make(World *w, const float *data) {
  uint32_t name = 0;
  expect_ok(sporkle_gl_buffer_create(w->context, w->device, sizeof x, data, &name));
  assert_true(own.is_buffer(name));
  return name;
}

void interop_open(World *world) {
  test_device = "gl";
  world_open(world);
  own_load();
}

static void names_are_real(void **state) {
  (void)state;
  World w;
  interop_open(&w);
  assert_null(own.current_context());
  expect_ok(sporkle_gl_attach(w.context, w.device));
  assert_non_null(own.current_context());
  fill(x, 1.0f);
  const uint32_t a = make(&w, x), b = make(&w, NULL), program = own_program(&w);
  own_dispatch(program, a, b, count);
  own_read(b, y, count);
  expect_doubled(x, y);
  // The same through the library's calls, which leave the caller's bindings.
  fill(x, 5.0f);
  expect_ok(sporkle_gl_buffer_write(w.context, w.device, a, 0, sizeof x, x));
  expect_ok(sporkle_gl_buffer_bind(w.context, w.device, 0, a));
  expect_ok(sporkle_gl_buffer_bind(w.context, w.device, 1, b));
  expect_ok(sporkle_gl_dispatch(w.context, w.device, program, (count + 63) / 64, 1, 1));
  memset(y, 0, sizeof y);
  expect_ok(sporkle_gl_buffer_read(w.context, w.device, b, 40, sizeof y - 40, y + 10));
  for (int i = 0; i < 10; ++i) y[i] = 2.0f * x[i] + 1.0f;
  expect_doubled(x, y);
  own_read(b, y, count);
  expect_doubled(x, y);
  expect_ok(sporkle_gl_buffer_delete(w.context, w.device, a));
  assert_false(own.is_buffer(a));
  expect_ok(sporkle_gl_buffer_delete(w.context, w.device, b));
  expect_ok(sporkle_gl_program_delete(w.context, w.device, program));
  expect_ok(sporkle_gl_detach(w.context, w.device));
  assert_null(own.current_context());
  world_close(&w);
}

static void binaries_come_back(void **state) {
  (void)state;
  World w;
  interop_open(&w);
  expect_ok(sporkle_gl_attach(w.context, w.device));
  const uint32_t program = own_program(&w);
  uint64_t size = 0;
  uint32_t format = 0, again = 0;
  const sporkle_status saved =
      sporkle_gl_program_save(w.context, w.device, program, NULL, 0, &size, &format);
  if (saved == SPORKLE_ERROR_UNSUPPORTED) skip();
  expect_ok(saved);
  unsigned char *data = malloc(size);
  uint64_t asked = size;
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "capacity",
                 sporkle_gl_program_save(w.context, w.device, program, data, size - 1, &asked,
                                         &format));
  assert_int_equal(asked, size);
  expect_ok(sporkle_gl_program_save(w.context, w.device, program, data, size, &size, &format));
  expect_ok(sporkle_gl_program_load(w.context, w.device, format, data, size, &again));
  fill(x, 2.0f);
  const uint32_t a = make(&w, x), b = make(&w, NULL);
  own_dispatch(again, a, b, count);
  own_read(b, y, count);
  expect_doubled(x, y);
  memset(data, 0x5a, size);
  expect_refused(SPORKLE_ERROR_OPERATION_FAILED, "data",
                 sporkle_gl_program_load(w.context, w.device, format, data, size, &again));
  free(data);
  world_close(&w);
}

// The caller's shader writes the input of a convolution; another reads its
// output. No call waits on the CPU in between but for the last read.
static void work_goes_back_and_forth(void **state) {
  (void)state;
  World w;
  interop_open(&w);
  sporkle_conv2d_desc desc;
  sporkle_conv2d_desc_set(&desc, 1, 16, 16, 16, 16, 3, 1, 1);
  expect_ok(sporkle_gl_attach(w.context, w.device));
  const uint32_t program = own_program(&w);
  job_usage = SPORKLE_BUFFER_OPENGL;
  for (uint64_t round = 0; round < 20; ++round) {
    Job job;
    job_prepare(&job, &w, &desc, round);
    uint32_t input = 0, output = 0, before = 0, after = 0;
    expect_ok(sporkle_gl_buffer_name(job.input, &input));
    expect_ok(sporkle_gl_buffer_name(job.output, &output));
    Tensors *t = &job.tensors;
    const uint32_t floats = (uint32_t)(t->info.input_size / sizeof(float));
    expect_ok(sporkle_gl_buffer_create(w.context, w.device, t->info.input_size, t->input,
                                       &before));
    expect_ok(sporkle_gl_buffer_create(w.context, w.device, t->info.output_size, NULL, &after));
    for (uint32_t i = 0; i < floats; ++i) t->input[i] = 2.0f * t->input[i] + 1.0f;
    // The CPU has flushed the input: without this the flush could come later.
    expect_ok(sporkle_gl_take_over(w.context, w.device, job.input));
    own_dispatch(program, before, input, floats);
    expect_ok(sporkle_gl_hand_over(w.context, w.device, NULL));
    job_submit(&job);
    expect_ok(sporkle_gl_take_over(w.context, w.device, NULL));
    own_dispatch(program, output, after, (uint32_t)(t->info.output_size / sizeof(float)));
    float *const result = malloc(t->info.output_size);
    own_read(after, result, (uint32_t)(t->info.output_size / sizeof(float)));
    for (uint64_t i = 0; i < t->info.output_size / sizeof(float); ++i) {
      result[i] = (result[i] - 1.0f) / 2.0f;
    }
    tensors_check(t, result);
    free(result);
    expect_ok(sporkle_fence_wait(job.fence, SPORKLE_TIMEOUT_INFINITE));
    job_check(&job);
    expect_ok(sporkle_gl_buffer_delete(w.context, w.device, before));
    expect_ok(sporkle_gl_buffer_delete(w.context, w.device, after));
    job_free(&job);
  }
  world_close(&w);
}

// Only the library's memory: the CPU writes, the caller's shader computes in
// place of it, the CPU reads after a fence.
static void buffers_go_through_the_caller(void **state) {
  (void)state;
  World w;
  interop_open(&w);
  expect_ok(sporkle_gl_attach(w.context, w.device));
  const uint32_t program = own_program(&w);
  sporkle_buffer_desc desc = SPORKLE_BUFFER_DESC_INIT;
  desc.device = w.device;
  desc.size = sizeof x;
  desc.usage = SPORKLE_BUFFER_OPENGL;
  sporkle_buffer from = NULL, to = NULL;
  expect_ok(sporkle_buffer_create(w.context, &desc, &from));
  expect_ok(sporkle_buffer_create(w.context, &desc, &to));
  void *source = NULL, *target = NULL;
  expect_ok(sporkle_buffer_data(from, &source));
  expect_ok(sporkle_buffer_data(to, &target));
  uint32_t from_name = 0, to_name = 0;
  expect_ok(sporkle_gl_buffer_name(from, &from_name));
  expect_ok(sporkle_gl_buffer_name(to, &to_name));
  for (int round = 0; round < 20; ++round) {
    fill(x, (float)round);
    memcpy(source, x, sizeof x);
    memset(target, 0, sizeof y);
    expect_ok(sporkle_buffer_flush(from, 0, sizeof x));
    expect_ok(sporkle_buffer_flush(to, 0, sizeof x));
    expect_ok(sporkle_gl_take_over(w.context, w.device, to));
    expect_ok(sporkle_gl_take_over(w.context, w.device, from));
    own_dispatch(program, from_name, to_name, count);
    expect_ok(sporkle_gl_hand_over(w.context, w.device, to));
    sporkle_fence fence = NULL;
    expect_ok(sporkle_fence_insert(w.context, w.device, "caller", &fence));
    expect_ok(sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE));
    expect_ok(sporkle_buffer_invalidate(to, 0, sizeof y));
    expect_doubled(x, target);
    expect_ok(sporkle_fence_destroy(fence));
  }
  world_close(&w);
}

// A fence behind a hand-over does not signal before the caller's commands end.
static void fences_cover_the_caller(void **state) {
  (void)state;
  static const char slow[] =
      "#version 430 core\nlayout(local_size_x = 64) in;\n"
      "layout(std430, binding = 0) buffer X { float x[]; };\n"
      "void main() { float s = x[gl_GlobalInvocationID.x];\n"
      "  for (int i = 0; i < 200000; ++i) s = fract(s * 1.1 + 0.3);\n"
      "  x[gl_GlobalInvocationID.x] = s; }\n";
  World w;
  interop_open(&w);
  expect_ok(sporkle_gl_attach(w.context, w.device));
  uint32_t program = 0;
  expect_ok(sporkle_gl_program_create(w.context, w.device, slow, sizeof slow - 1, &program));
  const uint32_t buffer = make(&w, NULL);
  expect_ok(sporkle_gl_buffer_bind(w.context, w.device, 0, buffer));
  // A read may wait for the processor; it does not do so in every round.
  bool covered = false;
  for (int round = 0; round < 10 && !covered; ++round) {
    const uint64_t start = clock_ns();
    expect_ok(sporkle_gl_dispatch(w.context, w.device, program, 8, 1, 1));
    expect_ok(sporkle_gl_hand_over(w.context, w.device, NULL));
    const uint64_t handed = clock_ns() - start;
    sporkle_fence fence = NULL;
    expect_ok(sporkle_fence_insert(w.context, w.device, NULL, &fence));
    const sporkle_status early = sporkle_fence_poll(fence);
    expect_ok(sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE));
    // What remains after the fence is only the copy.
    const uint64_t waited = clock_ns();
    expect_ok(sporkle_gl_buffer_read(w.context, w.device, buffer, 0, sizeof y, y));
    const uint64_t read = clock_ns() - waited, total = waited - start;
    printf("hand-over %.2f ms, fence %s, signalled at %.2f ms, read %.2f ms\n",
           (double)handed / 1e6, early == SPORKLE_NOT_READY ? "pending" : "signalled",
           (double)total / 1e6, (double)read / 1e6);
    expect_ok(sporkle_fence_destroy(fence));
    // First call compiles; llvmpipe computes inside the dispatch.
    covered = round > 0 && read < total / 2 + 1000000;
    if (getenv("GALLIUM_DRIVER") != NULL && strcmp(getenv("GALLIUM_DRIVER"), "zink") == 0) {
      assert_int_equal(early, SPORKLE_NOT_READY);
    }
  }
  assert_true(covered);
  world_close(&w);
}

static void traps_stay(void **state) {
  (void)state;
  const int traps = FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW;
  feenableexcept(traps);
  World w;
  interop_open(&w);
  expect_ok(sporkle_gl_attach(w.context, w.device));
  fill(x, 3.0f);
  const uint32_t a = make(&w, x), b = make(&w, NULL), program = own_program(&w);
  expect_ok(sporkle_gl_buffer_bind(w.context, w.device, 0, a));
  expect_ok(sporkle_gl_buffer_bind(w.context, w.device, 1, b));
  expect_ok(sporkle_gl_dispatch(w.context, w.device, program, (count + 63) / 64, 1, 1));
  expect_ok(sporkle_gl_buffer_read(w.context, w.device, b, 0, sizeof y, y));
  assert_int_equal(fegetexcept(), traps);
  fedisableexcept(traps);
  expect_doubled(x, y);
  world_close(&w);
}

static const struct CMUnitTest values[] = {
    cmocka_unit_test(names_are_real),
    cmocka_unit_test(binaries_come_back),
    cmocka_unit_test(work_goes_back_and_forth),
    cmocka_unit_test(buffers_go_through_the_caller),
    cmocka_unit_test(fences_cover_the_caller),
    cmocka_unit_test(traps_stay),
};

// gl_interop GROUP [TEST]: one group, or one test of it.
int main(int argc, char **argv) {
  const char *group = argc > 1 ? argv[1] : "";
  if (argc > 2) cmocka_set_test_filter(argv[2]);
  char *device[] = {argv[0], (char *)"gl"};
  test_device_select(2, device);
  if (strcmp(group, "values") == 0) return cmocka_run_group_tests(values, NULL, NULL);
  if (strcmp(group, "misuse") == 0) return interop_misuse();
  if (strcmp(group, "threads") == 0) return interop_threads();
  if (strcmp(group, "fork") == 0) return interop_fork();
  if (strcmp(group, "lost") == 0) return interop_lost();
  if (strcmp(group, "exit") == 0) return interop_exit();
  printf("gl_interop: no group %s\n", group);
  return 2;
}
