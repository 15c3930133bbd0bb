// Destruction with work in flight, in any order.
#include <pthread.h>
#include <semaphore.h>

#include "conformance/conformance.h"
#include "support/job.h"

static void context_with_work_in_flight(void **state) {
  (void)state;
  World world;
  world_open(&world);
  const sporkle_conv2d_desc desc = small_problem();
  Job jobs[8];
  for (size_t i = 0; i < COUNT_OF(jobs); ++i) {
    job_prepare(&jobs[i], &world, &desc, i);
    job_submit(&jobs[i]);
  }
  world_close(&world);
  for (size_t i = 0; i < COUNT_OF(jobs); ++i) {
    expect_status(SPORKLE_ERROR_INVALID_HANDLE, sporkle_fence_poll(jobs[i].fence));
    expect_status(SPORKLE_ERROR_INVALID_HANDLE, sporkle_buffer_destroy(jobs[i].output));
    tensors_free(&jobs[i].tensors);
  }
}

static void idle_context_goes_at_once(void **state) {
  (void)state;
  World world;
  world_open(&world);
  world_check_usable(&world);
  const uint64_t start = clock_ns();
  world_close(&world);
  assert_true(clock_ns() - start < 1000000000u);
}

typedef struct Waiter {
  sporkle_fence fence;
  sporkle_status status;
} Waiter;

static void *wait_for_ever(void *argument) {
  Waiter *waiter = argument;
  waiter->status = sporkle_fence_wait(waiter->fence, SPORKLE_TIMEOUT_INFINITE);
  return NULL;
}

// Two seconds of patience, then cancelled; a waiter sees one or the other.
static void pending_work_is_cancelled(void **state) {
  (void)state;
  if (!test_device_is("null")) skip();
  World world;
  world_open(&world);
  world_null(&world, SPORKLE_NULL_CLOCK_MANUAL, 0, 0);
  const sporkle_conv2d_desc desc = small_problem();
  Job job;
  job_prepare(&job, &world, &desc, 1);
  job_submit(&job);
  Waiter waiter = {job.fence, SPORKLE_OK};
  pthread_t thread;
  pthread_create(&thread, NULL, wait_for_ever, &waiter);
  sleep_ms(20);
  const uint64_t start = clock_ns();
  world_close(&world);
  const uint64_t took = clock_ns() - start;
  expect_true(took > 1500000000u && took < 4000000000u, "%llu ns", (unsigned long long)took);
  pthread_join(thread, NULL);
  expect_true(waiter.status == SPORKLE_ERROR_CANCELLED ||
                  waiter.status == SPORKLE_ERROR_INVALID_HANDLE,
              "%s", sporkle_status_name(waiter.status));
  tensors_free(&job.tensors);
}

static void hung_device_is_closed(void **state) {
  (void)state;
  if (!test_device_is("null")) skip();
  World world;
  world_open(&world);
  world_null(&world, SPORKLE_NULL_HANG, 0, 0);
  const sporkle_conv2d_desc desc = small_problem();
  Job job;
  job_prepare(&job, &world, &desc, 1);
  job_submit(&job);
  sporkle_executor_desc executor_desc = SPORKLE_EXECUTOR_DESC_INIT;
  executor_desc.device = world.device;
  executor_desc.input_size = job.tensors.info.input_size;
  executor_desc.output_size = job.tensors.info.output_size;
  sporkle_executor executor = NULL;
  expect_ok(sporkle_executor_create(world.context, &executor_desc, &executor));
  sporkle_slot slot = SPORKLE_SLOT_INIT;
  expect_ok(sporkle_executor_acquire(executor, 0, &slot));
  sporkle_fence fence = NULL;
  expect_ok(sporkle_executor_submit(executor, slot.index, job.plan, &fence));
  uint64_t start = clock_ns();
  expect_ok(sporkle_executor_destroy(executor));
  assert_true(clock_ns() - start < 4000000000u);
  start = clock_ns();
  world_close(&world);
  assert_true(clock_ns() - start < 6000000000u);
  tensors_free(&job.tensors);
}

