// Order and time on the virtual GPU of gpu/, whose clock the tests hold.
#include <dirent.h>
#include <unistd.h>

#include "faults/control.h"
#include "faults/gpu/control.h"
#include "support/deadlines.h"

enum { patience_ms = 10000 };

static struct {
  void (*set_clock)(GpuClock clock, uint64_t number);
  void (*advance)(uint64_t ns);
  uint64_t (*now)(void);
  void (*set_cost)(uint64_t fixed_ns, uint64_t per_group_ns);
  void (*set_next_costs)(const uint64_t *ns, uint32_t count);
  void (*forget)(void);
  uint64_t (*queued)(void), (*ended)(void), (*hazards)(void), (*stray_accesses)(void),
      (*timestamps)(void);
  uint64_t (*begin_ns)(uint64_t index), (*end_ns)(uint64_t index);
} gpu;

static void load_gpu(void) {
  gpu_take("gpu_set_clock", &gpu.set_clock);
  gpu_take("gpu_advance", &gpu.advance);
  gpu_take("gpu_now", &gpu.now);
  gpu_take("gpu_set_cost", &gpu.set_cost);
  gpu_take("gpu_set_next_costs", &gpu.set_next_costs);
  gpu_take("gpu_forget", &gpu.forget);
  gpu_take("gpu_queued", &gpu.queued);
  gpu_take("gpu_ended", &gpu.ended);
  gpu_take("gpu_hazards", &gpu.hazards);
  gpu_take("gpu_stray_accesses", &gpu.stray_accesses);
  gpu_take("gpu_timestamps", &gpu.timestamps);
  gpu_take("gpu_begin_ns", &gpu.begin_ns);
  gpu_take("gpu_end_ns", &gpu.end_ns);
}

static void open_gpu(World *world) {
  load_gpu();
  gpu.set_clock(GPU_SCALED, 1);
  gpu.set_cost(20000, 0);
  world_open_gl(world, NULL, false);
}

// Posing as hardware; with one kernel, because the GPU translates each.
static void open_card(World *world) {
  load_gpu();
  gpu.set_clock(GPU_SCALED, 1);
  gpu.set_cost(20000, 0);
  setenv("SPORKLE_GL_KERNEL", "direct_8x4", 1);
  world_open_gl(world, "renderer=virtual card*", false);
  unsetenv("SPORKLE_GL_KERNEL");
}

static void close_gpu(World *world) {
  gpu.set_clock(GPU_SCALED, 1);
  world_check_usable(world);
  world_close_gl(world);
  assert_int_equal(gpu.hazards(), 0);
  assert_int_equal(gpu.stray_accesses(), 0);
}

static void teach_once(Job *job, uint64_t cost_ns) {
  gpu.set_next_costs(&cost_ns, 1);
  job_clear(job);
  expect_ok(job_run(job));
  job_check(job);
  job_end_fence(job);
}

// Runs the job a few times with that cost, so that the library knows it.
static void teach(Job *job, uint64_t cost_ns) {
  for (int i = 0; i < 8; ++i) teach_once(job, cost_ns);
}

static void await_queued(uint64_t count) {
  for (int i = 0; i < patience_ms && gpu.queued() < count; ++i) sleep_ms(1);
  assert_true(gpu.queued() >= count);
}

// With the clock standing: the fence ends, and the index-th dispatch has not begun.
static void expect_ends_before(sporkle_fence fence, uint64_t index, const char *what) {
  const sporkle_status status = sporkle_fence_wait(fence, 5000000000u);
  expect_true(status == SPORKLE_OK, "%s: %s at %llu, dispatch %llu begins at %llu", what,
              sporkle_status_name(status), (unsigned long long)gpu.now(),
              (unsigned long long)index, (unsigned long long)gpu.begin_ns(index));
  assert_true(gpu.begin_ns(index) > gpu.now());
}

// Runs the job so often without length that this is what the library expects of it.
static void teach_nothing(Job *job) {
  gpu.set_clock(GPU_IMMEDIATE, 0);
  for (int i = 0; i < 32; ++i) teach_once(job, 0);
  gpu.set_clock(GPU_SCALED, 1);
}

