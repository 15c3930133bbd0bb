// Operations of executor slots that were in flight when the device was lost, run again:
// on the device that has been opened again, or on the CPU.
#include <pthread.h>

#include "faults/control.h"

enum { count = 5 };

typedef struct Group {
  World world;
  sporkle_executor executor;
  Tensors tensors[count];  // all different: an output of another slot, or of before, is seen
  sporkle_plan plans[count];
  sporkle_slot slots[count];
  sporkle_fence fences[count];
} Group;

static void open_group(Group *g, uint32_t retries) {
  world_open_gl(&g->world, NULL, false);
  const sporkle_conv2d_desc problem = small_problem();
  for (uint32_t i = 0; i < count; ++i) {
    Tensors *t = &g->tensors[i];
    tensors_make(t, &problem, 60 + i);
    expect_ok(sporkle_plan_create(g->world.context, g->world.device, &problem, t->weights, t->bias,
                                  &g->plans[i]));
  }
  sporkle_executor_desc desc = SPORKLE_EXECUTOR_DESC_INIT;
  desc.device = g->world.device;
  desc.slot_count = count;
  desc.retries = retries;
  desc.input_size = g->tensors[0].info.input_size;
  desc.output_size = g->tensors[0].info.output_size;
  expect_ok(sporkle_executor_create(g->world.context, &desc, &g->executor));
}

static void submit_group(Group *g) {
  uint32_t indices[count];
  for (int i = 0; i < count; ++i) {
    g->slots[i] = (sporkle_slot)SPORKLE_SLOT_INIT;
    expect_ok(sporkle_executor_acquire(g->executor, 10000000000u, &g->slots[i]));
    memcpy(g->slots[i].input, g->tensors[i].input, g->slots[i].input_size);
    memset(g->slots[i].output, 0xc3, g->slots[i].output_size);
    indices[i] = g->slots[i].index;
  }
  expect_ok(sporkle_executor_submit_many(g->executor, indices, g->plans, count, g->fences));
}

static void finish_group(Group *g) {
  for (int i = 0; i < count; ++i) {
    expect_ok(sporkle_fence_wait(g->fences[i], 30000000000u));
    tensors_check(&g->tensors[i], g->slots[i].output);
  }
  for (int i = 0; i < count; ++i) expect_ok(sporkle_executor_release(g->executor, g->slots[i].index));
}

static sporkle_executor_info info_of(const Group *g) {
  sporkle_executor_info info = SPORKLE_EXECUTOR_INFO_INIT;
  expect_ok(sporkle_executor_describe(g->executor, &info));
  return info;
}

static void close_group(Group *g) {
  expect_ok(sporkle_executor_destroy(g->executor));
  for (int i = 0; i < count; ++i) {
    expect_ok(sporkle_plan_destroy(g->plans[i]));
    tensors_free(&g->tensors[i]);
  }
  assert_int_equal(world_stats(&g->world).buffer_bytes, 0);
  assert_int_equal(world_stats(&g->world).fences_now, 0);
  world_close_gl(&g->world);
}

// `before` is planned when nothing is submitted, `after` when everything is pending.
// Returns how many runs were repeated.
static uint64_t lose_a_group(Group *g, const char *before, const char *after) {
  submit_group(g);
  finish_group(g);  // compiles what the driver compiles late
  plan_faults(before);
  submit_group(g);
  if (after != NULL) {
    expect_status(SPORKLE_NOT_READY, sporkle_fence_poll(g->fences[0]));
    plan_faults(after);
  }
  finish_group(g);
  control.clear();
  const sporkle_executor_info info = info_of(g);
  assert_int_equal(info.submitted, 2 * count);
  assert_int_equal(info.ended, 2 * count);
  assert_int_equal(info.failed, 0);
  assert_int_equal(world_stats(&g->world).submit_failures, 0);
  return info.retried;
}

