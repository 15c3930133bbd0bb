// Debug mode: every misuse of a fence is reported with its id, its label, its
// maker and its age; leaks by kind, label and age. Without it the same calls
// give the same statuses and not a word.
#include <pthread.h>
#include <sys/resource.h>

#include "conformance/conformance.h"
#include "support/child.h"
#include "support/job.h"

static void open_debug(World *world, bool debug) {
  sporkle_context_desc desc = world_desc(world);
  if (debug) desc.flags |= SPORKLE_CONTEXT_DEBUG;
  desc.fence_capacity = 6;
  world_open_with(world, &desc);
}

static sporkle_fence insert(World *world, const char *label) {
  sporkle_fence fence = NULL;
  expect_ok(sporkle_fence_insert(world->context, world->device, label, &fence));
  return fence;
}

static void expect_report(World *world, bool debug, const char *text) {
  expect_true(log_capture_contains(&world->log, text) == debug, "%s %s: %s", text,
              debug ? "not reported" : "reported without debug mode", world->log.text);
}

static void *wait_body(void *fence) {
  expect_status(SPORKLE_ERROR_INVALID_HANDLE,
                sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE));
  return NULL;
}

static void *wait_any_body(void *fence) {
  sporkle_fence fences[] = {fence, fence};
  expect_status(SPORKLE_ERROR_INVALID_HANDLE,
                sporkle_fence_wait_any(fences, 2, SPORKLE_TIMEOUT_INFINITE, NULL));
  return NULL;
}

static void misuse_stale(World *world, bool debug) {
  const sporkle_status invalid = SPORKLE_ERROR_INVALID_HANDLE;
  expect_status(invalid, sporkle_fence_wait(NULL, 0));
  expect_report(world, debug,
                "SPORKLE-FENCE-0001: sporkle_fence_wait: fence (nil): the handle is null");
  expect_status(invalid, sporkle_fence_poll((sporkle_fence)(uintptr_t)world->context));
  expect_report(world, debug, "SPORKLE-FENCE-0002: sporkle_fence_poll: fence 0x");
  sporkle_fence stale = insert(world, "stale one");
  // The generation behind that of a live fence, in the bits above 25.
  const sporkle_fence unborn = (sporkle_fence)((uintptr_t)stale + ((uintptr_t)1 << 25));
  expect_status(invalid, sporkle_fence_wait(unborn, 0));
  expect_report(world, debug, "SPORKLE-FENCE-0002: sporkle_fence_wait: fence 0x");
  expect_status(invalid, sporkle_fence_destroy(unborn));
  expect_report(world, debug, "SPORKLE-FENCE-0002: sporkle_fence_destroy: fence 0x");
  sleep_ms(20);
  expect_ok(sporkle_fence_destroy(stale));
  expect_ok(sporkle_fence_destroy(insert(world, "its successor")));
  expect_status(invalid, sporkle_fence_wait(stale, 0));
  expect_report(world, debug,
                "SPORKLE-FENCE-0003: sporkle_fence_wait: fence \"stale one\" made by "
                "sporkle_fence_insert, age 0.");
  expect_report(world, debug, "s: it has been destroyed");
  if (debug) assert_null(strstr(world->log.text, "\"stale one\" made by sporkle_fence_insert, age 0.000 s"));
  expect_status(invalid, sporkle_fence_destroy(stale));
  expect_report(world, debug,
                "SPORKLE-FENCE-0004: sporkle_fence_destroy: fence \"stale one\" made by");
  const int before = world->log.messages;
  for (int i = 0; i < 100; ++i) expect_status(invalid, sporkle_fence_poll(stale));
  assert_int_equal(world->log.messages - before, debug ? 1 : 0);
}

