// What the CPU and the device see of each other's bytes: debug mode reports every missing
// flush to the byte and nothing else; sporkle_buffer_invalidate knows each range that an
// operation is still writing.
#include <pthread.h>
#include <semaphore.h>

#include "conformance/conformance.h"
#include "support/job.h"

enum { FIRST = 0, SECOND = 4096, SIZE = 8192 };

// Planes of 5 x 5: 100 bytes in and out, which end inside a line of 64 bytes.
typedef struct Scene {
  World world;
  Job job;
  sporkle_buffer wide;  // room for several tensors
  unsigned char *bytes;
} Scene;

static void open_scene(Scene *scene, bool debug) {
  sporkle_context_desc desc = world_desc(&scene->world);
  if (debug) desc.flags |= SPORKLE_CONTEXT_DEBUG;
  // The refusals of other kernels would push the reports out of the captured log.
  desc.log_level = SPORKLE_LOG_WARNING;
  world_open_with(&scene->world, &desc);
  sporkle_conv2d_desc problem = SPORKLE_CONV2D_DESC_INIT;
  sporkle_conv2d_desc_set(&problem, 1, 1, 5, 5, 1, 3, 1, 1);
  job_prepare(&scene->job, &scene->world, &problem, 3);
  assert_int_equal(scene->job.tensors.info.input_size, 100);
  assert_int_equal(scene->job.tensors.info.output_size, 100);
  sporkle_buffer_desc buffer = SPORKLE_BUFFER_DESC_INIT;
  buffer.device = scene->world.device;
  buffer.size = SIZE;
  buffer.label = "wide";
  expect_ok(sporkle_buffer_create(scene->world.context, &buffer, &scene->wide));
  void *data = NULL;
  expect_ok(sporkle_buffer_data(scene->wide, &data));
  scene->bytes = data;
}

static void close_scene(Scene *scene) {
  expect_ok(sporkle_buffer_destroy(scene->wide));
  job_free(&scene->job);
  world_close(&scene->world);
}

static sporkle_fence submit(Scene *scene, sporkle_binding input, sporkle_binding output) {
  sporkle_plan_bindings b = SPORKLE_PLAN_BINDINGS_INIT;
  b.input = input;
  b.output = output;
  sporkle_fence fence = NULL;
  expect_ok(sporkle_plan_submit(scene->job.plan, &b, &fence));
  return fence;
}

static sporkle_fence write_at(Scene *scene, uint64_t offset) {
  return submit(scene, (sporkle_binding){scene->job.input, 0},
                (sporkle_binding){scene->wide, offset});
}

// Its output is invalidated: nobody is to miss that.
static sporkle_fence read_at(Scene *scene, uint64_t offset) {
  sporkle_fence fence = submit(scene, (sporkle_binding){scene->wide, offset},
                               (sporkle_binding){scene->job.output, 0});
  expect_ok(sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE));
  expect_ok(sporkle_buffer_invalidate(scene->job.output, 0, 100));
  return fence;
}

static void drop(sporkle_fence fence) {
  expect_ok(sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE));
  expect_ok(sporkle_fence_destroy(fence));
}

static void change(Scene *scene, uint64_t offset, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) scene->bytes[offset + i] ^= 0x15;
}

static int reports(Scene *scene, const char *text) {
  int count = 0;
  for (const char *at = scene->world.log.text; (at = strstr(at, text)) != NULL; ++at) ++count;
  return count;
}

static void expect_reports(Scene *scene, int count, const char *text) {
  const int found = reports(scene, text);
  expect_true(found == count, "%d of %d: %s: %s", found, count, text, scene->world.log.text);
}

static void fill(Scene *scene) {
  for (int i = 0; i < SIZE; ++i) scene->bytes[i] = (unsigned char)(i * 7);
  expect_ok(sporkle_buffer_flush(scene->wide, 0, SIZE));
}

