// Drivers that lack something from the start: refused with a reason, or used
// without it. Never a crash, never a wrong result.
#include "faults/control.h"

// Opens, computes when there is a device, closes. Returns whether there was one.
static bool try_driver(const char *faults, char *reason, size_t capacity) {
  World world;
  const uint64_t start = clock_ns();
  const bool usable = world_try_gl(&world, faults);
  expect_true(clock_ns() - start < 30000000000u, "%s", faults);
  reason[0] = '\0';
  if (usable) {
    world_check_usable(&world);
  } else {
    sporkle_last_error(reason, capacity);
    expect_true(strlen(reason) > 10, "%s: no reason given", faults);
    uint32_t count = 0;
    expect_ok(sporkle_unavailable_count(world.context, &count));
    assert_true(count > 0);
  }
  world_close_gl(&world);
  return usable;
}

static void expect_device(const char *faults, bool wanted, const char *part) {
  char reason[512];
  const bool usable = try_driver(faults, reason, sizeof reason);
  expect_true(usable == wanted, "%s: %s", faults, usable ? "usable" : reason);
  if (part != NULL) expect_true(strstr(reason, part) != NULL, "%s: %s", faults, reason);
}

static void missing_functions(void **state) {
  (void)state;
  static const char *const functions[] = {
      "glBindBuffer", "glBindBufferBase", "glBindBufferRange", "glBufferSubData",
      "glCopyBufferSubData", "glGetBufferSubData", "glFlushMappedBufferRange", "glUniform1ui",
      "glUniform4uiv", "glQueryCounter", "glGetQueryObjectui64v", "glShaderSource",
      "glAttachShader", "glProgramParameteri", "glProgramBinary", "glGetProgramBinary",
      "glGetIntegeri_v", "glGetInteger64v", "glMemoryBarrier", "glDetachShader",
      "glGetShaderInfoLog", "glGetProgramInfoLog", "glGetError", "glGetString", "glGetStringi",
      "glGetIntegerv", "glGetGraphicsResetStatus", "glFenceSync", "glClientWaitSync",
      "glDeleteSync", "glFlush", "glUseProgram", "glDispatchCompute", "glBufferData",
      "glBufferStorage", "glMapBufferRange", "glGenBuffers", "glDeleteBuffers", "glGenQueries",
      "glDeleteQueries", "glCreateShader", "glDeleteShader", "glCreateProgram",
      "glDeleteProgram", "glCompileShader", "glGetShaderiv", "glLinkProgram", "glGetProgramiv",
  };
  int usable = 0;
  for (size_t i = 0; i < COUNT_OF(functions); ++i) {
    char text[128], reason[512];
    snprintf(text, sizeof text, "missing-function=%s*", functions[i]);
    usable += try_driver(text, reason, sizeof reason);
  }
  printf("missing functions: %zu, %d of them not needed\n", COUNT_OF(functions), usable);
}

static void missing_extensions(void **state) {
  (void)state;
  expect_device("missing-extension=EGL_KHR_no_config_context*", false, "EGL_KHR_no_config_context");
  expect_device("missing-extension=EGL_KHR_surfaceless_context*", false,
                "EGL_KHR_surfaceless_context");
  expect_device("version=4.3*;missing-extension=GL_ARB_buffer_storage*", true, NULL);
  expect_device("version=4.2*", false, "4.");
}

static void contexts(void **state) {
  (void)state;
  // The first attempt asks for robustness.
  expect_device("no-context", true, NULL);
  expect_device("no-context*", false, "context");
}

static void shaders_that_do_not_compile(void **state) {
  (void)state;
  expect_device("compile-error", false, "compile");
  World world;
  world_open_gl(&world, NULL, false);
  // The next kernel in the list takes the place of the one that fails.
  Tensors t;
  sporkle_conv2d_desc problem = small_problem();
  problem.kernel_h = problem.kernel_w = 5;
  tensors_make(&t, &problem, 4);
  plan_faults("compile-error");
  expect_ok(tensors_conv2d(&t, world.context, world.device));
  assert_int_equal(control.struck("compile-error"), 1);
  tensors_check(&t, t.output);
  tensors_free(&t);
  plan_faults("compile-error*");
  problem.kernel_h = problem.kernel_w = 1;
  tensors_make(&t, &problem, 4);
  sporkle_plan plan = NULL;
  expect_status(SPORKLE_ERROR_OPERATION_FAILED,
                sporkle_plan_create(world.context, world.device, &problem, t.weights, t.bias,
                                    &plan));
  tensors_free(&t);
  control.clear();
  world_check_usable(&world);
  world_close_gl(&world);
}

static void errors_without_end(void **state) {
  (void)state;
  expect_device("error-storm*", false, NULL);
  World world;
  world_open_gl(&world, NULL, false);
  const sporkle_conv2d_desc problem = small_problem();
  Job job;
  job_prepare(&job, &world, &problem, 5);
  plan_faults("error-storm*");
  expect_status(SPORKLE_ERROR_OPERATION_FAILED, job_run(&job));
  job_end_fence(&job);
  control.clear();
  expect_ok(job_run(&job));
  job_check(&job);
  job_free(&job);
  world_close_gl(&world);
}

const struct CMUnitTest start_tests[] = {
    cmocka_unit_test(missing_functions), cmocka_unit_test(missing_extensions),
    cmocka_unit_test(contexts), cmocka_unit_test(shaders_that_do_not_compile),
    cmocka_unit_test(errors_without_end),
};
const size_t start_test_count = COUNT_OF(start_tests);
