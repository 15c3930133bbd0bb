// Buffers: address, ranges, usage, flush and invalidate.
#include "conformance/conformance.h"
#include "support/world.h"

static sporkle_buffer make(World *world, uint64_t size, uint32_t usage) {
  sporkle_buffer_desc desc = SPORKLE_BUFFER_DESC_INIT;
  desc.device = world->device;
  desc.size = size;
  desc.usage = usage;
  sporkle_buffer buffer = NULL;
  expect_ok(sporkle_buffer_create(world->context, &desc, &buffer));
  assert_non_null(buffer);
  return buffer;
}

static void address_and_description(void **state) {
  (void)state;
  World world;
  world_open(&world);
  static const uint64_t sizes[] = {1, 3, 64, 4095, 4097, 1 << 20};
  for (size_t i = 0; i < COUNT_OF(sizes); ++i) {
    sporkle_buffer buffer = make(&world, sizes[i], 0);
    sporkle_buffer_info info = SPORKLE_BUFFER_INFO_INIT;
    expect_ok(sporkle_buffer_describe(buffer, &info));
    assert_int_equal(info.size, sizes[i]);
    assert_int_equal(info.device, world.device);
    assert_int_equal(info.usage, 15);
    assert_in_range(info.placement, SPORKLE_PLACEMENT_HOST, SPORKLE_PLACEMENT_STAGING);
    assert_int_equal((uintptr_t)info.data % 64, 0);
    void *data = NULL;
    expect_ok(sporkle_buffer_data(buffer, &data));
    assert_ptr_equal(data, info.data);
    memset(data, 0x5a, sizes[i]);
    expect_ok(sporkle_buffer_flush(buffer, 0, sizes[i]));
    expect_ok(sporkle_buffer_invalidate(buffer, 0, sizes[i]));
    for (uint64_t b = 0; b < sizes[i]; ++b) assert_int_equal(((unsigned char *)data)[b], 0x5a);
    expect_ok(sporkle_buffer_destroy(buffer));
  }
  world_close(&world);
}

static void ranges(void **state) {
  (void)state;
  World world;
  world_open(&world);
  sporkle_buffer buffer = make(&world, 100, 0);
  const sporkle_status invalid = SPORKLE_ERROR_INVALID_ARGUMENT;
  expect_ok(sporkle_buffer_flush(buffer, 0, 0));
  expect_ok(sporkle_buffer_flush(buffer, 100, 0));
  expect_ok(sporkle_buffer_flush(buffer, 99, 1));
  expect_refused(invalid, "offset", sporkle_buffer_flush(buffer, 101, 0));
  expect_refused(invalid, "offset", sporkle_buffer_flush(buffer, 99, 2));
  expect_refused(invalid, "offset", sporkle_buffer_flush(buffer, UINT64_MAX, 2));
  expect_refused(invalid, "offset", sporkle_buffer_flush(buffer, 1, UINT64_MAX));
  expect_refused(invalid, "offset", sporkle_buffer_invalidate(buffer, 0, 101));
  expect_refused(invalid, "offset", sporkle_buffer_invalidate(buffer, UINT64_MAX, UINT64_MAX));
  expect_ok(sporkle_buffer_destroy(buffer));
  world_close(&world);
}

static void usage(void **state) {
  (void)state;
  World world;
  world_open(&world);
  const sporkle_status invalid = SPORKLE_ERROR_INVALID_ARGUMENT;
  sporkle_buffer output = make(&world, 64, SPORKLE_BUFFER_CPU_READ | SPORKLE_BUFFER_DEVICE_WRITE);
  expect_refused(invalid, "buffer", sporkle_buffer_flush(output, 0, 64));
  expect_ok(sporkle_buffer_invalidate(output, 0, 64));
  sporkle_buffer input = make(&world, 64, SPORKLE_BUFFER_CPU_WRITE | SPORKLE_BUFFER_DEVICE_READ);
  expect_refused(invalid, "buffer", sporkle_buffer_invalidate(input, 0, 64));
  expect_ok(sporkle_buffer_flush(input, 0, 64));
  world_close(&world);
}