// A short operation never waits for a long successor, nor a long one for another.
static void expect_one_by_one(void (*before)(Job *job)) {
  const uint64_t costs[3] = {8000000, 20000, 8000000};
  World world;
  Job jobs[3];
  open_gpu(&world);
  const sporkle_conv2d_desc problem = small_problem();
  for (int i = 0; i < 3; ++i) {
    job_prepare(&jobs[i], &world, &problem, 7 + (uint64_t)i);
    if (before != NULL) before(&jobs[i]);
    teach(&jobs[i], costs[i]);
    job_clear(&jobs[i]);
  }
  gpu.set_clock(GPU_MANUAL, 0);
  gpu.forget();
  gpu.set_next_costs(costs, 3);
  for (int i = 0; i < 3; ++i) job_submit(&jobs[i]);
  await_queued(1);
  sleep_ms(20);  // whatever else goes into the queue while the first one runs
  expect_status(SPORKLE_NOT_READY, sporkle_fence_poll(jobs[0].fence));
  // Behind its end there is at most the completion word, one gap away.
  gpu.advance(gpu.end_ns(0) + gpu_gap_ns * 3 / 2 - gpu.now());
  expect_ends_before(jobs[0].fence, 2, "the first");
  job_check(&jobs[0]);
  await_queued(2);
  gpu.advance(gpu.end_ns(1) + gpu_gap_ns * 3 / 2 - gpu.now());
  expect_ends_before(jobs[1].fence, 2, "the tiny one");
  job_check(&jobs[1]);
  await_queued(3);
  gpu.advance(gpu.end_ns(2) - 1 - gpu.now());
  sleep_ms(20);
  expect_status(SPORKLE_NOT_READY, sporkle_fence_poll(jobs[2].fence));
  assert_true(job_untouched(&jobs[2]));
  gpu.set_clock(GPU_SCALED, 1);
  expect_ok(sporkle_fence_wait(jobs[2].fence, 10000000000u));
  job_check(&jobs[2]);
  for (int i = 0; i < 3; ++i) job_free(&jobs[i]);
  close_gpu(&world);
}

static void long_tiny_long(void **state) {
  (void)state;
  expect_one_by_one(NULL);
}

// Operations once expected to take no time are expected to take what they took since.
static void length_of_nothing_is_unlearnt(void **state) {
  (void)state;
  expect_one_by_one(teach_nothing);
}

// `count` in flight while the clock stands; then they end in order, each output
// is what its own input makes it.
static void expect_in_order(uint32_t count) {
  enum { job_count = 16 };
  World world;
  Job jobs[job_count];
  load_gpu();
  control.clear();
  gpu.set_clock(GPU_SCALED, 1);
  gpu.set_cost(1000, 0);
  test_device = "gl";
  sporkle_context_desc desc = world_desc(&world);
  desc.fence_capacity = count + job_count;
  expect_ok(sporkle_context_create(&desc, &world.context));
  expect_ok(sporkle_device_find(world.context, "gl", &world.device));
  sporkle_conv2d_desc problem;
  sporkle_conv2d_desc_init(&problem);
  sporkle_conv2d_desc_set(&problem, 1, 2, 4, 4, 2, 1, 1, 0);
  for (int i = 0; i < job_count; ++i) job_prepare(&jobs[i], &world, &problem, (uint64_t)i);
  sporkle_fence *fences = malloc(count * sizeof *fences);
  assert_non_null(fences);
  gpu.set_clock(GPU_MANUAL, 0);
  gpu.forget();
  for (uint32_t i = 0; i < count; ++i) {
    job_submit(&jobs[i % job_count]);
    fences[i] = jobs[i % job_count].fence;
    jobs[i % job_count].fence = NULL;
  }
  expect_status(SPORKLE_NOT_READY, sporkle_fence_poll(fences[0]));
  assert_int_equal(gpu.ended(), 0);
  gpu.set_clock(GPU_SCALED, 1);
  for (uint32_t i = 0; i < count; ++i) {
    expect_ok(sporkle_fence_wait(fences[i], 60000000000u));
    assert_true(gpu.ended() > i);  // no fence ends before its operation
  }
  assert_int_equal(gpu.ended(), count);
  for (uint32_t i = 1; i < count; ++i) assert_true(gpu.begin_ns(i) >= gpu.end_ns(i - 1));
  for (uint32_t i = 0; i < count; ++i) expect_ok(sporkle_fence_destroy(fences[i]));
  free(fences);
  for (int i = 0; i < job_count; ++i) {
    job_check(&jobs[i]);
    job_free(&jobs[i]);
  }
  close_gpu(&world);
}

