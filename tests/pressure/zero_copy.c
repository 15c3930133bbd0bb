/* The path of a warm pipeline copies nothing: every memcpy and memmove of the
 * process is watched, the driver's included, between submit and the fence. */
#include "pressure/copy_watch.h"
#include "support/job.h"

enum { slots = 3, warm = 8, rounds = 40 };

static sporkle_conv2d_desc problem(void) {
  sporkle_conv2d_desc desc = SPORKLE_CONV2D_DESC_INIT;
  sporkle_conv2d_desc_set(&desc, 1, 8, 32, 32, 16, 3, 1, 1);
  return desc;
}

/* The caller's own writing, by a loop that stays one. */
static void fill(float *to, const float *from, uint64_t bytes) {
  volatile float *out = to;
  for (uint64_t i = 0; i < bytes / 4; ++i) out[i] = from[i];
}

static uint32_t placement_of(World *world, uint64_t bytes, uint32_t usage) {
  sporkle_buffer_desc desc = SPORKLE_BUFFER_DESC_INIT;
  desc.device = world->device;
  desc.size = bytes;
  desc.usage = usage;
  sporkle_buffer buffer = NULL;
  expect_ok(sporkle_buffer_create(world->context, &desc, &buffer));
  sporkle_buffer_info info = SPORKLE_BUFFER_INFO_INIT;
  expect_ok(sporkle_buffer_describe(buffer, &info));
  expect_ok(sporkle_buffer_destroy(buffer));
  return info.placement;
}

/* What one operation may copy: nothing, except where nothing can be mapped;
 * there the driver copies everything once, which shows that it is watched. A
 * software driver's copy engine is memcpy: between window and local memory each
 * byte once, and nothing besides. A card has one of its own. */
static void expect_copies(World *world, uint32_t placement, uint64_t operations, uint64_t payload) {
  const uint64_t bytes = copy_watch_bytes();
  sporkle_device_info info = SPORKLE_DEVICE_INFO_INIT;
  expect_ok(sporkle_device_describe(world->context, world->device, &info));
  if (placement == SPORKLE_PLACEMENT_WINDOW && (info.flags & SPORKLE_DEVICE_SOFTWARE) == 0) {
    placement = SPORKLE_PLACEMENT_MAPPED;
  }
  if (placement == SPORKLE_PLACEMENT_STAGING) {
    expect_true(bytes >= operations * payload, "the driver copies: %llu bytes were seen",
                (unsigned long long)bytes);
  } else if (placement == SPORKLE_PLACEMENT_WINDOW) {
    expect_true(bytes == operations * payload, "%llu bytes through windows, %llu expected",
                (unsigned long long)bytes, (unsigned long long)(operations * payload));
  } else {
    expect_true(bytes == 0, "%llu bytes were copied by %llu operations",
                (unsigned long long)bytes, (unsigned long long)operations);
  }
}

static sporkle_executor make_executor(World *world, const sporkle_conv2d_info *info) {
  sporkle_executor_desc wanted = SPORKLE_EXECUTOR_DESC_INIT;
  wanted.device = world->device;
  wanted.slot_count = slots;
  wanted.input_size = info->input_size;
  wanted.output_size = info->output_size;
  sporkle_executor executor = NULL;
  expect_ok(sporkle_executor_create(world->context, &wanted, &executor));
  return executor;
}

static void one_slot(sporkle_executor executor, const Job *job, bool watch) {
  const sporkle_conv2d_info *info = &job->tensors.info;
  sporkle_slot slot = SPORKLE_SLOT_INIT;
  sporkle_fence fence = NULL;
  copy_watch_set(watch);
  expect_ok(sporkle_executor_acquire(executor, SPORKLE_TIMEOUT_INFINITE, &slot));
  copy_watch_set(false);
  fill(slot.input, job->tensors.input, info->input_size);
  copy_watch_add(slot.input, info->input_size);
  copy_watch_add(slot.output, info->output_size);
  copy_watch_set(watch);
  expect_ok(sporkle_executor_submit(executor, slot.index, job->plan, &fence));
  expect_ok(sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE));
  copy_watch_set(false);
  tensors_check(&job->tensors, slot.output);
  copy_watch_set(watch);
  expect_ok(sporkle_executor_release(executor, slot.index));
  copy_watch_set(false);
}

static void executor_slots(void **state) {
  (void)state;
  World world;
  world_open(&world);
  const sporkle_conv2d_desc desc = problem();
  Job job;
  job_prepare(&job, &world, &desc, 7);
  const sporkle_conv2d_info *info = &job.tensors.info;
  const sporkle_executor executor = make_executor(&world, info);
  const uint32_t placement = placement_of(&world, info->output_size,
                                          SPORKLE_BUFFER_CPU_READ | SPORKLE_BUFFER_DEVICE_WRITE);
  for (int i = 0; i < warm; ++i) {
    copy_watch_clear();
    one_slot(executor, &job, false);
  }
  uint64_t calls = 0;
  for (int i = 0; i < rounds; ++i) {
    copy_watch_clear();
    one_slot(executor, &job, true);
    calls += copy_watch_calls();
    expect_copies(&world, placement, 1, info->input_size + info->output_size);
  }
  print_message("slots: %d operations, placement %u, %llu copies of other memory\n", rounds,
                placement, (unsigned long long)calls);
  expect_ok(sporkle_executor_destroy(executor));
  job_free(&job);
  world_close(&world);
}