static void misuse_owned(World *world, bool debug) {
  const sporkle_conv2d_desc problem = small_problem();
  Tensors t;
  tensors_make(&t, &problem, 1);
  sporkle_executor_desc desc = SPORKLE_EXECUTOR_DESC_INIT;
  desc.device = world->device;
  desc.input_size = t.info.input_size;
  desc.output_size = t.info.output_size;
  sporkle_executor executor = NULL;
  expect_ok(sporkle_executor_create(world->context, &desc, &executor));
  sporkle_plan plan = NULL;
  expect_ok(sporkle_plan_create(world->context, world->device, &problem, t.weights, t.bias, &plan));
  sporkle_slot slot = SPORKLE_SLOT_INIT;
  expect_ok(sporkle_executor_acquire(executor, 0, &slot));
  memcpy(slot.input, t.input, t.info.input_size);
  sporkle_fence owned = NULL;
  expect_ok(sporkle_executor_submit(executor, slot.index, plan, &owned));
  expect_status(SPORKLE_ERROR_INVALID_ARGUMENT, sporkle_fence_destroy(owned));
  expect_report(world, debug, "SPORKLE-FENCE-0005: sporkle_fence_destroy: fence \"");
  expect_report(world, debug, "made by sporkle_executor_submit");
  expect_ok(sporkle_fence_wait(owned, SPORKLE_TIMEOUT_INFINITE));
  expect_ok(sporkle_executor_destroy(executor));
  expect_ok(sporkle_plan_destroy(plan));
  tensors_free(&t);
}

static void misuse_under_waiter(World *world, bool debug) {
  if (!test_device_is("null")) return;  // needs work that stays pending for sure
  Hold hold;
  hold_begin(&hold, world);
  sporkle_fence waited = insert(world, "waited for");
  pthread_t thread;
  pthread_create(&thread, NULL, wait_body, waited);
  sleep_ms(30);
  expect_ok(sporkle_fence_destroy(waited));
  pthread_join(thread, NULL);
  expect_report(world, debug,
                "SPORKLE-FENCE-0006: sporkle_fence_wait: fence \"waited for\" made by");
  waited = insert(world, "one of two");
  pthread_create(&thread, NULL, wait_any_body, waited);
  sleep_ms(30);
  expect_ok(sporkle_fence_destroy(waited));
  pthread_join(thread, NULL);
  expect_report(world, debug,
                "SPORKLE-FENCE-0006: sporkle_fence_wait_any: fence \"one of two\" made by");
  hold_end(&hold, world);
}

static void misuse_of_counts(World *world, bool debug) {
  const sporkle_status invalid = SPORKLE_ERROR_INVALID_ARGUMENT;
  static sporkle_fence many[5000];
  // Each of the three, though the function and the id are the same.
  for (int i = 0; i < 2; ++i) {
    expect_status(invalid, sporkle_fence_wait_any(many, 0, 0, NULL));
    expect_status(invalid, sporkle_fence_wait_any(NULL, 3, 0, NULL));
    expect_status(invalid, sporkle_fence_wait_any(many, 5000, 0, NULL));
  }
  expect_report(world, debug,
                "SPORKLE-FENCE-0008: sporkle_fence_wait_any: the number of fences is out of range, "
                "or the array is null (count: 0 is not in [1, 4096])");
  expect_report(world, debug, "array is null (fences: null)");
  expect_report(world, debug, "array is null (count: 5000 is not in [1, 4096])");
  expect_status(invalid, sporkle_fence_wait_all(many, 5000, SPORKLE_TIMEOUT_INFINITE));
  expect_report(world, debug, "SPORKLE-FENCE-0008: sporkle_fence_wait_all: ");
  sporkle_fence fences[7] = {NULL};
  for (int i = 0; i < 6; ++i) fences[i] = insert(world, "filler");
  expect_status(SPORKLE_ERROR_POOL_EXHAUSTED,
                sporkle_fence_insert(world->context, world->device, "one more", &fences[6]));
  expect_report(world, debug, "SPORKLE-FENCE-0009: sporkle_fence_insert: every fence");
  for (int i = 0; i < 6; ++i) expect_ok(sporkle_fence_destroy(fences[i]));
}

