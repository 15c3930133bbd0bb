// Devices: enumeration, description, properties, lookup.
#include "conformance/conformance.h"
#include "support/world.h"

static void check_device(World *world, uint32_t index) {
  sporkle_device_info info = SPORKLE_DEVICE_INFO_INIT;
  expect_ok(sporkle_device_describe(world->context, index, &info));
  assert_int_equal(info.struct_size, sizeof info);
  assert_int_equal(info.index, index);
  assert_in_range(info.kind, SPORKLE_DEVICE_KIND_CPU, SPORKLE_DEVICE_KIND_NULL);
  assert_true(info.spec[0] != '\0' && info.name[0] != '\0' && info.driver[0] != '\0');
  uint32_t found = UINT32_MAX;
  expect_ok(sporkle_device_find(world->context, info.spec, &found));
  assert_int_equal(found, index);
  for (uint32_t p = 0; p < info.property_count; ++p) {
    sporkle_property property = SPORKLE_PROPERTY_INIT;
    expect_ok(sporkle_device_property(world->context, index, p, &property));
    assert_true(property.key[0] != '\0');
  }
  sporkle_property property = SPORKLE_PROPERTY_INIT;
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "index",
                 sporkle_device_property(world->context, index, info.property_count, &property));
}

static void every_device(void **state) {
  (void)state;
  World world;
  world_open(&world);
  uint32_t count = 0;
  expect_ok(sporkle_device_count(world.context, &count));
  int preferred = 0;
  for (uint32_t i = 0; i < count; ++i) {
    check_device(&world, i);
    sporkle_device_info info = SPORKLE_DEVICE_INFO_INIT;
    expect_ok(sporkle_device_describe(world.context, i, &info));
    if (info.flags & SPORKLE_DEVICE_DEFAULT) ++preferred;
    if (i == 0) assert_int_equal(info.kind, SPORKLE_DEVICE_KIND_CPU);
    if (i == 0) assert_string_equal(info.spec, "cpu");
  }
  assert_int_equal(preferred, 1);
  world_close(&world);
}

static void null_describes_itself(void **state) {
  (void)state;
  World world;
  world_open(&world);
  uint32_t device = 0;
  expect_ok(sporkle_device_find(world.context, "null", &device));
  sporkle_device_info info = SPORKLE_DEVICE_INFO_INIT;
  expect_ok(sporkle_device_describe(world.context, device, &info));
  assert_int_equal(info.kind, SPORKLE_DEVICE_KIND_NULL);
  assert_int_equal(info.flags & (SPORKLE_DEVICE_SIMULATED | SPORKLE_DEVICE_SOFTWARE),
                   SPORKLE_DEVICE_SIMULATED);
  assert_string_equal(info.name, "null device");
  assert_string_equal(info.driver, "virtual clock, float64 reference");
  static const char *const keys[] = {"virtual_time_ns", "operations", "clock"};
  assert_int_equal(info.property_count, COUNT_OF(keys));
  for (uint32_t i = 0; i < COUNT_OF(keys); ++i) {
    sporkle_property property = SPORKLE_PROPERTY_INIT;
    expect_ok(sporkle_device_property(world.context, device, i, &property));
    assert_string_equal(property.key, keys[i]);
  }
  world_close(&world);
}

static void refusals(void **state) {
  (void)state;
  World world;
  world_open(&world);
  uint32_t count = 0, found = 7;
  expect_ok(sporkle_device_count(world.context, &count));
  sporkle_device_info info = SPORKLE_DEVICE_INFO_INIT;
  sporkle_property property = SPORKLE_PROPERTY_INIT;
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "device",
                 sporkle_device_describe(world.context, count, &info));
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "device",
                 sporkle_device_describe(world.context, SPORKLE_DEVICE_AUTO, &info));
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "out_info",
                 sporkle_device_describe(world.context, 0, NULL));
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "device",
                 sporkle_device_property(world.context, count, 0, &property));
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "out_property",
                 sporkle_device_property(world.context, 0, 0, NULL));
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "out_count",
                 sporkle_device_count(world.context, NULL));
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "spec",
                 sporkle_device_find(world.context, NULL, &found));
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "out_device",
                 sporkle_device_find(world.context, "cpu", NULL));
  expect_refused(SPORKLE_ERROR_DEVICE_UNAVAILABLE, "spec",
                 sporkle_device_find(world.context, "quantum", &found));
  char text[512];
  sporkle_last_error(text, sizeof text);
  expect_true(strstr(text, "cpu") != NULL, "the devices that exist are missing: %s", text);
  expect_status(SPORKLE_ERROR_DEVICE_UNAVAILABLE,
                sporkle_device_find(world.context, "cpu:1", &found));
  expect_ok(sporkle_device_find(world.context, "auto", &found));
  assert_int_equal(found, SPORKLE_DEVICE_AUTO);
  world_close(&world);
}

static void unavailable_have_reason_and_cure(void **state) {
  (void)state;
  World world;
  world_open(&world);
  uint32_t count = 0;
  expect_ok(sporkle_unavailable_count(world.context, &count));
  for (uint32_t i = 0; i < count; ++i) {
    sporkle_unavailable_info info = SPORKLE_UNAVAILABLE_INFO_INIT;
    expect_ok(sporkle_unavailable_describe(world.context, i, &info));
    assert_true(info.backend[0] != '\0' && info.reason[0] != '\0' && info.cure[0] != '\0');
  }
  sporkle_unavailable_info info = SPORKLE_UNAVAILABLE_INFO_INIT;
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "index",
                 sporkle_unavailable_describe(world.context, count, &info));
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "out_info",
                 sporkle_unavailable_describe(world.context, 0, NULL));
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "out_count",
                 sporkle_unavailable_count(world.context, NULL));
  world_close(&world);
}

GROUP(group_devices, "devices", cmocka_unit_test(every_device),
      cmocka_unit_test(null_describes_itself), cmocka_unit_test(refusals),
      cmocka_unit_test(unavailable_have_reason_and_cure))
