// Calls from many threads at the same time, destruction under use included.
#include <pthread.h>
#include <stdatomic.h>

#include "conformance/conformance.h"
#include "support/job.h"

enum { thread_count = 4 };

typedef struct Worker {
  World *world;
  pthread_t thread;
  int index;
  int failures;
  atomic_bool *stop;
  sporkle_executor executor;
} Worker;

static sporkle_conv2d_desc problem_of(int index) {
  sporkle_conv2d_desc desc = small_problem();
  desc.h += index;
  desc.k += 3 * index;
  if (index == 3) {  // large enough for the device's own parallelism
    sporkle_conv2d_desc_set(&desc, 2, 16, 28, 28, 32, 3, 1, 1);
  }
  return desc;
}

static void *convolve(void *argument) {
  Worker *w = argument;
  const sporkle_conv2d_desc desc = problem_of(w->index);
  Tensors t;
  tensors_make(&t, &desc, (uint64_t)w->index);
  for (int i = 0; i < 20; ++i) {
    tensors_clear_output(&t);
    if (tensors_conv2d(&t, w->world->context, w->world->device) != SPORKLE_OK) ++w->failures;
    if (tensors_error(&t, t.output).rel_l2 > REL_L2_LIMIT) ++w->failures;
  }
  tensors_free(&t);
  return NULL;
}

static void run_workers(World *world, void *(*body)(void *), int expected_failures) {
  Worker workers[thread_count];
  for (int i = 0; i < thread_count; ++i) {
    workers[i] = (Worker){world, 0, i, 0, NULL, NULL};
    pthread_create(&workers[i].thread, NULL, body, &workers[i]);
  }
  for (int i = 0; i < thread_count; ++i) {
    pthread_join(workers[i].thread, NULL);
    assert_int_equal(workers[i].failures, expected_failures);
  }
}

static void one_call_from_four_threads(void **state) {
  (void)state;
  World world;
  world_open(&world);
  run_workers(&world, convolve, 0);
  assert_int_equal(world_stats(&world).conv2d_calls, 20 * thread_count);
  world_close(&world);
}

static void *submit_many(void *argument) {
  Worker *w = argument;
  const sporkle_conv2d_desc desc = problem_of(w->index);
  Job job;
  job_prepare(&job, w->world, &desc, (uint64_t)w->index);
  for (int i = 0; i < 50; ++i) {
    job_submit(&job);
    if (sporkle_fence_wait(job.fence, SPORKLE_TIMEOUT_INFINITE) != SPORKLE_OK) ++w->failures;
    sporkle_fence_destroy(job.fence);
  }
  job.fence = NULL;
  job_check(&job);
  job_free(&job);
  return NULL;
}

static void submits_from_four_threads(void **state) {
  (void)state;
  World world;
  world_open(&world);
  run_workers(&world, submit_many, 0);
  assert_int_equal(world_stats(&world).submits, 50 * thread_count);
  assert_int_equal(world_stats(&world).fences_now, 0);
  world_close(&world);
}

// Objects are made and used until the context is gone under the thread.
static void *use_until_gone(void *argument) {
  Worker *w = argument;
  const sporkle_conv2d_desc desc = small_problem();
  Tensors t;
  tensors_make(&t, &desc, 1);
  while (!atomic_load(w->stop)) {
    sporkle_buffer_desc buffer_desc = SPORKLE_BUFFER_DESC_INIT;
    buffer_desc.device = w->world->device;
    buffer_desc.size = 8192;
    sporkle_buffer buffer = NULL;
    sporkle_plan plan = NULL;
    sporkle_fence fence = NULL, written = NULL;
    sporkle_buffer_create(w->world->context, &buffer_desc, &buffer);
    sporkle_buffer_flush(buffer, 0, 4096);
    sporkle_plan_create(w->world->context, w->world->device, &desc, t.weights, t.bias, &plan);
    sporkle_plan_run(plan, t.input, NULL, t.output, NULL);
    sporkle_plan_bindings bindings = SPORKLE_PLAN_BINDINGS_INIT;
    bindings.input.buffer = bindings.output.buffer = buffer;
    bindings.output.offset = 4096;
    sporkle_plan_submit(plan, &bindings, &written);
    sporkle_fence_wait(written, SPORKLE_TIMEOUT_INFINITE);
    sporkle_buffer_invalidate(buffer, 4096, 4096);
    sporkle_fence_insert(w->world->context, w->world->device, NULL, &fence);
    sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE);
    tensors_conv2d(&t, w->world->context, w->world->device);
    if (w->index % 2 == 0) {
      sporkle_plan_destroy(plan);
      sporkle_buffer_destroy(buffer);
      sporkle_fence_destroy(fence);
      sporkle_fence_destroy(written);
    }
  }
  if (!tensors_guards_intact(&t)) ++w->failures;
  tensors_free(&t);
  return NULL;
}