static void misuse_of_arguments(World *world, bool debug) {
  const sporkle_status invalid = SPORKLE_ERROR_INVALID_ARGUMENT;
  sporkle_fence fence = insert(world, "exported"), other = NULL;
  expect_status(invalid, sporkle_fence_export_fd(fence, NULL));
  expect_report(world, debug,
                "SPORKLE-FENCE-0010: sporkle_fence_export_fd: fence \"exported\" made by "
                "sporkle_fence_insert, age 0.");
  expect_report(world, debug, "s: an argument is refused (out_fd: null)");
  expect_status(invalid, sporkle_fence_insert(world->context, 77, NULL, &other));
  expect_report(world, debug,
                "SPORKLE-FENCE-0010: sporkle_fence_insert: an argument is refused (device: ");
  expect_status(invalid, sporkle_fence_insert(world->context, world->device, NULL, NULL));
  expect_report(world, debug,
                "SPORKLE-FENCE-0010: sporkle_fence_insert: an argument is refused (out_fence: null)");
  assert_true(sporkle_fence_insert(NULL, world->device, NULL, &other) < 0);
  expect_report(world, debug,
                "SPORKLE-FENCE-0010: sporkle_fence_insert: an argument is refused (context: ");
  struct rlimit few, before;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  few = before;
  few.rlim_cur = 0;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
  int32_t fd = 0;
  const sporkle_status status = sporkle_fence_export_fd(fence, &fd);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  expect_status(SPORKLE_ERROR_POOL_EXHAUSTED, status);
  expect_report(world, debug, "SPORKLE-FENCE-0011: sporkle_fence_export_fd: fence \"exported\" made");
  expect_report(world, debug, "(RLIMIT_NOFILE))");
  expect_ok(sporkle_fence_destroy(fence));
}

// A bad handle is refused wherever it stands, and named by its place.
static void misuse_in_an_array(World *world, bool debug) {
  const sporkle_status invalid = SPORKLE_ERROR_INVALID_HANDLE;
  sporkle_fence ended = insert(world, "ended"), gone = insert(world, "gone");
  expect_ok(sporkle_fence_wait(ended, SPORKLE_TIMEOUT_INFINITE));
  expect_ok(sporkle_fence_destroy(gone));
  const sporkle_fence arrays[4][3] = {
      {ended, ended, gone}, {gone, ended, ended}, {ended, NULL, ended}, {NULL, gone, ended}};
  const uint32_t bad[4] = {2, 0, 1, 0};
  for (int i = 0; i < 4; ++i) {
    uint32_t index = 9;
    expect_status(invalid, sporkle_fence_wait_any(arrays[i], 3, 0, &index));
    assert_int_equal(index, bad[i]);
    expect_refused(invalid, bad[i] == 0 ? "fences[0]" : bad[i] == 1 ? "fences[1]" : "fences[2]",
                   sporkle_fence_wait_all(arrays[i], 3, 0));
  }
  expect_report(world, debug,
                "SPORKLE-FENCE-0001: sporkle_fence_wait_any: fence (nil): the handle is null "
                "(fences[1])");
  expect_report(world, debug,
                "SPORKLE-FENCE-0001: sporkle_fence_wait_all: fence (nil): the handle is null "
                "(fences[0])");
  expect_report(world, debug, "it has been destroyed (fences[2])");
  expect_ok(sporkle_fence_destroy(ended));
}

static void all_misuse(bool debug) {
  World world;
  open_debug(&world, debug);
  misuse_stale(&world, debug);
  misuse_owned(&world, debug);
  misuse_under_waiter(&world, debug);
  misuse_of_counts(&world, debug);
  misuse_of_arguments(&world, debug);
  misuse_in_an_array(&world, debug);
  world_check_usable(&world);
  world_close(&world);
  assert_false(log_capture_contains(&world.log, "SPORKLE-LEAK"));
  if (!debug) assert_false(log_capture_contains(&world.log, "SPORKLE-FENCE"));
}

static void misuse_is_reported(void **state) {
  (void)state;
  all_misuse(true);
}
static void misuse_without_debug_is_a_status(void **state) {
  (void)state;
  all_misuse(false);
}

static int use_in_a_child(void *inherited) {
  World world;
  sporkle_context_desc desc = world_desc(&world);
  desc.flags |= SPORKLE_CONTEXT_DEBUG;
  CHILD_CHECK(sporkle_context_create(&desc, &world.context) == SPORKLE_OK);
  CHILD_CHECK(sporkle_fence_destroy(inherited) == SPORKLE_ERROR_FORKED);
  CHILD_CHECK(log_capture_contains(
      &world.log,
      "SPORKLE-FENCE-0007: sporkle_fence_destroy: fence \"of the parent\" made by "
      "sporkle_fence_insert, age 0.0"));
  CHILD_CHECK(log_capture_contains(
      &world.log, "s: it was created before fork and never ends in this process"));
  CHILD_CHECK(sporkle_context_destroy(world.context) == SPORKLE_OK);
  return 0;
}