/* All slots in one call. */
static void one_group(sporkle_executor executor, const Job *job, bool watch) {
  const sporkle_conv2d_info *info = &job->tensors.info;
  sporkle_slot slot[slots];
  uint32_t indices[slots];
  sporkle_plan plans[slots];
  sporkle_fence fences[slots];
  for (int i = 0; i < slots; ++i) {
    slot[i] = (sporkle_slot)SPORKLE_SLOT_INIT;
    copy_watch_set(watch);
    expect_ok(sporkle_executor_acquire(executor, SPORKLE_TIMEOUT_INFINITE, &slot[i]));
    copy_watch_set(false);
    fill(slot[i].input, job->tensors.input, info->input_size);
    copy_watch_add(slot[i].input, info->input_size);
    copy_watch_add(slot[i].output, info->output_size);
    indices[i] = slot[i].index;
    plans[i] = job->plan;
  }
  copy_watch_set(watch);
  expect_ok(sporkle_executor_submit_many(executor, indices, plans, slots, fences));
  expect_ok(sporkle_fence_wait_all(fences, slots, SPORKLE_TIMEOUT_INFINITE));
  copy_watch_set(false);
  for (int i = 0; i < slots; ++i) tensors_check(&job->tensors, slot[i].output);
  copy_watch_set(watch);
  for (int i = 0; i < slots; ++i) expect_ok(sporkle_executor_release(executor, indices[i]));
  copy_watch_set(false);
}

static void executor_groups(void **state) {
  (void)state;
  World world;
  world_open(&world);
  const sporkle_conv2d_desc desc = problem();
  Job job;
  job_prepare(&job, &world, &desc, 7);
  const sporkle_conv2d_info *info = &job.tensors.info;
  const sporkle_executor executor = make_executor(&world, info);
  const uint32_t placement = placement_of(&world, info->output_size,
                                          SPORKLE_BUFFER_CPU_READ | SPORKLE_BUFFER_DEVICE_WRITE);
  for (int i = 0; i < warm + rounds; ++i) {
    copy_watch_clear();
    one_group(executor, &job, i >= warm);
    if (i >= warm) expect_copies(&world, placement, slots, info->input_size + info->output_size);
  }
  expect_ok(sporkle_executor_destroy(executor));
  job_free(&job);
  world_close(&world);
}

static void buffers(void **state) {
  (void)state;
  World world;
  world_open(&world);
  const sporkle_conv2d_desc desc = problem();
  Job job;
  job_prepare(&job, &world, &desc, 8);
  const sporkle_conv2d_info *info = &job.tensors.info;
  void *in = NULL, *out = NULL;
  expect_ok(sporkle_buffer_data(job.input, &in));
  expect_ok(sporkle_buffer_data(job.output, &out));
  sporkle_buffer_info input = SPORKLE_BUFFER_INFO_INIT;
  expect_ok(sporkle_buffer_describe(job.input, &input));
  copy_watch_clear();
  copy_watch_add(in, info->input_size);
  copy_watch_add(out, info->output_size);
  for (int i = 0; i < warm + rounds; ++i) {
    fill(in, job.tensors.input, info->input_size);
    copy_watch_set(i >= warm);
    expect_ok(sporkle_buffer_flush(job.input, 0, info->input_size));
    job_submit(&job);
    expect_ok(sporkle_fence_wait(job.fence, SPORKLE_TIMEOUT_INFINITE));
    expect_ok(sporkle_fence_destroy(job.fence));
    expect_ok(sporkle_buffer_invalidate(job.output, 0, info->output_size));
    copy_watch_set(false);
    tensors_check(&job.tensors, out);
  }
  job.fence = NULL;
  expect_copies(&world, input.placement, rounds, info->input_size + info->output_size);
  job_free(&job);
  world_close(&world);
}

/* The watch sees what it should: a copy made here, and those that a call on
 * ordinary memory makes on a device that cannot use it in place. */
static void the_watch_works(void **state) {
  (void)state;
  World world;
  world_open(&world);
  const sporkle_conv2d_desc desc = problem();
  Tensors t;
  tensors_make(&t, &desc, 9);
  copy_watch_clear();
  copy_watch_add(t.input, t.info.input_size);
  copy_watch_add(t.output, t.info.output_size);
  void *(*volatile copy)(void *, const void *, size_t) = memcpy;
  static float elsewhere[256];
  copy_watch_set(true);
  copy(elsewhere, t.input + 10, sizeof elsewhere);
  copy_watch_set(false);
  assert_int_equal(copy_watch_bytes(), sizeof elsewhere);
  assert_memory_equal(elsewhere, t.input + 10, sizeof elsewhere);
  expect_ok(tensors_conv2d(&t, world.context, world.device));
  copy_watch_set(true);
  expect_ok(tensors_conv2d(&t, world.context, world.device));
  copy_watch_set(false);
  tensors_check(&t, t.output);
  const uint64_t bytes = copy_watch_bytes() - sizeof elsewhere;
  print_message("a call on ordinary memory copies %llu bytes\n", (unsigned long long)bytes);
  if (strncmp(test_device, "gl", 2) == 0) {
    assert_true(bytes >= t.info.input_size + t.info.output_size);
  } else {
    assert_int_equal(bytes, 0);
  }
  tensors_free(&t);
  world_close(&world);
}

int main(int argc, char **argv) {
  test_device_select(argc, argv);
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_watch_works),
                                     cmocka_unit_test(executor_slots),
                                     cmocka_unit_test(executor_groups), cmocka_unit_test(buffers)};
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  printf("%s: memcpy and memmove between submit and fence, payload bytes counted\n", test_device);
  return failed;
}