static void hundred_in_flight(void **state) {
  (void)state;
  expect_in_order(120);
}

static void ten_thousand_in_flight(void **state) {
  (void)state;
  expect_in_order(10000);
}

// While one of them is not over, later ones are not either, and no output is there.
static void ends_one_by_one(void **state) {
  (void)state;
  enum { count = 6 };
  World world;
  Job jobs[count];
  open_gpu(&world);
  const sporkle_conv2d_desc problem = small_problem();
  for (int i = 0; i < count; ++i) {
    job_prepare(&jobs[i], &world, &problem, 20 + (uint64_t)i);
    teach(&jobs[i], 5000000);
    job_clear(&jobs[i]);
  }
  gpu.set_clock(GPU_MANUAL, 0);
  gpu.forget();
  gpu.set_cost(5000000, 0);
  for (int i = 0; i < count; ++i) job_submit(&jobs[i]);
  for (int i = 0; i < count; ++i) {
    await_queued((uint64_t)i + 1);
    gpu.advance(gpu.end_ns((uint64_t)i) - 1 - gpu.now());
    sleep_ms(5);
    expect_status(SPORKLE_NOT_READY, sporkle_fence_poll(jobs[i].fence));
    assert_true(job_untouched(&jobs[i]));
    gpu.advance(1 + gpu_gap_ns * 3 / 2);
    expect_ok(sporkle_fence_wait(jobs[i].fence, 5000000000u));
    job_check(&jobs[i]);
  }
  for (int i = 0; i < count; ++i) job_free(&jobs[i]);
  close_gpu(&world);
}

// Whether a line of a thread's file starts with the text, and the number behind it.
static bool thread_line(const char *thread, const char *file, const char *text, long *number) {
  char path[300], line[128];
  snprintf(path, sizeof path, "/proc/self/task/%s/%s", thread, file);
  FILE *stream = fopen(path, "r");
  bool found = false;
  while (stream != NULL && !found && fgets(line, sizeof line, stream) != NULL) {
    found = strncmp(line, text, strlen(text)) == 0;
    if (found) *number = atol(line + strlen(text));
  }
  if (stream != NULL) fclose(stream);
  return found;
}

// How often the library's threads went to sleep so far. Not the caller's, nor the one that
// ThreadSanitizer wakes every 0.1 s.
static long sleeps_of_library(void) {
  long total = 0, sleeps = 0, ignored;
  int threads = 0;
  DIR *tasks = opendir("/proc/self/task");
  assert_non_null(tasks);
  for (const struct dirent *task; (task = readdir(tasks)) != NULL;) {
    if (!thread_line(task->d_name, "comm", "sporkle", &ignored)) continue;
    if (!thread_line(task->d_name, "status", "voluntary_ctxt_switches:", &sleeps)) continue;
    total += sleeps;
    ++threads;
  }
  closedir(tasks);
  assert_int_not_equal(threads, 0);
  return total;
}

