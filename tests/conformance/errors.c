// Status names and the text of the last error.
#include <pthread.h>

#include "conformance/conformance.h"
#include "support/world.h"

static void names(void **state) {
  (void)state;
  static const struct {
    sporkle_status status;
    int pinned;
    const char *name;
  } rows[] = {
      {SPORKLE_OK, 0, "SPORKLE_OK"},
      {SPORKLE_TIMEOUT, 1, "SPORKLE_TIMEOUT"},
      {SPORKLE_NOT_READY, 2, "SPORKLE_NOT_READY"},
      {SPORKLE_ERROR_INVALID_ARGUMENT, -1, "SPORKLE_ERROR_INVALID_ARGUMENT"},
      {SPORKLE_ERROR_INVALID_HANDLE, -2, "SPORKLE_ERROR_INVALID_HANDLE"},
      {SPORKLE_ERROR_OVERFLOW, -3, "SPORKLE_ERROR_OVERFLOW"},
      {SPORKLE_ERROR_OUT_OF_MEMORY, -4, "SPORKLE_ERROR_OUT_OF_MEMORY"},
      {SPORKLE_ERROR_POOL_EXHAUSTED, -5, "SPORKLE_ERROR_POOL_EXHAUSTED"},
      {SPORKLE_ERROR_UNSUPPORTED, -6, "SPORKLE_ERROR_UNSUPPORTED"},
      {SPORKLE_ERROR_DEVICE_UNAVAILABLE, -7, "SPORKLE_ERROR_DEVICE_UNAVAILABLE"},
      {SPORKLE_ERROR_DEVICE_LOST, -8, "SPORKLE_ERROR_DEVICE_LOST"},
      {SPORKLE_ERROR_OPERATION_FAILED, -9, "SPORKLE_ERROR_OPERATION_FAILED"},
      {SPORKLE_ERROR_BUSY, -10, "SPORKLE_ERROR_BUSY"},
      {SPORKLE_ERROR_FORKED, -11, "SPORKLE_ERROR_FORKED"},
      {SPORKLE_ERROR_IO, -12, "SPORKLE_ERROR_IO"},
      {SPORKLE_ERROR_VERSION, -13, "SPORKLE_ERROR_VERSION"},
      {SPORKLE_ERROR_CANCELLED, -14, "SPORKLE_ERROR_CANCELLED"},
      {SPORKLE_ERROR_INTERNAL, -15, "SPORKLE_ERROR_INTERNAL"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); ++i) {
    assert_int_equal(rows[i].status, rows[i].pinned);
    assert_string_equal(sporkle_status_name(rows[i].status), rows[i].name);
  }
  static const int unknown[] = {3, 100, -16, -1000, INT32_MAX, INT32_MIN};
  for (size_t i = 0; i < COUNT_OF(unknown); ++i) {
    assert_string_equal(sporkle_status_name(unknown[i]), "SPORKLE_STATUS_UNKNOWN");
  }
}

static void version(void **state) {
  (void)state;
  char text[32];
  snprintf(text, sizeof text, "%d.%d.%d", SPORKLE_VERSION_MAJOR, SPORKLE_VERSION_MINOR,
           SPORKLE_VERSION_PATCH);
  assert_string_equal(sporkle_version_string(), text);
  assert_int_equal(sporkle_version(), SPORKLE_VERSION);
}

static void truncation(void **state) {
  (void)state;
  uint32_t count = 0;
  expect_status(SPORKLE_ERROR_INVALID_HANDLE, sporkle_device_count(NULL, &count));
  const uint64_t length = sporkle_last_error(NULL, 0);
  assert_true(length > 20 && length < 512);
  char whole[512], part[16], guard[4] = {'x', 'x', 'x', 'x'};
  assert_int_equal(sporkle_last_error(whole, sizeof whole), length);
  assert_int_equal(strlen(whole), length);
  assert_int_equal(sporkle_last_error(part, sizeof part), length);
  assert_int_equal(strlen(part), sizeof part - 1);
  assert_memory_equal(part, whole, sizeof part - 1);
  assert_int_equal(sporkle_last_error(guard, 1), length);
  assert_int_equal(guard[0], 0);
  assert_int_equal(guard[1], 'x');
  assert_int_equal(sporkle_last_error(whole, length), length);
  assert_int_equal(strlen(whole), length - 1);
  assert_int_equal(sporkle_last_error(whole, length + 1), length);
  assert_int_equal(strlen(whole), length);
  assert_int_equal(strncmp(whole, "sporkle_device_count: context: ", 31), 0);
}

static void success_leaves_the_text_alone(void **state) {
  (void)state;
  World world;
  world_open(&world);
  uint32_t count = 0;
  expect_status(SPORKLE_ERROR_INVALID_HANDLE, sporkle_device_count(NULL, &count));
  char before[512], after[512];
  sporkle_last_error(before, sizeof before);
  world_check_usable(&world);
  sporkle_last_error(after, sizeof after);
  assert_string_equal(before, after);
  // Polling sets no text either.
  expect_status(SPORKLE_ERROR_INVALID_HANDLE, sporkle_fence_poll(NULL));
  sporkle_last_error(after, sizeof after);
  assert_string_equal(before, after);
  world_close(&world);
}

static void *fresh_thread(void *argument) {
  uint64_t *lengths = argument;
  lengths[0] = sporkle_last_error(NULL, 0);
  sporkle_plan_destroy(NULL);
  lengths[1] = sporkle_last_error(NULL, 0);
  return NULL;
}

static void text_is_per_thread(void **state) {
  (void)state;
  uint32_t count = 0;
  expect_status(SPORKLE_ERROR_INVALID_HANDLE, sporkle_device_count(NULL, &count));
  uint64_t lengths[2] = {1, 0};
  pthread_t thread;
  pthread_create(&thread, NULL, fresh_thread, lengths);
  pthread_join(thread, NULL);
  assert_int_equal(lengths[0], 0);
  assert_true(lengths[1] > 0);
  char text[512];
  sporkle_last_error(text, sizeof text);
  assert_int_equal(strncmp(text, "sporkle_device_count", 20), 0);
}

// Text from the user is cut, not overrun.
static void long_names(void **state) {
  (void)state;
  World world;
  world_open(&world);
  static char name[100000];
  memset(name, 'q', sizeof name - 1);
  uint32_t device = 0;
  expect_status(SPORKLE_ERROR_DEVICE_UNAVAILABLE,
                sporkle_device_find(world.context, name, &device));
  assert_true(sporkle_last_error(NULL, 0) < 512);
  sporkle_context_desc desc = world_desc(&world);
  desc.device = name;
  sporkle_context context = NULL;
  assert_true(sporkle_context_create(&desc, &context) < 0);
  desc.device = NULL;
  desc.cpu_isa = name;
  assert_true(sporkle_context_create(&desc, &context) < 0);
  assert_null(context);
  expect_ok(sporkle_context_destroy(world.context));
}

GROUP(group_errors, "errors", cmocka_unit_test(names), cmocka_unit_test(version),
      cmocka_unit_test(truncation), cmocka_unit_test(success_leaves_the_text_alone),
      cmocka_unit_test(text_is_per_thread), cmocka_unit_test(long_names))
