// Settings: names, values, where they come from.
#include "conformance/conformance.h"
#include "support/world.h"

static sporkle_option_info find_option(sporkle_context context, const char *name) {
  uint32_t count = 0;
  expect_ok(sporkle_option_count(context, &count));
  for (uint32_t i = 0; i < count; ++i) {
    sporkle_option_info info = SPORKLE_OPTION_INFO_INIT;
    expect_ok(sporkle_option_describe(context, i, &info));
    if (strcmp(info.name, name) == 0) return info;
  }
  print_error("no option %s\n", name);
  fail();
  return (sporkle_option_info)SPORKLE_OPTION_INFO_INIT;
}

static void every_option_is_described(void **state) {
  (void)state;
  World world;
  world_open(&world);
  uint32_t count = 0;
  expect_ok(sporkle_option_count(world.context, &count));
  assert_in_range(count, 6, 15);
  for (uint32_t i = 0; i < count; ++i) {
    sporkle_option_info info = SPORKLE_OPTION_INFO_INIT;
    expect_ok(sporkle_option_describe(world.context, i, &info));
    assert_int_equal(strncmp(info.name, "SPORKLE_", 8), 0);
    assert_true(strlen(info.description) > 0);
    assert_true(strcmp(info.origin, "argument") == 0 || strcmp(info.origin, "environment") == 0 ||
                strcmp(info.origin, "default") == 0);
  }
  sporkle_option_info info = SPORKLE_OPTION_INFO_INIT;
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "index",
                 sporkle_option_describe(world.context, count, &info));
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "index",
                 sporkle_option_describe(world.context, UINT32_MAX, &info));
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "out_info",
                 sporkle_option_describe(world.context, 0, NULL));
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "out_count",
                 sporkle_option_count(world.context, NULL));
  world_close(&world);
}

static void argument_wins_over_variable(void **state) {
  (void)state;
  World world;
  setenv("SPORKLE_THREADS", "2", 1);
  sporkle_context_desc desc = world_desc(&world);
  world_open_with(&world, &desc);
  sporkle_option_info info = find_option(world.context, "SPORKLE_THREADS");
  assert_string_equal(info.origin, "environment");
  world_close(&world);
  desc.threads = 1;
  world_open_with(&world, &desc);
  info = find_option(world.context, "SPORKLE_THREADS");
  assert_string_equal(info.origin, "argument");
  assert_int_equal(info.value[0], '1');
  world_close(&world);
  unsetenv("SPORKLE_THREADS");
  desc.threads = 0;
  world_open_with(&world, &desc);
  info = find_option(world.context, "SPORKLE_THREADS");
  assert_string_equal(info.origin, "default");
  world_close(&world);
}

static void device_variable(void **state) {
  (void)state;
  World world;
  sporkle_context_desc desc = world_desc(&world);
  desc.flags = 0;
  setenv("SPORKLE_DEVICE", "null", 1);
  sporkle_context context = NULL;
  expect_ok(sporkle_context_create(&desc, &context));
  uint32_t device = 0;
  expect_ok(sporkle_device_find(context, "null", &device));
  assert_string_equal(find_option(context, "SPORKLE_DEVICE").value, "null");
  expect_ok(sporkle_context_destroy(context));
  setenv("SPORKLE_DEVICE", "quantum", 1);
  expect_status(SPORKLE_ERROR_DEVICE_UNAVAILABLE, sporkle_context_create(&desc, &context));
  desc.device = "cpu";
  expect_ok(sporkle_context_create(&desc, &context));
  expect_ok(sporkle_context_destroy(context));
  unsetenv("SPORKLE_DEVICE");
  world_check_memory(&world);
}

static void bad_variable_is_named(const char *name, const char *value) {
  World world;
  const sporkle_context_desc desc = world_desc(&world);
  setenv(name, value, 1);
  sporkle_context context = NULL;
  const sporkle_status status = sporkle_context_create(&desc, &context);
  unsetenv(name);
  expect_status(SPORKLE_ERROR_INVALID_ARGUMENT, status);
  char text[512];
  sporkle_last_error(text, sizeof text);
  expect_true(strstr(text, name) != NULL, "%s", text);
  assert_null(context);
  world_check_memory(&world);
}

static void bad_variables(void **state) {
  (void)state;
  bad_variable_is_named("SPORKLE_THREADS", "many");
  bad_variable_is_named("SPORKLE_THREADS", "-1");
  bad_variable_is_named("SPORKLE_CPU_ISA", "mmx");
  bad_variable_is_named("SPORKLE_REQUIRE", "luck");
  bad_variable_is_named("SPORKLE_REPRODUCIBLE", "mostly");
  bad_variable_is_named("SPORKLE_GL_PATIENCE", "long");
  bad_variable_is_named("SPORKLE_GL_WORK_LIMIT", "soon");
}

// By name, an instruction set of another kind of processor is refused; auto goes on.
static void missing_isa_is_named(void **state) {
  (void)state;
#if defined(__x86_64__)
  const char *const foreign = "neon";
#else
  const char *const foreign = "avx2";
#endif
  for (int by_variable = 0; by_variable <= 1; ++by_variable) {
    World world;
    sporkle_context_desc desc = world_desc(&world);
    sporkle_context context = NULL;
    char *const kept = getenv("SPORKLE_CPU_ISA");
    char *const value = kept == NULL ? NULL : strdup(kept);
    if (by_variable) setenv("SPORKLE_CPU_ISA", foreign, 1);
    else desc.cpu_isa = foreign;
    const sporkle_status status = sporkle_context_create(&desc, &context);
    if (value == NULL) unsetenv("SPORKLE_CPU_ISA");
    else setenv("SPORKLE_CPU_ISA", value, 1);
    free(value);
    expect_status(SPORKLE_ERROR_UNSUPPORTED, status);
    char text[512];
    sporkle_last_error(text, sizeof text);
    expect_true(strstr(text, by_variable ? "SPORKLE_CPU_ISA" : "desc.cpu_isa") != NULL, "%s", text);
    expect_true(strstr(text, foreign) != NULL, "%s", text);
    assert_null(context);
    desc.cpu_isa = "auto";
    expect_ok(sporkle_context_create(&desc, &context));
    expect_ok(sporkle_context_destroy(context));
    world_check_memory(&world);
  }
}

static void unknown_variable_warns_with_nearest_name(void **state) {
  (void)state;
  World world;
  setenv("SPORKLE_THRAEDS", "2", 1);
  world_open(&world);
  unsetenv("SPORKLE_THRAEDS");
  expect_true(log_capture_contains(&world.log, "SPORKLE_THRAEDS"), "%s", world.log.text);
  expect_true(log_capture_contains(&world.log, "SPORKLE_THREADS"), "%s", world.log.text);
  assert_int_equal(world.log.warnings, 1);
  world_close(&world);
}

GROUP(group_options, "options", cmocka_unit_test(every_option_is_described),
      cmocka_unit_test(argument_wins_over_variable), cmocka_unit_test(device_variable),
      cmocka_unit_test(bad_variables), cmocka_unit_test(missing_isa_is_named),
      cmocka_unit_test(unknown_variable_warns_with_nearest_name))