// A GPU is kept awake for a while after its last work, by six timestamps at most, and
// then left alone: the threads sleep.
static void idle_gpu_is_left_alone(void **state) {
  (void)state;
  enum { touch_most = 6, settled_ms = 200, idle_ms = 500, sleeps_most = 5 };
  World world;
  Job job;
  open_card(&world);
  const sporkle_conv2d_desc problem = small_problem();
  job_prepare(&job, &world, &problem, 4);
  for (int i = 0; i < 3; ++i) {
    sleep_ms(settled_ms);
    const uint64_t before = gpu.timestamps();
    teach_once(&job, 20000);
    sleep_ms(settled_ms);
    const uint64_t touched = gpu.timestamps();
    // On one processor nothing is done ahead of time.
    if (sysconf(_SC_NPROCESSORS_ONLN) > 1) assert_true(touched > before);
    assert_in_range(touched - before, 0, touch_most);
    const long sleeps = sleeps_of_library();
    sleep_ms(idle_ms);
    assert_int_equal(gpu.timestamps(), touched);
    assert_in_range(sleeps_of_library() - sleeps, 0, sleeps_most);
  }
  job_free(&job);
  close_gpu(&world);
}

// An hour late on the GPU's clock: pending until that hour is over.
static void late_by_an_hour(void **state) {
  (void)state;
  const uint64_t hour = 3600000000000u;
  World world;
  Job job;
  open_gpu(&world);
  const sporkle_conv2d_desc problem = small_problem();
  job_prepare(&job, &world, &problem, 2);
  teach(&job, 20000);
  gpu.set_clock(GPU_MANUAL, 0);
  plan_faults("late=3600000000000");
  gpu.forget();
  job_submit(&job);
  await_queued(1);
  gpu.advance(1000000);
  expect_status(SPORKLE_TIMEOUT, sporkle_fence_wait(job.fence, 50000000u));
  gpu.advance(hour - 2000000);
  expect_status(SPORKLE_TIMEOUT, sporkle_fence_wait(job.fence, 50000000u));
  gpu.advance(3000000);
  expect_ok(sporkle_fence_wait(job.fence, 5000000000u));
  assert_int_equal(control.struck("late"), 1);
  job_check(&job);
  job_free(&job);
  close_gpu(&world);
}

// While the GPU's clock stands, waits end by the library's own.
static void deadlines_are_kept(void **state) {
  (void)state;
  World world;
  Job jobs[2];
  open_gpu(&world);
  const sporkle_conv2d_desc problem = small_problem();
  for (int i = 0; i < 2; ++i) job_prepare(&jobs[i], &world, &problem, 5 + (uint64_t)i);
  gpu.set_clock(GPU_MANUAL, 0);
  for (int i = 0; i < 2; ++i) job_submit(&jobs[i]);
  const sporkle_fence fences[] = {jobs[0].fence, jobs[1].fence};
  for (int form = 0; form < WAIT_FORMS; ++form) {
    expect_deadlines_kept((DeadlineWait)form, fences, 2);
  }
  gpu.set_clock(GPU_SCALED, 1);
  expect_ok(sporkle_fence_wait_all(fences, 2, 10000000000u));
  for (int i = 0; i < 2; ++i) {
    job_check(&jobs[i]);
    job_free(&jobs[i]);
  }
  close_gpu(&world);
}

// Of `count` operations with a fault at each, one after the other: those whose
// fence ends well are right, and nothing hangs.
static void expect_at_each_step(const char *fault, sporkle_status wanted) {
  enum { count = 5 };
  for (int step = 0; step < count; ++step) {
    World world;
    Job jobs[count];
    open_gpu(&world);
    const sporkle_conv2d_desc problem = small_problem();
    for (int i = 0; i < count; ++i) job_prepare(&jobs[i], &world, &problem, 40 + (uint64_t)i);
    sporkle_status status = SPORKLE_OK;
    for (int i = 0; i < count; ++i) {
      if (i == step) plan_faults(fault);
      job_clear(&jobs[i]);
      const sporkle_plan_bindings bindings = job_bindings(&jobs[i]);
      status = sporkle_plan_submit(jobs[i].plan, &bindings, &jobs[i].fence);
      if (status == SPORKLE_OK) status = sporkle_fence_wait(jobs[i].fence, 100000000u);
      expect_true(status == (i < step ? SPORKLE_OK : wanted), "%s at %d: %d is %s", fault, step,
                  i, sporkle_status_name(status));
      if (status == SPORKLE_OK) job_check(&jobs[i]);
    }
    assert_true(control.struck(fault) > 0);
    control.clear();
    if (wanted == SPORKLE_TIMEOUT) {
      expect_ok(sporkle_context_destroy(world.context));
      for (int i = 0; i < count; ++i) tensors_free(&jobs[i].tensors);
    } else {
      for (int i = 0; i < count; ++i) job_free(&jobs[i]);
      close_gpu(&world);
    }
  }
}

