// What the library does when the environment hides, breaks or names devices.
#include "gl/device.h"

#include <stdlib.h>

// A problem above the selector's threshold of 500 MFLOP.
static sporkle_conv2d_desc large_problem(void) {
  sporkle_conv2d_desc desc;
  sporkle_conv2d_desc_set(&desc, 1, 64, 64, 64, 128, 3, 1, 1);
  return desc;
}

static sporkle_status create(const char *device, uint32_t flags, sporkle_context *out) {
  sporkle_context_desc desc = SPORKLE_CONTEXT_DESC_INIT;
  desc.log_level = SPORKLE_LOG_OFF;
  desc.device = device;
  desc.flags = flags;
  return sporkle_context_create(&desc, out);
}

static void expect_creation_fails(const char *device, uint32_t flags, const char *part) {
  sporkle_context context = NULL;
  char text[512];
  assert_int_equal(create(device, flags, &context), SPORKLE_ERROR_DEVICE_UNAVAILABLE);
  assert_null(context);
  sporkle_last_error(text, sizeof text);
  expect_true(strstr(text, part) != NULL, "text: %s", text);
}

// Without a usable OpenGL device everything goes to the CPU.
static void expect_cpu_works(sporkle_context context) {
  const sporkle_conv2d_desc problem = large_problem();
  uint32_t device = 99;
  expect_ok(sporkle_conv2d_select(context, SPORKLE_DEVICE_AUTO, &problem, &device));
  assert_int_equal(device, 0);
  const sporkle_conv2d_desc small = small_problem();
  Tensors t;
  tensors_make(&t, &small, 2);
  expect_ok(tensors_conv2d(&t, context, SPORKLE_DEVICE_AUTO));
  tensors_check(&t, t.output);
  tensors_free(&t);
}

static void no_device(const char *id, const char *reason) {
  sporkle_context context = NULL;
  expect_ok(create(NULL, 0, &context));
  assert_true(gl_index(context) < 0);
  assert_true(reported_unavailable(context, id, reason));
  expect_cpu_works(context);
  expect_ok(sporkle_context_destroy(context));
  expect_creation_fails("gl", 0, reason);
  expect_creation_fails(NULL, SPORKLE_CONTEXT_REQUIRE_GPU, reason);
}

static void noop_driver_is_refused(void **state) {
  (void)state;
  no_device("", "computes nothing");
}

static void hidden_libraries_leave_the_cpu(void **state) {
  (void)state;
  no_device("SPORKLE-ENV-09", "libEGL");
}

static void named_nothing_is_an_error(void **state) {
  (void)state;
  if (getenv("SPORKLE_GL_DEVICE") == NULL) skip();
  no_device("SPORKLE-ENV-07", "no-such-card");
}

static void naming_software_is_asking(void **state) {
  (void)state;
  World world;
  need_gl(&world);
  char text[200];
  device_property_text(&world, "default_reason", text, sizeof text);
  assert_memory_equal(text, "yes", 3);
  const sporkle_conv2d_desc problem = large_problem();
  uint32_t device = 99;
  expect_ok(sporkle_conv2d_select(world.context, SPORKLE_DEVICE_AUTO, &problem, &device));
  assert_int_equal(device, world.device);
  world_close(&world);
}

// One kernel for every problem that it takes, the usual choice for the others.
static void kernel_by_name(void **state) {
  (void)state;
  static const struct {
    const char *kernel;
    bool known, taken;  // of a 3 x 3 problem without groups
  } cases[] = {{"direct_1x4", true, true},
               {"direct_8x1", true, true},
               {"depthwise_2x4", true, false},
               {"direct_9x9", false, false}};
  for (size_t i = 0; i < COUNT_OF(cases); ++i) {
    World world;
    setenv("SPORKLE_GL_KERNEL", cases[i].kernel, 1);
    need_gl(&world);
    unsetenv("SPORKLE_GL_KERNEL");
    sporkle_conv2d_desc desc;
    sporkle_conv2d_desc_set(&desc, 1, 8, 12, 12, 16, 3, 1, 1);
    Tensors t;
    tensors_make(&t, &desc, 4);
    sporkle_plan plan = NULL;
    if (!cases[i].known) {
      expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "SPORKLE_GL_KERNEL",
                     sporkle_plan_create(world.context, world.device, &desc, t.weights, t.bias,
                                         &plan));
      assert_null(plan);
    } else {
      sporkle_plan_info info = SPORKLE_PLAN_INFO_INIT;
      expect_ok(sporkle_plan_create(world.context, world.device, &desc, t.weights, t.bias, &plan));
      expect_ok(sporkle_plan_describe(plan, &info));
      assert_int_equal(strcmp(info.algorithm, cases[i].kernel) == 0, cases[i].taken);
      expect_ok(sporkle_plan_run(plan, t.input, t.residual, t.output, NULL));
      tensors_check(&t, t.output);
      expect_ok(sporkle_plan_destroy(plan));
    }
    tensors_free(&t);
    world_close(&world);
  }
}

static void cpu_only_opens_no_driver(void **state) {
  (void)state;
  sporkle_context context = NULL;
  expect_ok(create(NULL, 0, &context));
  assert_true(gl_index(context) < 0);
  assert_true(reported_unavailable(context, "", "not looked for"));
  char maps[4096];
  FILE *file = fopen("/proc/self/maps", "r");
  assert_non_null(file);
  while (fgets(maps, sizeof maps, file) != NULL) assert_null(strstr(maps, "libEGL"));
  fclose(file);
  expect_ok(sporkle_context_destroy(context));
}

const struct CMUnitTest test_noop = {"noop", noop_driver_is_refused, NULL, NULL, NULL};
const struct CMUnitTest test_hidden = {"hidden", hidden_libraries_leave_the_cpu, NULL, NULL, NULL};
const struct CMUnitTest test_named_software = {"named_software", naming_software_is_asking, NULL,
                                               NULL, NULL};
const struct CMUnitTest test_named_nothing = {"named_nothing", named_nothing_is_an_error, NULL,
                                              NULL, NULL};
const struct CMUnitTest test_cpu_only = {"cpu_only", cpu_only_opens_no_driver, NULL, NULL, NULL};
const struct CMUnitTest test_kernel_by_name = {"kernel_by_name", kernel_by_name, NULL, NULL, NULL};
