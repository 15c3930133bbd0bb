#include "support/world.h"

#include <time.h>

#include "support/tensors.h"

const char *test_device = "cpu";

bool test_device_is(const char *spec) { return strcmp(test_device, spec) == 0; }

// Whether TEST_REQUIRE, a list with commas, names the kind of the device under test.
static bool device_is_required(void) {
  const size_t length = strcspn(test_device, ":");
  const char *list = getenv("TEST_REQUIRE");
  while (list != NULL && *list != '\0') {
    const size_t item = strcspn(list, ",");
    if (item == length && strncmp(list, test_device, length) == 0) return true;
    list += item + (list[item] == ',');
  }
  return false;
}

void test_device_missing(sporkle_status status) {
  char text[512] = "";
  sporkle_last_error(text, sizeof text);
  if (status == SPORKLE_ERROR_DEVICE_UNAVAILABLE && !device_is_required()) {
    printf("skipped: device %s: %s\n", test_device, text);
    exit(TEST_SKIPPED);
  }
  printf("FAILED: device %s: %s: %s\n", test_device, sporkle_status_name(status), text);
  if (status == SPORKLE_ERROR_DEVICE_UNAVAILABLE) {
    printf("TEST_REQUIRE names it; cmake -DSPORKLE_TEST_REQUIRE= makes this a skip\n");
  }
  exit(1);
}

void test_device_select(int argc, char **argv) {
  if (argc > 1) test_device = argv[1];
  sporkle_context_desc desc = SPORKLE_CONTEXT_DESC_INIT;
  desc.flags = SPORKLE_CONTEXT_ENABLE_NULL;
  sporkle_context context = NULL;
  uint32_t index = 0;
  // With the null device listed a context never lacks one.
  sporkle_status status = sporkle_context_create(&desc, &context);
  if (status == SPORKLE_ERROR_UNSUPPORTED && getenv("SPORKLE_CPU_ISA") != NULL) {
    printf("skipped: no %s here\n", getenv("SPORKLE_CPU_ISA"));
    exit(TEST_SKIPPED);
  }
  if (status == SPORKLE_ERROR_DEVICE_UNAVAILABLE) status = SPORKLE_ERROR_INTERNAL;
  if (status == SPORKLE_OK) status = sporkle_device_find(context, test_device, &index);
  // A success leaves the text of the last error.
  if (context != NULL) sporkle_context_destroy(context);
  if (status != SPORKLE_OK) test_device_missing(status);
}

sporkle_context_desc world_desc(World *world) {
  counting_allocator_init(&world->allocator);
  log_capture_init(&world->log);
  sporkle_context_desc desc;
  sporkle_context_desc_init(&desc);
  desc.flags = SPORKLE_CONTEXT_ENABLE_NULL;
  desc.allocator = world->allocator.callbacks;
  desc.log = log_capture_message;
  desc.log_user = &world->log;
  desc.cache_dir = "off";
  return desc;
}

void world_open_with(World *world, const sporkle_context_desc *desc) {
  world->context = NULL;
  expect_ok(sporkle_context_create(desc, &world->context));
  assert_non_null(world->context);
  expect_ok(sporkle_device_find(world->context, test_device, &world->device));
}

void world_open(World *world) {
  const sporkle_context_desc desc = world_desc(world);
  world_open_with(world, &desc);
}

void world_check_memory(const World *world) {
  assert_int_equal(atomic_load(&world->allocator.live), 0);
  assert_int_equal(atomic_load(&world->allocator.live_bytes), 0);
  assert_int_equal(atomic_load(&world->allocator.errors), 0);
}

void world_close(World *world) {
  expect_ok(sporkle_context_destroy(world->context));
  world_check_memory(world);
}

void world_null(World *world, uint32_t command, uint64_t value, uint64_t count) {
  expect_ok(sporkle_null_control(world->context, world->device, command, value, count));
}

void world_check_usable(World *world) {
  const sporkle_conv2d_desc desc = small_problem();
  Tensors tensors;
  tensors_make(&tensors, &desc, 99);
  expect_ok(tensors_conv2d(&tensors, world->context, world->device));
  tensors_check(&tensors, tensors.output);
  tensors_free(&tensors);
}

sporkle_stats world_stats(World *world) {
  sporkle_stats stats = SPORKLE_STATS_INIT;
  expect_ok(sporkle_context_stats(world->context, &stats));
  return stats;
}

uint64_t clock_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void sleep_ms(unsigned ms) {
  const struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};
  nanosleep(&t, NULL);
}
