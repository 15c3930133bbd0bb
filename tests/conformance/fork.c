// A forked child: inherited handles say so, a new context works.
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conformance/conformance.h"
#include "support/child.h"
#include "support/job.h"

typedef struct Inherited {
  World world;
  Job job;
  sporkle_executor executor;
} Inherited;

static int use_inherited(void *data) {
  Inherited *in = data;
  const sporkle_status forked = SPORKLE_ERROR_FORKED;
  Tensors *t = &in->job.tensors;
  uint32_t count = 0;
  sporkle_fence fence = NULL;
  sporkle_slot slot = SPORKLE_SLOT_INIT;
  const sporkle_plan_bindings b = job_bindings(&in->job);
  CHILD_CHECK(sporkle_device_count(in->world.context, &count) == forked);
  CHILD_CHECK(tensors_conv2d(t, in->world.context, in->world.device) == forked);
  CHILD_CHECK(tensors_untouched(t));
  CHILD_CHECK(sporkle_plan_run(in->job.plan, t->input, NULL, t->output, NULL) == forked);
  CHILD_CHECK(sporkle_plan_submit(in->job.plan, &b, &fence) == forked);
  CHILD_CHECK(sporkle_buffer_flush(in->job.input, 0, 0) == forked);
  CHILD_CHECK(sporkle_executor_acquire(in->executor, 0, &slot) == forked);
  CHILD_CHECK(sporkle_fence_insert(in->world.context, in->world.device, NULL, &fence) == forked);
  CHILD_CHECK(sporkle_fence_poll(in->job.fence) == SPORKLE_OK);
  int32_t fd = 0;
  CHILD_CHECK(sporkle_fence_export_fd(in->job.fence, &fd) == forked && fd == -1);
  CHILD_CHECK(sporkle_fence_destroy(in->job.fence) == forked);
  CHILD_CHECK(sporkle_buffer_destroy(in->job.input) == forked);
  CHILD_CHECK(sporkle_plan_destroy(in->job.plan) == forked);
  CHILD_CHECK(sporkle_executor_destroy(in->executor) == forked);
  CHILD_CHECK(sporkle_context_destroy(in->world.context) == forked);
  CHILD_CHECK(sporkle_shutdown() == SPORKLE_OK);
  return 0;
}

static int new_context(void *data) {
  Inherited *in = data;
  CHILD_CHECK(use_inherited(data) == 0);
  World world;
  sporkle_context_desc desc = world_desc(&world);
  CHILD_CHECK(sporkle_context_create(&desc, &world.context) == SPORKLE_OK);
  const char *const device = test_device_is("null") ? "null" : "cpu";
  CHILD_CHECK(sporkle_device_find(world.context, device, &world.device) == SPORKLE_OK);
  const sporkle_conv2d_desc problem = small_problem();
  Job job;
  job_prepare(&job, &world, &problem, 3);
  CHILD_CHECK(tensors_conv2d(&job.tensors, world.context, world.device) == SPORKLE_OK);
  CHILD_CHECK(tensors_error(&job.tensors, job.tensors.output).rel_l2 < REL_L2_LIMIT);
  job_submit(&job);
  CHILD_CHECK(sporkle_fence_wait(job.fence, UINT64_C(10000000000)) == SPORKLE_OK);
  job_check(&job);
  job_free(&job);
  uint32_t count = 0;
  // Inherited handles stay refused beside the new context.
  CHILD_CHECK(sporkle_device_count(in->world.context, &count) == SPORKLE_ERROR_FORKED);
  CHILD_CHECK(sporkle_buffer_destroy(in->job.input) == SPORKLE_ERROR_FORKED);
  CHILD_CHECK(sporkle_fence_wait(in->job.fence, 0) == SPORKLE_OK ||
              sporkle_fence_wait(in->job.fence, 0) == SPORKLE_ERROR_FORKED);
  CHILD_CHECK(sporkle_context_destroy(world.context) == SPORKLE_OK);
  CHILD_CHECK(atomic_load(&world.allocator.live) == 0);
  CHILD_CHECK(sporkle_shutdown() == SPORKLE_OK);
  return 0;
}

enum { at_once = 4 };

static pthread_barrier_t start_line;