// However long the work is expected to take, the loss is seen in time.
static void every_pending_fence_fails_in_time(void **state) {
  (void)state;
  enum { count = 100 };
  static const uint64_t lengths[] = {20000, 5000000, 300000000};
  for (size_t k = 0; k < COUNT_OF(lengths); ++k) {
    World world;
    Job job;
    sporkle_fence fences[count];
    open_gpu(&world);
    const sporkle_conv2d_desc problem = small_problem();
    job_prepare(&job, &world, &problem, 3);
    for (int i = 0; i < 4; ++i) teach_once(&job, lengths[k]);
    gpu.set_clock(GPU_MANUAL, 0);
    for (int i = 0; i < count; ++i) {
      job_submit(&job);
      fences[i] = job.fence;
    }
    job.fence = NULL;
    sleep_ms(30);
    expect_status(SPORKLE_NOT_READY, sporkle_fence_poll(fences[0]));
    const uint64_t start = clock_ns();
    plan_faults("reset");
    expect_all_lost(fences, count, start, 100000000u);
    control.clear();
    gpu.set_clock(GPU_SCALED, 1);
    job_free(&job);
    close_gpu(&world);
  }
}

// Longer than the limit, and not longer than expected times a hundred.
static void long_work_is_no_hang(void **state) {
  (void)state;
  World world;
  Job job;
  setenv("SPORKLE_GL_WORK_LIMIT", "1", 1);
  open_gpu(&world);
  unsetenv("SPORKLE_GL_WORK_LIMIT");
  const sporkle_conv2d_desc problem = small_problem();
  job_prepare(&job, &world, &problem, 2);
  teach(&job, 30000000);
  const uint64_t start = clock_ns();
  plan_faults("late=2000000000");
  expect_ok(job_run(&job));
  assert_true(clock_ns() - start > 1900000000u);
  job_end_fence(&job);
  teach(&job, 30000000);
  plan_faults("hang");
  const uint64_t hung = clock_ns();
  expect_status(SPORKLE_ERROR_DEVICE_LOST, job_run(&job));
  assert_in_range(clock_ns() - hung, 2500000000u, 12000000000u);
  control.clear();
  await_device(&world);
  job_free(&job);
  close_gpu(&world);
}

static void reset_at_each_step(void **state) {
  (void)state;
  expect_at_each_step("reset", SPORKLE_ERROR_DEVICE_LOST);
}

static void lost_at_each_step(void **state) {
  (void)state;
  expect_at_each_step("lost", SPORKLE_ERROR_DEVICE_LOST);
}

static void hang_at_each_step(void **state) {
  (void)state;
  expect_at_each_step("hang", SPORKLE_TIMEOUT);
}

const struct CMUnitTest virtual_tests[] = {
    cmocka_unit_test(long_tiny_long), cmocka_unit_test(length_of_nothing_is_unlearnt),
    cmocka_unit_test(ends_one_by_one),
    cmocka_unit_test(hundred_in_flight), cmocka_unit_test(ten_thousand_in_flight),
    cmocka_unit_test(deadlines_are_kept), cmocka_unit_test(idle_gpu_is_left_alone),
    cmocka_unit_test(late_by_an_hour), cmocka_unit_test(reset_at_each_step),
    cmocka_unit_test(lost_at_each_step), cmocka_unit_test(hang_at_each_step),
    cmocka_unit_test(every_pending_fence_fails_in_time), cmocka_unit_test(long_work_is_no_hang),
};
const size_t virtual_test_count = COUNT_OF(virtual_tests);
