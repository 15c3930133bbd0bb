// Contexts: creation, defaults, refusals, destruction.
#include "conformance/conformance.h"
#include "support/tensors.h"
#include "support/world.h"

static void create_with_defaults(void **state) {
  (void)state;
  sporkle_context context = NULL;
  expect_ok(sporkle_context_create(NULL, &context));
  assert_non_null(context);
  uint32_t count = 0;
  expect_ok(sporkle_device_count(context, &count));
  assert_true(count >= 1);
  expect_ok(sporkle_context_destroy(context));
}

static void init_function_equals_macro(void **state) {
  (void)state;
  const sporkle_context_desc macro = SPORKLE_CONTEXT_DESC_INIT;
  sporkle_context_desc function;
  memset(&function, 0xff, sizeof function);
  sporkle_context_desc_init(&function);
  assert_int_equal(function.struct_size, sizeof function);
  assert_int_equal(function.flags, macro.flags);
  assert_int_equal(function.log_level, macro.log_level);
  assert_int_equal(function.fence_capacity, macro.fence_capacity);
  assert_null(function.allocator.alloc);
  assert_null(function.log);
  assert_null(function.parallel_for);
  assert_null(function.device);
  assert_null(function.cpu_isa);
  assert_null(function.cache_dir);
  assert_int_equal(function.plan_cache_bytes, 0);
  sporkle_context_desc_init(NULL);
}

typedef struct Refusal {
  const char *argument;
  sporkle_status status;
  void (*spoil)(sporkle_context_desc *);
} Refusal;

static void spoil_flags(sporkle_context_desc *d) { d->flags |= 1u << 31; }
static void spoil_alloc(sporkle_context_desc *d) { d->allocator.free = NULL; }
static void spoil_free(sporkle_context_desc *d) { d->allocator.alloc = NULL; }
static void spoil_capacity(sporkle_context_desc *d) { d->fence_capacity = 262145; }
static void spoil_level(sporkle_context_desc *d) { d->log_level = 5; }
static void spoil_low_level(sporkle_context_desc *d) { d->log_level = -2; }
static void spoil_isa(sporkle_context_desc *d) { d->cpu_isa = "mmx"; }
static void spoil_device(sporkle_context_desc *d) { d->device = "quantum"; }
static void spoil_empty_device(sporkle_context_desc *d) { d->device = ""; }
static void spoil_isa_missing(sporkle_context_desc *d) {
#if defined(__x86_64__)
  d->cpu_isa = "neon";
#else
  d->cpu_isa = "avx2";
#endif
}

static void refusals(void **state) {
  (void)state;
  static const Refusal rows[] = {
      {"desc.flags", SPORKLE_ERROR_INVALID_ARGUMENT, spoil_flags},
      {"desc.allocator", SPORKLE_ERROR_INVALID_ARGUMENT, spoil_alloc},
      {"desc.allocator", SPORKLE_ERROR_INVALID_ARGUMENT, spoil_free},
      {"desc.fence_capacity", SPORKLE_ERROR_INVALID_ARGUMENT, spoil_capacity},
      {"desc.log_level", SPORKLE_ERROR_INVALID_ARGUMENT, spoil_level},
      {"desc.log_level", SPORKLE_ERROR_INVALID_ARGUMENT, spoil_low_level},
      {"desc.cpu_isa", SPORKLE_ERROR_INVALID_ARGUMENT, spoil_isa},
      {"desc.cpu_isa", SPORKLE_ERROR_UNSUPPORTED, spoil_isa_missing},
      {"desc.device", SPORKLE_ERROR_DEVICE_UNAVAILABLE, spoil_device},
      {"desc.device", SPORKLE_ERROR_INVALID_ARGUMENT, spoil_empty_device},
  };
  for (size_t i = 0; i < COUNT_OF(rows); ++i) {
    World world;
    sporkle_context_desc desc = world_desc(&world);
    rows[i].spoil(&desc);
    sporkle_context context = (sporkle_context)(uintptr_t)1;
    expect_refused(rows[i].status, rows[i].argument, sporkle_context_create(&desc, &context));
    assert_null(context);
    world_check_memory(&world);
  }
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "out_context",
                 sporkle_context_create(NULL, NULL));
}