static void missing_flush_to_the_byte(void **state) {
  (void)state;
  for (int debug = 0; debug < 2; ++debug) {
    Scene scene;
    open_scene(&scene, debug);
    fill(&scene);
    drop(read_at(&scene, FIRST));
    expect_reports(&scene, 0, "SPORKLE-BUFFER");
    // A flush of the neighbours in the same line is not one of these.
    change(&scene, 81, 3);
    expect_ok(sporkle_buffer_flush(scene.wide, 64, 17));
    drop(read_at(&scene, FIRST));
    expect_reports(&scene, debug, "SPORKLE-BUFFER-0001: buffer \"wide\": sporkle_plan_submit: "
                                  "bindings.input: the CPU wrote 3 bytes in [81, 84) and did not");
    // Told once, as long as it is not written again.
    drop(read_at(&scene, FIRST));
    expect_reports(&scene, debug, "SPORKLE-BUFFER-0001");
    change(&scene, 2, 1);
    change(&scene, 99, 1);
    drop(read_at(&scene, FIRST));
    expect_reports(&scene, debug, "the CPU wrote 2 bytes in [2, 100) and did not flush them");
    expect_ok(sporkle_buffer_flush(scene.wide, 0, 100));
    // What the device wrote, once it is visible, is watched as well.
    drop(write_at(&scene, SECOND));
    expect_ok(sporkle_buffer_invalidate(scene.wide, SECOND, 100));
    drop(read_at(&scene, SECOND));
    expect_reports(&scene, 2 * debug, "SPORKLE-BUFFER-0001");
    change(&scene, SECOND + 8, 4);
    drop(read_at(&scene, SECOND));
    expect_reports(&scene, debug, "the CPU wrote 4 bytes in [4104, 4108) and did not flush them");
    expect_reports(&scene, 3 * debug, "SPORKLE-BUFFER");
    close_scene(&scene);
  }
}

static void reports_of_a_loop_end(void **state) {
  (void)state;
  Scene scene;
  open_scene(&scene, true);
  fill(&scene);
  for (int i = 0; i < 40; ++i) {
    change(&scene, 4, 4);
    drop(read_at(&scene, FIRST));
  }
  expect_reports(&scene, 16, "SPORKLE-BUFFER-0001");
  expect_reports(&scene, 1, "; the last report on this buffer");
  close_scene(&scene);
}

static void no_report_without_a_mistake(void **state) {
  (void)state;
  Scene scene;
  open_scene(&scene, true);
  // Nobody wrote there: the operation reads what it finds.
  drop(read_at(&scene, FIRST));
  fill(&scene);
  // Bytes of the same line that the operation does not read.
  change(&scene, 100, 28);
  drop(read_at(&scene, FIRST));
  // Two outputs in one buffer, each read once it is there.
  drop(write_at(&scene, FIRST));
  drop(write_at(&scene, SECOND));
  expect_ok(sporkle_buffer_invalidate(scene.wide, FIRST, 100));
  expect_ok(sporkle_buffer_invalidate(scene.wide, SECOND, 100));
  // Output that arrives behind a flush of all around it, and behind an invalidate of
  // which the CPU cannot know whether it came in time.
  sporkle_fence fence = write_at(&scene, SECOND);
  expect_ok(sporkle_buffer_flush(scene.wide, FIRST, 128));
  drop(fence);
  drop(read_at(&scene, SECOND));
  expect_reports(&scene, 0, "SPORKLE-BUFFER");
  close_scene(&scene);
}

// A flush of the whole buffer, output in flight included: what the CPU sees there
// afterwards was written by the device. Debug mode compares bytes that the device may
// be writing, as any hardware would let it: a race to the thread sanitizer where the
// device is instrumented.
static void output_under_a_wide_flush(void **state) {
  (void)state;
  if (TEST_SEES_RACES) skip();
  Scene scene;
  open_scene(&scene, true);
  fill(&scene);
  Hold hold;
  hold_begin(&hold, &scene.world);
  sporkle_fence fence = write_at(&scene, SECOND);
  expect_ok(sporkle_buffer_flush(scene.wide, 0, SIZE));
  hold_end(&hold, &scene.world);
  drop(fence);
  drop(read_at(&scene, SECOND));
  expect_reports(&scene, 0, "SPORKLE-BUFFER-0001");
  close_scene(&scene);
}

// As long as `fence` was pending before and after the question, the answer is BUSY.
static void expect_busy(Scene *scene, sporkle_fence fence, uint64_t offset, uint64_t bytes) {
  const bool before = sporkle_fence_poll(fence) == SPORKLE_NOT_READY;
  const sporkle_status status = sporkle_buffer_invalidate(scene->wide, offset, bytes);
  const bool after = sporkle_fence_poll(fence) == SPORKLE_NOT_READY;
  if (before && after) expect_status(SPORKLE_ERROR_BUSY, status);
  expect_true(status == SPORKLE_ERROR_BUSY || status == SPORKLE_OK, "%s",
              sporkle_status_name(status));
}