// The first run again is on the device, which is back.
static void again_on_the_device(void **state) {
  (void)state;
  static const struct {
    const char *before, *after;
    uint64_t least;
  } cases[] = {{"late=100000000*", "reset", count},
               {"late=100000000*;lost", NULL, 1},
               {"late=100000000*;lost-in-flight", NULL, 1},
               {"lost@3", NULL, 1}};
  for (size_t i = 0; i < COUNT_OF(cases); ++i) {
    Group g;
    open_group(&g, 2);
    const uint64_t retried = lose_a_group(&g, cases[i].before, cases[i].after);
    printf("%s;%s: %llu runs again\n", cases[i].before, cases[i].after ? cases[i].after : "",
           (unsigned long long)retried);
    assert_in_range(retried, cases[i].least, count);
    sporkle_stats stats = world_stats(&g.world);
    assert_int_equal(stats.device_resets, 1);
    assert_int_equal(stats.fallbacks, 0);
    // In new memory, on the device as well.
    submit_group(&g);
    finish_group(&g);
    stats = world_stats(&g.world);
    assert_int_equal(stats.fallbacks, 0);
    assert_int_equal(info_of(&g).retried, retried);
    close_group(&g);
  }
}

// The last run is on the CPU: with one there is no other. The reset is the provider's,
// the virtual GPU takes no part: what it wrote before is ordered with nothing, where a
// driver reports a reset behind the end of the work.
static void again_on_the_cpu(void **state) {
  (void)state;
  if (TEST_SEES_RACES) skip();
  Group g;
  open_group(&g, 1);
  assert_int_equal(lose_a_group(&g, "late=100000000*", "reset"), count);
  assert_int_equal(world_stats(&g.world).device_resets, 1);
  assert_int_equal(world_stats(&g.world).fallbacks, count);
  close_group(&g);
}

// Every run but the last, on the CPU, is in vain.
static void device_that_stays_away(void **state) {
  (void)state;
  enum { retries = 3 };
  if (TEST_SEES_RACES) skip();
  Group g;
  open_group(&g, retries);
  assert_int_equal(lose_a_group(&g, "late=100000000*;no-context*", "reset"), retries * count);
  assert_int_equal(world_stats(&g.world).device_resets, 1);
  assert_int_equal(world_stats(&g.world).fallbacks, count);
  close_group(&g);
}

// Lost once more, with the second operation that runs again in flight.
static void lost_in_a_second_run(void **state) {
  (void)state;
  Group g;
  open_group(&g, 3);
  submit_group(&g);
  finish_group(&g);
  plan_faults("late=100000000*");
  submit_group(&g);
  plan_faults("reset");
  for (int i = 0; i < 10000 && info_of(&g).retried < 2; ++i) sleep_ms(1);
  assert_int_equal(info_of(&g).retried, 2);
  sleep_ms(30);
  plan_faults("reset");
  finish_group(&g);
  control.clear();
  const sporkle_stats stats = world_stats(&g.world);
  assert_int_equal(info_of(&g).retried, count + 1);
  assert_int_equal(info_of(&g).failed, 0);
  assert_int_equal(stats.device_resets, 2);
  assert_int_equal(stats.fallbacks, 0);
  close_group(&g);
}

// Lost once more while the device is opened, once or for good.
static void lost_again(void **state) {
  (void)state;
  for (int strikes = 2; strikes <= 32; strikes *= 2) {
    Group g;
    char plan[32];
    open_group(&g, 4);
    snprintf(plan, sizeof plan, "lost*%d", strikes);
    const uint64_t retried = lose_a_group(&g, plan, NULL);
    const sporkle_stats stats = world_stats(&g.world);
    printf("%s: %llu runs again, %llu losses, %llu on the CPU\n", plan, (unsigned long long)retried,
           (unsigned long long)stats.device_resets, (unsigned long long)stats.fallbacks);
    assert_in_range(retried, 1, 4 * count);
    assert_in_range(stats.device_resets, 1, 8);
    close_group(&g);
  }
}

