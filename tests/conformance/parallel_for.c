// The host's parallel_for: used when given, in any order, on any thread, nested.
#include <pthread.h>
#include <stdatomic.h>

#include "conformance/conformance.h"
#include "support/job.h"

typedef struct Host {
  atomic_int loops, tasks;
  int threads;  // 1: backwards on the caller
} Host;

typedef struct Share {
  sporkle_task task;
  void *data;
  atomic_uint *next;
  uint32_t count;
} Share;

static void *run_share(void *argument) {
  Share *share = argument;
  for (;;) {
    const uint32_t index = atomic_fetch_add(share->next, 1);
    if (index >= share->count) return NULL;
    share->task(share->data, index);
  }
}

static void host_parallel_for(void *user, uint32_t count, sporkle_task task, void *data) {
  Host *host = user;
  atomic_fetch_add(&host->loops, 1);
  atomic_fetch_add(&host->tasks, (int)count);
  if (host->threads == 1) {
    for (uint32_t i = count; i-- > 0;) task(data, i);
    return;
  }
  atomic_uint next = 0;
  Share share = {task, data, &next, count};
  pthread_t threads[8];
  for (int i = 0; i < host->threads; ++i) pthread_create(&threads[i], NULL, run_share, &share);
  for (int i = 0; i < host->threads; ++i) pthread_join(threads[i], NULL);
}

static void open_with_host(World *world, Host *host, int threads) {
  memset(host, 0, sizeof *host);
  host->threads = threads;
  sporkle_context_desc desc = world_desc(world);
  desc.parallel_for = host_parallel_for;
  desc.parallel_for_user = host;
  desc.parallel_for_threads = 4;
  world_open_with(world, &desc);
}

static sporkle_conv2d_desc large_problem(void) {
  sporkle_conv2d_desc desc;
  sporkle_conv2d_desc_set(&desc, 2, 32, 28, 28, 64, 3, 1, 1);
  return desc;
}

static void is_used(void **state) {
  (void)state;
  for (int threads = 1; threads <= 4; threads += 3) {
    World world;
    Host host;
    open_with_host(&world, &host, threads);
    const sporkle_conv2d_desc desc = large_problem();
    Tensors t;
    tensors_make(&t, &desc, 1);
    expect_ok(tensors_conv2d(&t, world.context, world.device));
    tensors_check(&t, t.output);
    if (test_device_is("cpu")) {
      assert_true(atomic_load(&host.loops) >= 1);
      assert_true(atomic_load(&host.tasks) > 1);
    }
    tensors_free(&t);
    world_close(&world);
  }
}

// The lent threads change no bit of the result.
static void gives_the_same_bits(void **state) {
  (void)state;
  const sporkle_conv2d_desc desc = large_problem();
  Tensors own, lent;
  tensors_make(&own, &desc, 1);
  tensors_make(&lent, &desc, 1);
  World world;
  Host host;
  world_open(&world);
  expect_ok(tensors_conv2d(&own, world.context, world.device));
  world_close(&world);
  open_with_host(&world, &host, 3);
  expect_ok(tensors_conv2d(&lent, world.context, world.device));
  world_close(&world);
  assert_memory_equal(own.output, lent.output, own.info.output_size);
  tensors_free(&own);
  tensors_free(&lent);
}

static World *shared_world;

static void *convolve(void *argument) {
  sporkle_status *status = argument;
  const sporkle_conv2d_desc desc = large_problem();
  Tensors t;
  tensors_make(&t, &desc, 2);
  for (int i = 0; i < 3 && *status == SPORKLE_OK; ++i) {
    *status = tensors_conv2d(&t, shared_world->context, shared_world->device);
  }
  if (tensors_error(&t, t.output).rel_l2 > REL_L2_LIMIT) *status = SPORKLE_ERROR_INTERNAL;
  tensors_free(&t);
  return NULL;
}

// A host that calls the library from its own parallel region.
static void called_from_several_threads(void **state) {
  (void)state;
  World world;
  Host host;
  open_with_host(&world, &host, 2);
  shared_world = &world;
  sporkle_status statuses[3] = {0};
  pthread_t threads[3];
  for (int i = 0; i < 3; ++i) pthread_create(&threads[i], NULL, convolve, &statuses[i]);
  for (int i = 0; i < 3; ++i) {
    pthread_join(threads[i], NULL);
    assert_int_equal(statuses[i], SPORKLE_OK);
  }
  world_close(&world);
}

static void asynchronous_work_uses_it_too(void **state) {
  (void)state;
  World world;
  Host host;
  open_with_host(&world, &host, 2);
  const sporkle_conv2d_desc desc = large_problem();
  Job job;
  job_prepare(&job, &world, &desc, 1);
  job_submit(&job);
  expect_ok(sporkle_fence_wait(job.fence, SPORKLE_TIMEOUT_INFINITE));
  job_check(&job);
  if (test_device_is("cpu")) assert_true(atomic_load(&host.tasks) > 1);
  job_free(&job);
  world_close(&world);
}

GROUP(group_parallel_for, "parallel_for", cmocka_unit_test(is_used),
      cmocka_unit_test(gives_the_same_bits), cmocka_unit_test(called_from_several_threads),
      cmocka_unit_test(asynchronous_work_uses_it_too))