static void a_forked_child_knows_the_fence(void **state) {
  (void)state;
  World world;
  open_debug(&world, true);
  sporkle_fence fence = insert(&world, "of the parent");
  assert_int_equal(in_child(use_in_a_child, fence, 20), 0);
  assert_false(log_capture_contains(&world.log, "SPORKLE-FENCE"));
  expect_ok(sporkle_fence_destroy(fence));
  world_close(&world);
}

static void leaks_are_named(void **state) {
  (void)state;
  World world;
  open_debug(&world, true);
  const sporkle_conv2d_desc problem = small_problem();
  Job job;
  job_prepare(&job, &world, &problem, 1);
  sporkle_buffer_desc buffer_desc = SPORKLE_BUFFER_DESC_INIT;
  buffer_desc.device = world.device;
  buffer_desc.size = 64;
  buffer_desc.label = "weights of layer 3";
  sporkle_buffer buffer = NULL;
  expect_ok(sporkle_buffer_create(world.context, &buffer_desc, &buffer));
  sporkle_executor_desc desc = SPORKLE_EXECUTOR_DESC_INIT;
  desc.device = world.device;
  desc.input_size = desc.output_size = 64;
  desc.label = "pipeline";
  sporkle_executor executor = NULL;
  expect_ok(sporkle_executor_create(world.context, &desc, &executor));
  sporkle_fence ended = insert(&world, "frame 17");
  expect_ok(sporkle_fence_wait(ended, SPORKLE_TIMEOUT_INFINITE));
  sleep_ms(20);
  world_close(&world);
  assert_true(log_capture_contains(
      &world.log, "SPORKLE-LEAK-0001: buffer \"weights of layer 3\" not destroyed, age 0.0"));
  assert_true(log_capture_contains(&world.log,
                                   "SPORKLE-LEAK-0001: executor \"pipeline\" not destroyed, age "));
  assert_true(log_capture_contains(&world.log, "SPORKLE-LEAK-0001: plan \""));
  assert_true(log_capture_contains(
      &world.log,
      "SPORKLE-LEAK-0002: fence \"frame 17\" made by sporkle_fence_insert not destroyed, ended, "
      "age 0.0"));
  assert_false(log_capture_contains(&world.log, "age 0.000 s\n2 SPORKLE-LEAK-0002"));
  tensors_free(&job.tensors);
}

// What works on coherent memory by luck is said.
static void a_missing_flush(void **state) {
  (void)state;
  for (int debug = 0; debug < 2; ++debug) {
    World world;
    open_debug(&world, debug);
    const sporkle_conv2d_desc desc = small_problem();
    Job job;
    job_prepare(&job, &world, &desc, 5);
    job_submit(&job);
    expect_ok(sporkle_fence_wait(job.fence, SPORKLE_TIMEOUT_INFINITE));
    expect_ok(sporkle_fence_destroy(job.fence));
    expect_true(!log_capture_contains(&world.log, "SPORKLE-BUFFER-0001"), "%s", world.log.text);
    void *data = NULL;
    expect_ok(sporkle_buffer_data(job.input, &data));
    ((unsigned char *)data)[80] ^= 1;
    job_submit(&job);
    expect_ok(sporkle_fence_wait(job.fence, SPORKLE_TIMEOUT_INFINITE));
    expect_report(&world, debug,
                  "SPORKLE-BUFFER-0001: buffer \"\": sporkle_plan_submit: bindings.input: the "
                  "CPU wrote 1 bytes in [80, 81)");
    job_free(&job);
    world_close(&world);
  }
}

GROUP(group_debug, "debug", cmocka_unit_test(misuse_is_reported),
      cmocka_unit_test(misuse_without_debug_is_a_status),
      cmocka_unit_test(a_forked_child_knows_the_fence), cmocka_unit_test(leaks_are_named),
      cmocka_unit_test(a_missing_flush))