static void every_range_in_flight_is_known(void **state) {
  (void)state;
  Scene scene;
  open_scene(&scene, false);
  fill(&scene);
  Hold hold;
  hold_begin(&hold, &scene.world);
  sporkle_fence fences[30];
  for (int i = 0; i < 30; ++i) fences[i] = write_at(&scene, (uint64_t)i * 128);
  for (int i = 0; i < 30; ++i) expect_busy(&scene, fences[i], (uint64_t)i * 128 + 96, 8);
  expect_busy(&scene, fences[0], 0, SIZE);
  // Between and behind them.
  expect_ok(sporkle_buffer_invalidate(scene.wide, 100, 28));
  expect_ok(sporkle_buffer_invalidate(scene.wide, SECOND, 100));
  expect_ok(sporkle_buffer_invalidate(scene.wide, 50, 0));
  hold_end(&hold, &scene.world);
  for (int i = 0; i < 30; ++i) drop(fences[i]);
  expect_ok(sporkle_buffer_invalidate(scene.wide, 0, SIZE));
  close_scene(&scene);
}

// Then it is not known whether the operation has ended: no BUSY, but a report.
static void fence_destroyed_early(void **state) {
  (void)state;
  if (!test_device_is("null")) skip();  // needs work that stays pending for sure
  for (int debug = 0; debug < 2; ++debug) {
    Scene scene;
    open_scene(&scene, debug);
    fill(&scene);
    Hold hold;
    hold_begin(&hold, &scene.world);
    expect_ok(sporkle_fence_destroy(write_at(&scene, SECOND)));
    expect_ok(sporkle_buffer_invalidate(scene.wide, FIRST, 100));
    expect_reports(&scene, 0, "SPORKLE-BUFFER-0003");
    expect_ok(sporkle_buffer_invalidate(scene.wide, SECOND + 64, 64));
    expect_reports(&scene, debug,
                   "SPORKLE-BUFFER-0003: buffer \"wide\": sporkle_buffer_invalidate: offset 4160 "
                   "and size 36: the operation that writes there was not seen to end, and its "
                   "fence has been destroyed");
    hold_end(&hold, &scene.world);
    // The device's bytes came behind that invalidate: they are not the CPU's.
    drop(read_at(&scene, SECOND));
    expect_reports(&scene, 0, "SPORKLE-BUFFER-0001");
    close_scene(&scene);
  }
}

enum { LARGE = 1 << 20 };

// A buffer that is being made, held where memory as large as it is asked for.
typedef struct Making {
  World world;
  sem_t held, go_on;
  atomic_bool armed;
  sporkle_status status;
} Making;

static void hold_large(void *user, uint64_t size) {
  Making *making = user;
  if (size < LARGE || !atomic_exchange(&making->armed, false)) return;
  sem_post(&making->held);
  while (sem_wait(&making->go_on) != 0) {
  }
}

static void *make_large(void *argument) {
  Making *making = argument;
  sporkle_buffer_desc desc = SPORKLE_BUFFER_DESC_INIT;
  desc.device = making->world.device;
  desc.size = LARGE;
  sporkle_buffer buffer = NULL;
  making->status = sporkle_buffer_create(making->world.context, &desc, &buffer);
  return NULL;
}

// Debug mode copies a buffer's bytes at its creation: not once its device is closed. Memory
// that the device maps is there already when the copy's is asked for.
static void context_goes_under_a_copy(void **state) {
  (void)state;
  Making making = {.status = SPORKLE_OK};
  sem_init(&making.held, 0, 0);
  sem_init(&making.go_on, 0, 0);
  sporkle_context_desc desc = world_desc(&making.world);
  desc.flags |= SPORKLE_CONTEXT_DEBUG;
  making.world.allocator.before_user = &making;
  making.world.allocator.before = hold_large;
  world_open_with(&making.world, &desc);
  world_check_usable(&making.world);
  atomic_store(&making.armed, true);
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, make_large, &making), 0);
  while (sem_wait(&making.held) != 0) {
  }
  expect_ok(sporkle_context_destroy(making.world.context));
  sem_post(&making.go_on);
  pthread_join(thread, NULL);
  expect_true(making.status == SPORKLE_ERROR_INVALID_HANDLE ||
                  making.status == SPORKLE_ERROR_CANCELLED,
              "%s", sporkle_status_name(making.status));
  world_check_memory(&making.world);
}

GROUP(group_visibility, "visibility", cmocka_unit_test(missing_flush_to_the_byte),
      cmocka_unit_test(reports_of_a_loop_end), cmocka_unit_test(no_report_without_a_mistake),
      cmocka_unit_test(output_under_a_wide_flush),
      cmocka_unit_test(every_range_in_flight_is_known), cmocka_unit_test(fence_destroyed_early),
      cmocka_unit_test(context_goes_under_a_copy))
