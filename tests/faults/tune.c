// The choice of kernels by time, on the virtual GPU, where times are what a test says.
#define _GNU_SOURCE 1
#include <unistd.h>

#include "faults/control.h"
#include "faults/gpu/control.h"
#include "support/folder.h"

static struct {
  void (*set_cost)(uint64_t fixed_ns, uint64_t per_group_ns);
  void (*set_costs_of)(int channels, int pixels, uint64_t count, uint64_t ns);
  void (*set_clock_fall)(uint64_t busy_ns, uint64_t factor);
  void (*forget)(void);
  uint64_t (*queued)(void), (*hazards)(void), (*stray_accesses)(void);
} gpu;

static char directory[64];

static int setup(void **state) {
  (void)state;
  gpu_take("gpu_set_cost", &gpu.set_cost);
  gpu_take("gpu_set_costs_of", &gpu.set_costs_of);
  gpu_take("gpu_set_clock_fall", &gpu.set_clock_fall);
  gpu_take("gpu_forget", &gpu.forget);
  gpu_take("gpu_queued", &gpu.queued);
  gpu_take("gpu_hazards", &gpu.hazards);
  gpu_take("gpu_stray_accesses", &gpu.stray_accesses);
  gpu.set_cost(100000, 0);
  gpu.set_costs_of(0, 0, 0, 0);
  gpu.set_clock_fall(0, 1);
  snprintf(directory, sizeof directory, "/tmp/sporkle-tune-XXXXXX");
  return mkdtemp(directory) == NULL;
}

static int teardown(void **state) {
  (void)state;
  control.clear();
  unsetenv("SPORKLE_TUNE");
  unsetenv("SPORKLE_GL_PATIENCE");
  folder_empty(directory);
  return rmdir(directory);
}

/* A process's worth: a context on the card that tunes in this way. */
static void open_tuning(World *world, const char *mode) {
  setenv("SPORKLE_TUNE", mode, 1);
  setenv("SPORKLE_LOG", "debug", 1);
  control.clear();
  plan_faults("renderer=virtual card*");
  test_device = "gl";
  sporkle_context_desc desc = world_desc(world);
  desc.cache_dir = directory;
  world_open_with(world, &desc);
}

static int count_in_log(const World *world, const char *part) {
  int count = 0;
  for (const char *at = world->log.text; (at = strstr(at, part)) != NULL; ++at) ++count;
  return count;
}

static sporkle_conv2d_desc problem(void) {
  sporkle_conv2d_desc desc;
  sporkle_conv2d_desc_init(&desc);
  /* The five direct kernels, which the virtual GPU knows, are all among its candidates. */
  sporkle_conv2d_desc_set(&desc, 1, 8, 10, 10, 8, 3, 1, 1);
  desc.groups = 8;
  return desc;
}

static sporkle_status try_plan(World *world, char algorithm[64]) {
  const sporkle_conv2d_desc desc = problem();
  Tensors tensors;
  tensors_make(&tensors, &desc, 3);
  sporkle_plan plan = NULL;
  sporkle_plan_info info = SPORKLE_PLAN_INFO_INIT;
  const sporkle_status status =
      sporkle_plan_create(world->context, world->device, &desc, tensors.weights, NULL, &plan);
  if (status == SPORKLE_OK) {
    expect_ok(sporkle_plan_describe(plan, &info));
    expect_ok(sporkle_plan_destroy(plan));
  }
  snprintf(algorithm, 64, "%s", info.algorithm);
  tensors_free(&tensors);
  return status;
}

static void tune(const char *mode, char algorithm[64]) {
  World world;
  open_tuning(&world, mode);
  expect_ok(try_plan(&world, algorithm));
  world_close_gl(&world);
}

static void expect_choice(const char *mode, const char *expected) {
  char algorithm[64];
  tune(mode, algorithm);
  if (strcmp(algorithm, expected) != 0) fail_msg("%s: chose %s, not %s", mode, algorithm, expected);
}

/* What is stored, and a plan takes, is this kernel of so many channels and pixels per thread. */
static void choose_before(int channels, int pixels, const char *name) {
  gpu.set_cost(100000, 0);
  gpu.set_costs_of(channels, pixels, 100000, 50000);
  expect_choice("thorough", name);
  gpu.set_costs_of(0, 0, 0, 0);
  expect_choice("auto", name);
}

/* What takes as long as the choice, or hardly less, does not replace it. */
static void a_tie_keeps_the_choice(void **state) {
  (void)state;
  choose_before(8, 1, "direct_8x1");
  expect_choice("thorough", "direct_8x1");
  gpu.set_costs_of(4, 4, 100000, 99000);
  expect_choice("thorough", "direct_8x1");
  expect_choice("auto", "direct_8x1");
}