static void children_outlive_nothing(void **state) {
  (void)state;
  World world;
  world_open(&world);
  const sporkle_conv2d_desc desc = small_problem();
  Job job;
  job_prepare(&job, &world, &desc, 1);
  sporkle_executor_desc executor_desc = SPORKLE_EXECUTOR_DESC_INIT;
  executor_desc.device = world.device;
  executor_desc.input_size = executor_desc.output_size = 64;
  sporkle_executor executor = NULL;
  expect_ok(sporkle_executor_create(world.context, &executor_desc, &executor));
  sporkle_slot slot = SPORKLE_SLOT_INIT;
  expect_ok(sporkle_executor_acquire(executor, 0, &slot));
  world_close(&world);
  expect_status(SPORKLE_ERROR_INVALID_HANDLE, sporkle_executor_destroy(executor));
  expect_status(SPORKLE_ERROR_INVALID_HANDLE, sporkle_plan_destroy(job.plan));
  expect_status(SPORKLE_ERROR_INVALID_HANDLE, sporkle_buffer_destroy(job.input));
  tensors_free(&job.tensors);
}

static void shutdown_destroys_everything(void **state) {
  (void)state;
  World worlds[3];
  const sporkle_conv2d_desc desc = small_problem();
  Job jobs[3];
  for (int i = 0; i < 3; ++i) {
    world_open(&worlds[i]);
    job_prepare(&jobs[i], &worlds[i], &desc, 1);
    job_submit(&jobs[i]);
  }
  expect_ok(sporkle_shutdown());
  for (int i = 0; i < 3; ++i) {
    world_check_memory(&worlds[i]);
    expect_status(SPORKLE_ERROR_INVALID_HANDLE, sporkle_context_destroy(worlds[i].context));
    tensors_free(&jobs[i].tensors);
  }
  expect_ok(sporkle_shutdown());
  World world;
  world_open(&world);
  world_check_usable(&world);
  world_close(&world);
}

// A preparation, held for a while where it first asks for memory.
typedef struct Preparing {
  World world;
  sem_t held;
  atomic_bool armed, over;
  sporkle_fence fence;
  sporkle_status status;
  bool over_before;
} Preparing;

static void hold_preparation(void *user, uint64_t size) {
  (void)size;
  Preparing *preparing = user;
  char name[16] = "";
  pthread_getname_np(pthread_self(), name, sizeof name);
  if (strcmp(name, "sporkle-plans") != 0 || !atomic_exchange(&preparing->armed, false)) return;
  sem_post(&preparing->held);
  sleep_ms(300);
  atomic_store(&preparing->over, true);
}

static void *wait_for_preparation(void *argument) {
  Preparing *preparing = argument;
  preparing->status = sporkle_fence_wait(preparing->fence, SPORKLE_TIMEOUT_INFINITE);
  preparing->over_before = atomic_load(&preparing->over);
  return NULL;
}

// The fence of a preparation under way ends with it, not before: what it has once said
// is not taken back by the release of the context's fences.
static void preparation_ends_by_itself(void **state) {
  (void)state;
  Preparing preparing = {.fence = NULL};
  sem_init(&preparing.held, 0, 0);
  const sporkle_context_desc wanted = world_desc(&preparing.world);
  preparing.world.allocator.before_user = &preparing;
  preparing.world.allocator.before = hold_preparation;
  world_open_with(&preparing.world, &wanted);
  world_check_usable(&preparing.world);
  atomic_store(&preparing.armed, true);
  const sporkle_conv2d_desc desc = small_problem();
  Tensors t;
  tensors_make(&t, &desc, 12);
  sporkle_plan plan = NULL;
  expect_ok(sporkle_plan_prepare(preparing.world.context, preparing.world.device, &desc, t.weights,
                                 t.bias, &plan, &preparing.fence));
  while (sem_wait(&preparing.held) != 0) {
  }
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, wait_for_preparation, &preparing), 0);
  world_close(&preparing.world);
  pthread_join(thread, NULL);
  assert_true(preparing.over_before);
  const sporkle_status status = preparing.status;
  expect_true(status == SPORKLE_OK || status == SPORKLE_ERROR_CANCELLED ||
                  status == SPORKLE_ERROR_INVALID_HANDLE,
              "%s", sporkle_status_name(status));
  tensors_free(&t);
}

GROUP(group_teardown, "teardown", cmocka_unit_test(context_with_work_in_flight),
      cmocka_unit_test(idle_context_goes_at_once), cmocka_unit_test(pending_work_is_cancelled),
      cmocka_unit_test(hung_device_is_closed), cmocka_unit_test(children_outlive_nothing),
      cmocka_unit_test(shutdown_destroys_everything),
              cmocka_unit_test(preparation_ends_by_itself))