// The first context of one thread: its own queue, with nobody else's values.
static int work_of_a_thread(uint64_t seed) {
  World world;
  sporkle_context_desc desc = world_desc(&world);
  pthread_barrier_wait(&start_line);
  CHILD_CHECK(sporkle_context_create(&desc, &world.context) == SPORKLE_OK);
  const char *const device = test_device_is("null") ? "null" : "cpu";
  CHILD_CHECK(sporkle_device_find(world.context, device, &world.device) == SPORKLE_OK);
  const sporkle_conv2d_desc problem = small_problem();
  Job job;
  job_prepare(&job, &world, &problem, seed);
  for (int i = 0; i < 10; ++i) {
    job_clear(&job);
    job_submit(&job);
    CHILD_CHECK(sporkle_fence_wait(job.fence, UINT64_C(10000000000)) == SPORKLE_OK);
    job_check(&job);
    CHILD_CHECK(sporkle_fence_destroy(job.fence) == SPORKLE_OK);
    job.fence = NULL;
  }
  job_free(&job);
  CHILD_CHECK(sporkle_context_destroy(world.context) == SPORKLE_OK);
  return 0;
}

static void *thread_with_a_context(void *seed) {
  return (void *)(intptr_t)work_of_a_thread((uint64_t)(uintptr_t)seed);
}

static int first_contexts_at_once(void *data) {
  (void)data;
  pthread_t ids[at_once];
  CHILD_CHECK(pthread_barrier_init(&start_line, NULL, at_once) == 0);
  for (uintptr_t i = 0; i < at_once; ++i) {
    CHILD_CHECK(pthread_create(&ids[i], NULL, thread_with_a_context, (void *)(i + 1)) == 0);
  }
  int failed = 0;
  for (int i = 0; i < at_once; ++i) {
    void *result = NULL;
    CHILD_CHECK(pthread_join(ids[i], &result) == 0);
    failed += result != NULL;
  }
  CHILD_CHECK(failed == 0);
  return 0;
}

static int grandchild(void *data) {
  CHILD_CHECK(new_context(data) == 0);
  fflush(NULL);
  const pid_t pid = fork();
  if (pid == 0) {
    alarm(15);
    _exit(new_context(data));
  }
  int status = 0;
  CHILD_CHECK(waitpid(pid, &status, 0) == pid);
  CHILD_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  return 0;
}

static void open_inherited(Inherited *in) {
  world_open(&in->world);
  const sporkle_conv2d_desc desc = small_problem();
  job_prepare(&in->job, &in->world, &desc, 1);
  job_submit(&in->job);
  expect_ok(sporkle_fence_wait(in->job.fence, SPORKLE_TIMEOUT_INFINITE));
  sporkle_executor_desc executor_desc = SPORKLE_EXECUTOR_DESC_INIT;
  executor_desc.device = in->world.device;
  executor_desc.input_size = executor_desc.output_size = 64;
  expect_ok(sporkle_executor_create(in->world.context, &executor_desc, &in->executor));
}

static void run_in_child(int (*body)(void *)) {
  Inherited in;
  open_inherited(&in);
  assert_int_equal(in_child(body, &in, 20), 0);
  // The parent has not noticed anything.
  job_check(&in.job);
  job_free(&in.job);
  expect_ok(sporkle_executor_destroy(in.executor));
  world_check_usable(&in.world);
  world_close(&in.world);
}

static void inherited_handles_are_refused(void **state) {
  (void)state;
  run_in_child(use_inherited);
}
static void child_creates_a_context(void **state) {
  (void)state;
  if (!TEST_THREADS_AFTER_FORK) skip();
  run_in_child(new_context);
}
static void grandchild_creates_a_context(void **state) {
  (void)state;
  if (!TEST_THREADS_AFTER_FORK) skip();
  run_in_child(grandchild);
}

static void threads_of_a_child_create_contexts(void **state) {
  (void)state;
  if (!TEST_THREADS_AFTER_FORK) skip();
  run_in_child(first_contexts_at_once);
}

static int pending_fence(void *data) {
  Hold *hold = data;
  CHILD_CHECK(sporkle_fence_poll(hold->fences[2]) == SPORKLE_NOT_READY);
  CHILD_CHECK(sporkle_fence_wait(hold->fences[2], SPORKLE_TIMEOUT_INFINITE) ==
              SPORKLE_ERROR_FORKED);
  CHILD_CHECK(sporkle_fence_wait_all(hold->fences, 3, SPORKLE_TIMEOUT_INFINITE) ==
              SPORKLE_ERROR_FORKED);
  CHILD_CHECK(sporkle_fence_poll(hold->fences[2]) == SPORKLE_NOT_READY);
  return 0;
}