static void what_is_faster_replaces_the_choice(void **state) {
  (void)state;
  choose_before(8, 1, "direct_8x1");
  gpu.set_costs_of(4, 4, 100000, 80000);
  expect_choice("auto", "direct_8x1");
  expect_choice("thorough", "direct_4x4");
  /* And is what the next process takes. */
  gpu.set_costs_of(0, 0, 0, 0);
  expect_choice("auto", "direct_4x4");
}

/* A kernel that is fast for its first so many runs only, as one is whose neighbours are
 * disturbed: by turns with the choice it is not, and is not taken. */
static void a_lucky_kernel_does_not_replace_the_choice(void **state) {
  (void)state;
  choose_before(8, 1, "direct_8x1");
  for (uint64_t lucky = 60; lucky <= 140; lucky += 40) {
    gpu.set_costs_of(4, 4, lucky, 50000);
    expect_choice("thorough", "direct_8x1");
  }
}

/* The clock falls while the compiler works and rises with the work: whatever work that
 * takes, the fastest is found, and not the one that was timed last. */
static void a_falling_clock_decides_nothing(void **state) {
  (void)state;
  choose_before(8, 1, "direct_8x1");
  for (uint64_t busy = 8; busy <= 32; busy += 8) {
    const bool first = busy % 16 != 0;
    gpu.set_costs_of(first ? 1 : 8, 1, 100000, 80000);
    gpu.set_clock_fall(busy * 1000000, 5);
    expect_choice("thorough", first ? "direct_1x1" : "direct_8x1");
  }
}

/* Candidates whose compiler never ends are named, not taken and not remembered. */
static void a_hanging_compiler_is_named(void **state) {
  (void)state;
  gpu.set_costs_of(8, 1, 100000, 50000);
  setenv("SPORKLE_GL_PATIENCE", "1", 1);
  World world;
  open_tuning(&world, "thorough");
  log_capture_init(&world.log);  /* it is full of kernels that do not link here */
  plan_faults("compile-hang=min(p3, pixels*");  /* of the direct kernels, those of four pixels */
  char algorithm[64];
  expect_ok(try_plan(&world, algorithm));
  assert_string_equal(algorithm, "direct_8x1");
  assert_int_equal(control.struck("compile-hang"), 3);
  static const char *const names[] = {"direct_1x4", "direct_4x4", "direct_8x4"};
  for (size_t i = 0; i < COUNT_OF(names); ++i) {
    char text[96];
    snprintf(text, sizeof text, "%s is not used: its compiler has not ended after 1 s", names[i]);
    if (!log_capture_contains(&world.log, text)) fail_msg("not in the log: %s", text);
  }
  control.clear();
  world_close_gl(&world);
  /* The choice is stored. */
  expect_choice("auto", "direct_8x1");
}

/* A compiler that does one after the other, and hangs in the first: those behind it are not to
 * blame, and later they are taken. */
static void who_waits_for_a_hanging_compiler_is_not_rejected(void **state) {
  (void)state;
  setenv("SPORKLE_GL_PATIENCE", "1", 1);
  World world;
  open_tuning(&world, "thorough");
  log_capture_init(&world.log);
  plan_faults("compile-queue*;compile-hang=min(p3, pixels");
  char algorithm[64];
  expect_ok(try_plan(&world, algorithm));
  assert_int_equal(control.struck("compile-hang"), 1);
  if (count_in_log(&world, "its compiler has not ended after 1 s") != 1) {
    fail_msg("not one is named: %s", world.log.text);
  }
  control.clear();
  world_close_gl(&world);
}

/* Choices in the cache: the problem's and that for problems like it. */
static int stored(void) {
  int count = 0;
  DIR *dir = opendir(directory);
  for (struct dirent *item; (item = readdir(dir)) != NULL;) {
    count += strncmp(item->d_name, "gltune-", 7) == 0;
  }
  closedir(dir);
  return count;
}

/* A device without memory in any dispatch of a trial: no kernel is to blame. The trial ends and
 * nothing is remembered, or it goes on; the next process makes the choice. */
static void a_shortage_in_a_trial_rejects_nothing(void **state) {
  (void)state;
  int ended = 0, struck = 1;
  for (int at = 0; struck != 0; at += 1 + at / 8) {
    folder_empty(directory);
    World world;
    open_tuning(&world, "on");
    log_capture_init(&world.log);
    char faults[48], algorithm[64];
    snprintf(faults, sizeof faults, "dispatch-memory@%d", at);
    plan_faults(faults);
    /* What needs least and cannot be checked leaves nothing to give way to. */
    const sporkle_status status = try_plan(&world, algorithm);
    if (status != SPORKLE_OK) expect_status(SPORKLE_ERROR_OUT_OF_MEMORY, status);
    struck = (int)control.struck("dispatch-memory");
    if (count_in_log(&world, "kernel direct_") != 0) {
      fail_msg("%s: %s", faults, world.log.text);
    }
    const bool over = count_in_log(&world, "tuner: not tried, the rule decides") != 0 ||
                      status != SPORKLE_OK;
    ended += over;
    control.clear();
    world_close_gl(&world);
    if (over) assert_int_equal(stored(), 0);
    tune("on", algorithm);
    assert_int_equal(stored(), 2);
  }
  assert_true(ended >= 5);
  printf("tune: %d trials ended for want of memory\n", ended);
}