static void create_refusals(void **state) {
  (void)state;
  World world;
  world_open(&world);
  sporkle_buffer buffer = (sporkle_buffer)(uintptr_t)1;
  sporkle_buffer_desc desc = SPORKLE_BUFFER_DESC_INIT;
  const sporkle_context c = world.context;
  const sporkle_status invalid = SPORKLE_ERROR_INVALID_ARGUMENT;
  desc.device = world.device;
  expect_refused(invalid, "desc.size", sporkle_buffer_create(c, &desc, &buffer));
  assert_null(buffer);
  desc.size = 64;
  desc.usage = 32;
  expect_refused(invalid, "desc.usage", sporkle_buffer_create(c, &desc, &buffer));
  desc.usage = 0;
  desc.reserved = 1;
  expect_refused(invalid, "desc.reserved", sporkle_buffer_create(c, &desc, &buffer));
  desc.reserved = 0;
  desc.device = 77;
  expect_refused(invalid, "desc.device", sporkle_buffer_create(c, &desc, &buffer));
  desc.device = world.device;
  expect_refused(invalid, "desc", sporkle_buffer_create(c, NULL, &buffer));
  expect_refused(invalid, "out_buffer", sporkle_buffer_create(c, &desc, NULL));
  static const uint64_t huge[] = {UINT64_MAX, UINT64_MAX / 2, UINT64_C(1) << 62,
                                  UINT64_C(1) << 47};
  for (size_t i = 0; i < COUNT_OF(huge); ++i) {
    desc.size = huge[i];
    const sporkle_status status = sporkle_buffer_create(c, &desc, &buffer);
    expect_true(status == SPORKLE_ERROR_OUT_OF_MEMORY || status == SPORKLE_ERROR_OVERFLOW ||
                    status == SPORKLE_ERROR_UNSUPPORTED,
                "%s", sporkle_status_name(status));
    assert_null(buffer);
  }
  desc.size = 64;
  expect_ok(sporkle_buffer_create(c, &desc, &buffer));
  expect_refused(invalid, "out_data", sporkle_buffer_data(buffer, NULL));
  expect_refused(invalid, "out_info", sporkle_buffer_describe(buffer, NULL));
  world_close(&world);
}

static void init_function_equals_macro(void **state) {
  (void)state;
  const sporkle_buffer_desc macro = SPORKLE_BUFFER_DESC_INIT;
  sporkle_buffer_desc desc;
  memset(&desc, 0xff, sizeof desc);
  sporkle_buffer_desc_init(&desc);
  assert_memory_equal(&desc, &macro, sizeof desc);
  sporkle_buffer_desc_init(NULL);
}

static void auto_means_the_default_device(void **state) {
  (void)state;
  World world;
  sporkle_context_desc desc = world_desc(&world);
  desc.device = test_device;
  world_open_with(&world, &desc);
  sporkle_buffer_desc buffer_desc = SPORKLE_BUFFER_DESC_INIT;
  buffer_desc.size = 1;
  sporkle_buffer buffer = NULL;
  expect_ok(sporkle_buffer_create(world.context, &buffer_desc, &buffer));
  sporkle_buffer_info info = SPORKLE_BUFFER_INFO_INIT;
  expect_ok(sporkle_buffer_describe(buffer, &info));
  assert_int_equal(info.device, world.device);
  world_close(&world);
}

static void thousands_at_once(void **state) {
  (void)state;
  World world;
  world_open(&world);
  enum { many = 3000 };
  static sporkle_buffer buffers[many];
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < many; ++i) buffers[i] = make(&world, 64, 0);
    assert_true(world_stats(&world).buffer_bytes >= many * 64);
    for (int i = 0; i < many; ++i) expect_ok(sporkle_buffer_destroy(buffers[i]));
    assert_int_equal(world_stats(&world).buffer_bytes, 0);
  }
  world_close(&world);
}

GROUP(group_buffers, "buffers", cmocka_unit_test(address_and_description),
      cmocka_unit_test(ranges), cmocka_unit_test(usage), cmocka_unit_test(create_refusals),
      cmocka_unit_test(init_function_equals_macro),
      cmocka_unit_test(auto_means_the_default_device), cmocka_unit_test(thousands_at_once))