static void context_destroyed_under_use(void **state) {
  (void)state;
  for (int round = 0; round < 25; ++round) {
    World world;
    sporkle_context_desc desc = world_desc(&world);
    desc.fence_capacity = 4096;
    // Which reads the buffers on the caller's thread.
    if (round % 2 == 1) desc.flags |= SPORKLE_CONTEXT_DEBUG;
    world_open_with(&world, &desc);
    atomic_bool stop = false;
    Worker workers[thread_count];
    for (int i = 0; i < thread_count; ++i) {
      workers[i] = (Worker){&world, 0, i, 0, &stop, NULL};
      pthread_create(&workers[i].thread, NULL, use_until_gone, &workers[i]);
    }
    sleep_ms(3);
    expect_ok(sporkle_context_destroy(world.context));
    sleep_ms(1);
    atomic_store(&stop, true);
    for (int i = 0; i < thread_count; ++i) {
      pthread_join(workers[i].thread, NULL);
      assert_int_equal(workers[i].failures, 0);
    }
    world_check_memory(&world);
  }
}

static atomic_int destroyed;
static sporkle_plan shared_plan;

static void *destroy_plan(void *argument) {
  Worker *w = argument;
  while (!atomic_load(w->stop)) {
  }
  if (sporkle_plan_destroy(shared_plan) == SPORKLE_OK) atomic_fetch_add(&destroyed, 1);
  return NULL;
}

static void one_of_many_destroyers_wins(void **state) {
  (void)state;
  World world;
  world_open(&world);
  const sporkle_conv2d_desc desc = small_problem();
  Tensors t;
  tensors_make(&t, &desc, 1);
  for (int round = 0; round < 100; ++round) {
    expect_ok(sporkle_plan_create(world.context, world.device, &desc, t.weights, t.bias,
                                  &shared_plan));
    atomic_bool go = false;
    atomic_store(&destroyed, 0);
    Worker workers[thread_count];
    for (int i = 0; i < thread_count; ++i) {
      workers[i] = (Worker){&world, 0, i, 0, &go, NULL};
      pthread_create(&workers[i].thread, NULL, destroy_plan, &workers[i]);
    }
    atomic_store(&go, true);
    for (int i = 0; i < thread_count; ++i) pthread_join(workers[i].thread, NULL);
    assert_int_equal(atomic_load(&destroyed), 1);
  }
  tensors_free(&t);
  world_close(&world);
}

static void *executor_worker(void *argument) {
  Worker *w = argument;
  const sporkle_conv2d_desc desc = small_problem();
  Tensors t;
  tensors_make(&t, &desc, 1);
  const sporkle_executor executor = w->executor;
  for (int i = 0; i < 50; ++i) {
    sporkle_slot slot = SPORKLE_SLOT_INIT;
    sporkle_fence fence = NULL;
    bool good = sporkle_executor_acquire(executor, SPORKLE_TIMEOUT_INFINITE, &slot) == SPORKLE_OK;
    memcpy(slot.input, t.input, t.info.input_size);
    good &= sporkle_executor_submit(executor, slot.index, shared_plan, &fence) == SPORKLE_OK;
    good &= sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE) == SPORKLE_OK;
    good &= tensors_error(&t, slot.output).rel_l2 <= REL_L2_LIMIT;
    good &= sporkle_executor_release(executor, slot.index) == SPORKLE_OK;
    if (!good) ++w->failures;
  }
  tensors_free(&t);
  return NULL;
}

// More threads than slots: acquire makes them take turns.
static void executor_shared_by_threads(void **state) {
  (void)state;
  World world;
  world_open(&world);
  const sporkle_conv2d_desc desc = small_problem();
  Tensors t;
  tensors_make(&t, &desc, 1);
  expect_ok(sporkle_plan_create(world.context, world.device, &desc, t.weights, t.bias,
                                &shared_plan));
  sporkle_executor_desc executor_desc = SPORKLE_EXECUTOR_DESC_INIT;
  executor_desc.device = world.device;
  executor_desc.slot_count = 2;
  executor_desc.input_size = t.info.input_size;
  executor_desc.output_size = t.info.output_size;
  sporkle_executor executor = NULL;
  expect_ok(sporkle_executor_create(world.context, &executor_desc, &executor));
  Worker workers[thread_count];
  for (int i = 0; i < thread_count; ++i) {
    workers[i] = (Worker){&world, 0, i, 0, NULL, executor};
    pthread_create(&workers[i].thread, NULL, executor_worker, &workers[i]);
  }
  for (int i = 0; i < thread_count; ++i) {
    pthread_join(workers[i].thread, NULL);
    assert_int_equal(workers[i].failures, 0);
  }
  tensors_free(&t);
  world_close(&world);
}

GROUP(group_threads, "threads", cmocka_unit_test(one_call_from_four_threads),
      cmocka_unit_test(submits_from_four_threads), cmocka_unit_test(context_destroyed_under_use),
      cmocka_unit_test(one_of_many_destroyers_wins), cmocka_unit_test(executor_shared_by_threads))