/* A device that hangs in the first candidate of a trial: what comes behind is not rejected. */
static void who_waits_for_a_hanging_device_is_not_rejected(void **state) {
  (void)state;
  World world;
  open_tuning(&world, "on");
  world_check_usable(&world);
  log_capture_init(&world.log);
  char algorithm[64];
  plan_faults("hang@1");
  try_plan(&world, algorithm);
  const int rejected = count_in_log(&world, "is not used: it does not end");
  if (rejected != 1) fail_msg("%d rejected: %s", rejected, world.log.text);
  control.clear();
  expect_ok(sporkle_context_destroy(world.context));
}

/* A driver that compiles in the call and does not come back: the log says in what. */
static void a_silent_compiler_is_named(void **state) {
  (void)state;
  setenv("SPORKLE_GL_PATIENCE", "1", 1);
  World world;
  open_tuning(&world, "auto");
  world_check_usable(&world);  /* the device is open and the program of trials is there */
  log_capture_init(&world.log);
  plan_faults("link-stall");
  char algorithm[64];
  expect_status(SPORKLE_ERROR_DEVICE_LOST, try_plan(&world, algorithm));
  assert_true(log_capture_contains(&world.log, "tuner: the device was lost while kernel "));
  control.clear();
  expect_ok(sporkle_context_destroy(world.context));
}

// Dispatches that the making of a plan takes.
static uint64_t dispatches_of_plan(World *world) {
  char algorithm[64];
  gpu.forget();
  expect_ok(try_plan(world, algorithm));
  assert_string_equal(algorithm, "direct_8x1");
  return gpu.queued();
}

// A program runs before the first call of its plan: in the check of a choice that was not
// timed, later, where it is known, once more for each context; not for each plan.
static void what_is_known_has_run_before_the_call(void **state) {
  (void)state;
  choose_before(8, 1, "direct_8x1");
  static const char *const modes[] = {"auto", "off", "off"};
  setenv("SPORKLE_GL_KERNEL", "direct_8x1", 1);
  for (size_t i = 0; i < COUNT_OF(modes); ++i) {
    World world;
    open_tuning(&world, modes[i]);
    assert_int_equal(dispatches_of_plan(&world), 1);
    assert_int_equal(dispatches_of_plan(&world), 0);
    world_check_usable(&world);
    assert_int_equal(gpu.hazards(), 0);
    assert_int_equal(gpu.stray_accesses(), 0);
    world_close_gl(&world);
  }
  unsetenv("SPORKLE_GL_KERNEL");
}

// Without memory for it, or where the driver refuses it, the call pays.
static void a_plan_does_without_its_early_run(void **state) {
  (void)state;
  choose_before(8, 1, "direct_8x1");
  static const char *const faults[] = {"dispatch-memory@0", "no-memory@2*"};  // weights come first
  for (size_t i = 0; i < COUNT_OF(faults); ++i) {
    World world;
    open_tuning(&world, "auto");
    world_check_usable(&world);
    plan_faults(faults[i]);
    char algorithm[64];
    expect_ok(try_plan(&world, algorithm));
    assert_string_equal(algorithm, "direct_8x1");
    assert_true(control.struck(i == 0 ? "dispatch-memory" : "no-memory") >= 1);
    control.clear();
    world_check_usable(&world);
    world_close_gl(&world);
  }
}

#define TUNE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
const struct CMUnitTest tune_tests[] = {
    TUNE_TEST(a_tie_keeps_the_choice),
    TUNE_TEST(what_is_faster_replaces_the_choice),
    TUNE_TEST(a_lucky_kernel_does_not_replace_the_choice),
    TUNE_TEST(a_falling_clock_decides_nothing),
    TUNE_TEST(a_hanging_compiler_is_named),
    TUNE_TEST(who_waits_for_a_hanging_compiler_is_not_rejected),
    TUNE_TEST(a_shortage_in_a_trial_rejects_nothing),
    TUNE_TEST(who_waits_for_a_hanging_device_is_not_rejected),
    TUNE_TEST(what_is_known_has_run_before_the_call),
    TUNE_TEST(a_plan_does_without_its_early_run),
    TUNE_TEST(a_silent_compiler_is_named),  // the device is not given back
};
const size_t tune_test_count = COUNT_OF(tune_tests);