static void require_gpu_without_one(void **state) {
  (void)state;
  World world;
  sporkle_context_desc desc = world_desc(&world);
  desc.flags = 0;
  sporkle_context context = NULL;
  expect_ok(sporkle_context_create(&desc, &context));
  uint32_t count = 0;
  expect_ok(sporkle_device_count(context, &count));
  expect_ok(sporkle_context_destroy(context));
  if (count > 1) return;  // there is a GPU, or one computed by the CPU
  desc.flags = SPORKLE_CONTEXT_REQUIRE_GPU;
  expect_status(SPORKLE_ERROR_DEVICE_UNAVAILABLE, sporkle_context_create(&desc, &context));
  assert_null(context);
  // The null device is no GPU.
  desc.flags = SPORKLE_CONTEXT_REQUIRE_GPU | SPORKLE_CONTEXT_ENABLE_NULL;
  expect_status(SPORKLE_ERROR_DEVICE_UNAVAILABLE, sporkle_context_create(&desc, &context));
  world_check_memory(&world);
}

static void null_is_listed_on_request_only(void **state) {
  (void)state;
  World world;
  sporkle_context_desc desc = world_desc(&world);
  sporkle_context context = NULL;
  uint32_t device = 0;
  desc.flags = 0;
  expect_ok(sporkle_context_create(&desc, &context));
  expect_refused(SPORKLE_ERROR_DEVICE_UNAVAILABLE, "spec",
                 sporkle_device_find(context, "null", &device));
  expect_ok(sporkle_context_destroy(context));
  desc.device = "null";
  expect_ok(sporkle_context_create(&desc, &context));
  expect_ok(sporkle_device_find(context, "null", &device));
  expect_ok(sporkle_context_destroy(context));
  world_check_memory(&world);
}

static void destroyed_context_is_stale(void **state) {
  (void)state;
  World world;
  world_open(&world);
  world_close(&world);
  uint32_t count = 0;
  expect_status(SPORKLE_ERROR_INVALID_HANDLE, sporkle_context_destroy(world.context));
  expect_status(SPORKLE_ERROR_INVALID_HANDLE, sporkle_device_count(world.context, &count));
  World next;
  world_open(&next);
  expect_status(SPORKLE_ERROR_INVALID_HANDLE, sporkle_context_destroy(world.context));
  world_check_usable(&next);
  world_close(&next);
}

static void many_contexts(void **state) {
  (void)state;
  World worlds[8];
  for (size_t i = 0; i < COUNT_OF(worlds); ++i) world_open(&worlds[i]);
  for (size_t i = 0; i < COUNT_OF(worlds); ++i) world_check_usable(&worlds[i]);
  for (size_t i = 0; i < COUNT_OF(worlds); ++i) world_close(&worlds[i]);
  for (int i = 0; i < 60; ++i) {
    World world;
    world_open(&world);
    world_close(&world);
  }
}

static void input_strings_are_copied(void **state) {
  (void)state;
  World world;
  sporkle_context_desc desc = world_desc(&world);
  char device[16], isa[16], cache[16];
  strcpy(device, test_device);
  strcpy(isa, "scalar");
  strcpy(cache, "off");
  desc.device = device;
  desc.cpu_isa = isa;
  desc.cache_dir = cache;
  world_open_with(&world, &desc);
  memset(device, 'x', sizeof device);
  memset(isa, 'x', sizeof isa);
  memset(cache, 'x', sizeof cache);
  memset(&desc, 0xff, sizeof desc);
  world_check_usable(&world);
  world_close(&world);
}

static void debug_reports_leaks(void **state) {
  (void)state;
  World world;
  sporkle_context_desc desc = world_desc(&world);
  desc.flags |= SPORKLE_CONTEXT_DEBUG;
  world_open_with(&world, &desc);
  sporkle_buffer_desc buffer_desc = SPORKLE_BUFFER_DESC_INIT;
  buffer_desc.device = world.device;
  buffer_desc.size = 64;
  buffer_desc.label = "forgotten";
  sporkle_buffer buffer = NULL;
  expect_ok(sporkle_buffer_create(world.context, &buffer_desc, &buffer));
  world_close(&world);
  expect_true(log_capture_contains(&world.log, "forgotten"), "%s", world.log.text);
  expect_status(SPORKLE_ERROR_INVALID_HANDLE, sporkle_buffer_destroy(buffer));
}

GROUP(group_context, "context", cmocka_unit_test(create_with_defaults),
      cmocka_unit_test(init_function_equals_macro), cmocka_unit_test(refusals),
      cmocka_unit_test(require_gpu_without_one),
      cmocka_unit_test(null_is_listed_on_request_only),
      cmocka_unit_test(destroyed_context_is_stale), cmocka_unit_test(many_contexts),
      cmocka_unit_test(input_strings_are_copied), cmocka_unit_test(debug_reports_leaks))