// Without retries, and where the CPU is no substitute: lost, in the counters too.
static void expect_loss_reported(uint32_t retries, bool away) {
  Group g;
  if (retries > 0) setenv("SPORKLE_REQUIRE", "gpu", 1);
  setenv("SPORKLE_GL_DEVICE", "0", 1);  // named, it counts as a GPU
  open_group(&g, retries);
  unsetenv("SPORKLE_REQUIRE");
  unsetenv("SPORKLE_GL_DEVICE");
  plan_faults(away ? "late=100000000*;no-context*" : "late=100000000*");
  submit_group(&g);
  plan_faults("reset");
  for (int i = 0; i < count; ++i) {
    expect_status(SPORKLE_ERROR_DEVICE_LOST, sporkle_fence_wait(g.fences[i], 30000000000u));
    expect_ok(sporkle_executor_release(g.executor, g.slots[i].index));
  }
  control.clear();
  assert_int_equal(info_of(&g).failed, count);
  assert_int_equal(info_of(&g).retried, retries * count);
  assert_int_equal(world_stats(&g.world).submit_failures, count);
  assert_int_equal(world_stats(&g.world).fallbacks, 0);
  close_group(&g);
}

static void loss_is_reported(void **state) {
  (void)state;
  expect_loss_reported(0, false);
  expect_loss_reported(2, true);
}

// The thread that runs operations again is slow, once, where it asks for memory.
typedef struct Slow {
  World world;
  atomic_bool armed, entered;
} Slow;

static void delay_retry(void *user, uint64_t size) {
  (void)size;
  Slow *slow = user;
  char name[16] = "";
  pthread_getname_np(pthread_self(), name, sizeof name);
  if (strcmp(name, "sporkle-retry") != 0 || !atomic_exchange(&slow->armed, false)) return;
  atomic_store(&slow->entered, true);
  sleep_ms(4200);
}

static void open_slow(Slow *slow) {
  control.clear();
  test_device = "gl";
  sporkle_context_desc desc = world_desc(&slow->world);
  desc.cpu_isa = "scalar";  // whose accesses a sanitizer sees
  slow->world.allocator.before = delay_retry;
  slow->world.allocator.before_user = slow;
  world_open_with(&slow->world, &desc);
  world_check_usable(&slow->world);
}

// The CPU computes on a slot's memory beyond the 2 s for which a context waits for its slots
// and the 1.5 s that a driver has to close: the device keeps the memory until then, and its
// thread is not given up.
static void context_goes_while_the_cpu_computes(void **state) {
  (void)state;
  Slow slow = {.entered = false};
  open_slow(&slow);
  const sporkle_conv2d_desc problem = small_problem();
  Job job;
  job_prepare(&job, &slow.world, &problem, 80);
  sporkle_executor_desc desc = SPORKLE_EXECUTOR_DESC_INIT;
  desc.device = slow.world.device;
  desc.retries = 1;
  desc.input_size = job.tensors.info.input_size;
  desc.output_size = job.tensors.info.output_size;
  sporkle_executor executor = NULL;
  expect_ok(sporkle_executor_create(slow.world.context, &desc, &executor));
  sporkle_slot slot = SPORKLE_SLOT_INIT;
  expect_ok(sporkle_executor_acquire(executor, 0, &slot));
  memcpy(slot.input, job.tensors.input, slot.input_size);
  atomic_store(&slow.armed, true);
  plan_faults("late=100000000*");
  sporkle_fence fence = NULL;
  expect_ok(sporkle_executor_submit(executor, slot.index, job.plan, &fence));
  plan_faults("reset");
  for (int i = 0; i < 10000 && !atomic_load(&slow.entered); ++i) sleep_ms(1);
  assert_true(atomic_load(&slow.entered));
  tensors_free(&job.tensors);
  world_close_gl(&slow.world);
}

const struct CMUnitTest retry_tests[] = {
    cmocka_unit_test(again_on_the_device), cmocka_unit_test(again_on_the_cpu),
    cmocka_unit_test(device_that_stays_away), cmocka_unit_test(lost_in_a_second_run),
    cmocka_unit_test(lost_again),
    cmocka_unit_test(loss_is_reported), cmocka_unit_test(context_goes_while_the_cpu_computes),
};
const size_t retry_test_count = COUNT_OF(retry_tests);
