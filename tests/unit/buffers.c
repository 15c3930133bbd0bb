/* What sporkle_buffer_invalidate says of operations whose fence and whose end are told
 * one after the other: a device needs microseconds for what stands still here. */
#include "support/logs.h"
#include "support/test.h"
#include "unit/buffers_shim.h"
#include "unit/shim.h"

enum { size = 4096 };

typedef struct Scene {
  LogCapture log;
  sporkle_context context;
  sporkle_buffer buffer;
  shim_fences *fences;
  sporkle_fence fence;
} Scene;

/* An operation that writes to all of the buffer is in flight. */
static void open_scene(Scene *scene) {
  log_capture_init(&scene->log);
  sporkle_context_desc desc = SPORKLE_CONTEXT_DESC_INIT;
  desc.flags = SPORKLE_CONTEXT_DEBUG;
  desc.device = "cpu";
  desc.cache_dir = "off";
  desc.log = log_capture_message;
  desc.log_user = &scene->log;
  assert_int_equal(sporkle_context_create(&desc, &scene->context), SPORKLE_OK);
  sporkle_buffer_desc buffer = SPORKLE_BUFFER_DESC_INIT;
  buffer.size = size;
  assert_int_equal(sporkle_buffer_create(scene->context, &buffer, &scene->buffer), SPORKLE_OK);
  scene->fences = shim_fences_create(8);
  scene->fence = shim_fence_make(scene->fences, 1, 0);
  assert_non_null(scene->fence);
  shim_buffer_submitted(scene->buffer, scene->fence, 0, size);
}

static void close_scene(Scene *scene) {
  assert_int_equal(sporkle_buffer_destroy(scene->buffer), SPORKLE_OK);
  assert_int_equal(sporkle_context_destroy(scene->context), SPORKLE_OK);
  shim_fences_destroy(scene->fences);
}

static void expect_answer(Scene *scene, sporkle_status status, const char *report) {
  assert_int_equal(sporkle_buffer_invalidate(scene->buffer, 0, size), status);
  if (report == NULL) {
    assert_false(log_capture_contains(&scene->log, "SPORKLE-BUFFER-0003"));
  } else {
    assert_true(log_capture_contains(&scene->log, report));
  }
}

static void pending(void **state) {
  (void)state;
  Scene scene;
  open_scene(&scene);
  expect_answer(&scene, SPORKLE_ERROR_BUSY, "the operation that writes there has not ended");
  close_scene(&scene);
}

/* The failure is final, and who waited for it knows, before the end is counted. */
static void failed_and_not_counted(void **state) {
  (void)state;
  Scene scene;
  open_scene(&scene);
  shim_fence_fail(scene.fence, SPORKLE_ERROR_OPERATION_FAILED);
  assert_int_equal(sporkle_fence_poll(scene.fence), SPORKLE_ERROR_OPERATION_FAILED);
  expect_answer(&scene, SPORKLE_OK, NULL);
  shim_publish(scene.fences, 0, 1);
  expect_answer(&scene, SPORKLE_OK, NULL);
  close_scene(&scene);
}

static void destroyed_in_flight(void **state) {
  (void)state;
  Scene scene;
  open_scene(&scene);
  assert_int_equal(sporkle_fence_destroy(scene.fence), SPORKLE_OK);
  expect_answer(&scene, SPORKLE_OK,
                "offset 0 and size 4096: the operation that writes there was not seen to end, and "
                "its fence has been destroyed");
  close_scene(&scene);
}

static void destroyed_after_its_end(void **state) {
  (void)state;
  Scene scene;
  open_scene(&scene);
  shim_publish(scene.fences, 0, 1);
  assert_int_equal(sporkle_fence_destroy(scene.fence), SPORKLE_OK);
  expect_answer(&scene, SPORKLE_OK, NULL);
  close_scene(&scene);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pending), cmocka_unit_test(failed_and_not_counted),
      cmocka_unit_test(destroyed_in_flight), cmocka_unit_test(destroyed_after_its_end)};
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  printf("checked: invalidate around the end of an operation\n");
  return failed;
}
