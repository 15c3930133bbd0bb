// Completion words that do not arrive, arrive early, late or old: the word is
// a hint, and no fence ends by it alone or waits for it for long.
#include "faults/control.h"

static void completion(World *world, char out[200]) {
  sporkle_device_info info = SPORKLE_DEVICE_INFO_INIT;
  expect_ok(sporkle_device_describe(world->context, world->device, &info));
  for (uint32_t i = 0; i < info.property_count; ++i) {
    sporkle_property property = SPORKLE_PROPERTY_INIT;
    expect_ok(sporkle_device_property(world->context, world->device, i, &property));
    if (strcmp(property.key, "completion") == 0) snprintf(out, 200, "%s", property.value);
  }
}

static void prepare(World *world, Job *job) {
  char text[200] = "";
  const sporkle_conv2d_desc problem = small_problem();
  world_open_gl(world, NULL, true);
  completion(world, text);
  assert_string_equal(text, "word and sync");
  job_prepare(job, world, &problem, 2);
  expect_ok(job_run(job));
  job_end_fence(job);
}

static void finish(World *world, Job *job) {
  job_free(job);
  world_check_usable(world);
  assert_int_equal(world_stats(world).device_resets, 0);
  world_close_gl(world);
}

// Ends although the word is wrong every time.
static void expect_ended_by_proof(const char *name, bool lasts) {
  World world;
  Job job;
  prepare(&world, &job);
  char text[200];
  snprintf(text, sizeof text, "%s*", name);
  plan_faults(text);
  for (int i = 0; i < 5; ++i) {
    job_clear(&job);
    const uint64_t start = clock_ns();
    expect_ok(job_run(&job));
    assert_true(clock_ns() - start < 1000000000u);
    job_check(&job);
    job_end_fence(&job);
  }
  assert_true(control.struck(name) >= 1);
  // One that lasts makes the sync object the only answer. A word that is there by the
  // time the sync object has been asked is none.
  completion(&world, text);
  assert_string_equal(text, lasts ? "sync; the word contradicted it 1 times" : "word and sync");
  assert_int_equal(world_stats(&world).completion_contradictions, lasts ? 1 : 0);
  finish(&world, &job);
}

static void missing(void **state) {
  (void)state;
  expect_ended_by_proof("word-missing", true);
}

static void stale(void **state) {
  (void)state;
  expect_ended_by_proof("word-stale", true);
}

static void after_the_sync(void **state) {
  (void)state;
  expect_ended_by_proof("word-last", false);
}

// The outputs are not believed before the word is there, within bounds: 300 ms on software
// drivers, 2 ms on hardware.
static void signalled_before_the_word(void **state) {
  (void)state;
  World world;
  Job job;
  char text[200];
  prepare(&world, &job);
  job_clear(&job);
  sporkle_device_info info = SPORKLE_DEVICE_INFO_INIT;
  expect_ok(sporkle_device_describe(world.context, world.device, &info));
  if ((info.flags & SPORKLE_DEVICE_SOFTWARE) == 0) {
    finish(&world, &job);
    print_message("a late word is waited for 2 ms on hardware\n");
    skip();
  }
  plan_faults("word-last=50000000");
  const uint64_t start = clock_ns();
  expect_ok(job_run(&job));
  assert_in_range(clock_ns() - start, 50000000u, 1000000000u);
  assert_int_equal(control.struck("word-last"), 1);
  job_check(&job);
  completion(&world, text);
  assert_string_equal(text, "word and sync");
  assert_int_equal(world_stats(&world).completion_contradictions, 1);
  finish(&world, &job);
}

// The word is there at once, the work is not.
static void early(void **state) {
  (void)state;
  World world;
  Job job;
  prepare(&world, &job);
  plan_faults("late=600000000*;word-early*");
  const uint64_t start = clock_ns();
  job_submit(&job);
  expect_status(SPORKLE_TIMEOUT, sporkle_fence_wait(job.fence, 100000000u));
  assert_true(control.struck("word-early") >= 1);
  expect_ok(sporkle_fence_wait(job.fence, 10000000000u));
  assert_true(clock_ns() - start >= 590000000u);
  job_check(&job);
  // Early by more than the 300 ms that software drivers are given.
  assert_int_equal(world_stats(&world).completion_contradictions, 1);
  finish(&world, &job);
}

// A word that fails its start-up check is not used.
static void unusable_from_the_start(void **state) {
  (void)state;
  static const char *const names[] = {"word-missing*", "word-stale*"};
  for (size_t i = 0; i < COUNT_OF(names); ++i) {
    World world;
    char text[200] = "";
    world_open_gl(&world, names[i], true);
    completion(&world, text);
    assert_string_equal(text, "sync");
    assert_true(world_stats(&world).completion_contradictions >= 1);
    world_check_usable(&world);
    world_close_gl(&world);
  }
}

const struct CMUnitTest word_tests[] = {
    cmocka_unit_test(missing), cmocka_unit_test(stale), cmocka_unit_test(after_the_sync),
    cmocka_unit_test(signalled_before_the_word),
    cmocka_unit_test(early), cmocka_unit_test(unusable_from_the_start),
};
const size_t word_test_count = COUNT_OF(word_tests);