// A child's own queues never end what the parent has in flight: here, and once more in
// a child of the child.
static int work_beside_pending_fences(const sporkle_fence *pending, uint32_t count,
                                      int generations) {
  World world;
  sporkle_context_desc desc = world_desc(&world);
  CHILD_CHECK(sporkle_context_create(&desc, &world.context) == SPORKLE_OK);
  CHILD_CHECK(sporkle_device_find(world.context, "null", &world.device) == SPORKLE_OK);
  sporkle_fence all[8];
  for (uint32_t i = 0; i < count; ++i) all[i] = pending[i];
  const sporkle_conv2d_desc problem = small_problem();
  Job job;
  job_prepare(&job, &world, &problem, 5);
  for (int i = 0; i < 20; ++i) {
    job_submit(&job);
    CHILD_CHECK(sporkle_fence_wait(job.fence, UINT64_C(10000000000)) == SPORKLE_OK);
    CHILD_CHECK(sporkle_fence_destroy(job.fence) == SPORKLE_OK);
    job.fence = NULL;
    for (uint32_t f = 0; f < count; ++f) {
      CHILD_CHECK(sporkle_fence_poll(all[f]) == SPORKLE_NOT_READY);
      CHILD_CHECK(sporkle_fence_wait(all[f], 0) == SPORKLE_ERROR_FORKED);
    }
    uint32_t index = 99;
    CHILD_CHECK(sporkle_fence_wait_any(all, count, 0, &index) == SPORKLE_ERROR_FORKED);
    CHILD_CHECK(sporkle_fence_wait_all(all, count, 0) == SPORKLE_ERROR_FORKED);
  }
  if (generations > 1) {
    CHILD_CHECK(sporkle_null_control(world.context, world.device, SPORKLE_NULL_CLOCK_MANUAL, 0,
                                     0) == SPORKLE_OK);
    job_submit(&job);
    all[count] = job.fence;
    fflush(NULL);
    const pid_t pid = fork();
    if (pid == 0) {
      alarm(15);
      _exit(work_beside_pending_fences(all, count + 1, generations - 1));
    }
    int status = 0;
    CHILD_CHECK(waitpid(pid, &status, 0) == pid);
    CHILD_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHILD_CHECK(sporkle_null_control(world.context, world.device, SPORKLE_NULL_CLOCK_AUTO, 0,
                                     0) == SPORKLE_OK);
    CHILD_CHECK(sporkle_fence_wait(job.fence, UINT64_C(10000000000)) == SPORKLE_OK);
  }
  job_free(&job);
  CHILD_CHECK(sporkle_context_destroy(world.context) == SPORKLE_OK);
  for (uint32_t f = 0; f < count; ++f) {
    CHILD_CHECK(sporkle_fence_poll(all[f]) == SPORKLE_NOT_READY);
  }
  return 0;
}

static int pending_fences_beside_work(void *data) {
  const Hold *hold = data;
  return work_beside_pending_fences(hold->fences, COUNT_OF(hold->fences), 3);
}

static void run_with_pending_fences(int (*body)(void *)) {
  if (!test_device_is("null")) skip();
  World world;
  world_open(&world);
  Hold hold;
  hold_begin(&hold, &world);
  assert_int_equal(in_child(body, &hold, 20), 0);
  hold_end(&hold, &world);
  world_close(&world);
}

static void pending_fence_never_hangs_a_child(void **state) {
  (void)state;
  run_with_pending_fences(pending_fence);
}
static void pending_fence_never_ends_in_a_child(void **state) {
  (void)state;
  if (!TEST_THREADS_AFTER_FORK) skip();
  run_with_pending_fences(pending_fences_beside_work);
}

GROUP(group_fork, "fork", cmocka_unit_test(inherited_handles_are_refused),
      cmocka_unit_test(child_creates_a_context), cmocka_unit_test(grandchild_creates_a_context),
      cmocka_unit_test(threads_of_a_child_create_contexts),
      cmocka_unit_test(pending_fence_never_hangs_a_child),
      cmocka_unit_test(pending_fence_never_ends_in_a_child))
