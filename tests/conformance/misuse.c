// Handles that are null, stale, destroyed, of another type, or garbage: every
// function refuses every one of them, in release builds too.
#include "conformance/conformance.h"
#include "support/job.h"

enum { of_context, of_buffer, of_fence, of_executor, of_plan, type_count };

static sporkle_conv2d_desc problem;
static float floats[4096];

typedef struct Call {
  const char *name;
  int type;
  sporkle_status (*call)(void *handle);
} Call;

#define CALL(name, ...) \
  static sporkle_status call_##name(void *h) { return sporkle_##name(__VA_ARGS__); }

static uint32_t number;
static int32_t descriptor;
static void *pointer;
static sporkle_option_info option_info = SPORKLE_OPTION_INFO_INIT;
static sporkle_device_info device_info = SPORKLE_DEVICE_INFO_INIT;
static sporkle_property property = SPORKLE_PROPERTY_INIT;
static sporkle_unavailable_info unavailable = SPORKLE_UNAVAILABLE_INFO_INIT;
static sporkle_sequence_step sequence_step = SPORKLE_SEQUENCE_STEP_INIT;
static sporkle_buffer_desc buffer_desc = {(uint32_t)sizeof buffer_desc, 0, 0, 0, 64, 0};
static sporkle_buffer_info buffer_info = SPORKLE_BUFFER_INFO_INIT;
static sporkle_executor_desc executor_desc = {
    (uint32_t)sizeof executor_desc, 0, 0, 0, 64, 0, 64, 0};
static sporkle_plan_info plan_info = SPORKLE_PLAN_INFO_INIT;
static sporkle_plan_bindings bindings = SPORKLE_PLAN_BINDINGS_INIT;
static sporkle_slot slot = SPORKLE_SLOT_INIT;
static sporkle_stats stats = SPORKLE_STATS_INIT;
static sporkle_fence fence_out;
static sporkle_executor_info executor_info = SPORKLE_EXECUTOR_INFO_INIT;
static sporkle_buffer buffer_out;
static sporkle_executor executor_out;
static sporkle_plan plan_out;

CALL(context_destroy, h)
CALL(option_count, h, &number)
CALL(option_describe, h, 0, &option_info)
CALL(device_count, h, &number)
CALL(device_describe, h, 0, &device_info)
CALL(device_property, h, 0, 0, &property)
CALL(device_find, h, "cpu", &number)
CALL(unavailable_count, h, &number)
CALL(unavailable_describe, h, 0, &unavailable)
CALL(conv2d_select, h, 0, &problem, &number)
CALL(conv2d, h, 0, &problem, floats, floats + 1024, floats + 2048, NULL, floats + 3072, NULL)
CALL(plan_create, h, 0, &problem, floats, floats, &plan_out)
CALL(plan_sequence, h, 0, &sequence_step, 1, &plan_out)
CALL(plan_prepare, h, 0, &problem, floats, floats, &plan_out, &fence_out)
CALL(plan_destroy, h)
CALL(plan_describe, h, &plan_info)
CALL(plan_run, h, floats, NULL, floats + 2048, NULL)
CALL(buffer_create, h, &buffer_desc, &buffer_out)
CALL(buffer_destroy, h)
CALL(buffer_describe, h, &buffer_info)
CALL(buffer_data, h, &pointer)
CALL(buffer_flush, h, 0, 0)
CALL(buffer_invalidate, h, 0, 0)
CALL(plan_submit, h, &bindings, &fence_out)
CALL(fence_insert, h, 0, NULL, &fence_out)
CALL(fence_poll, h)
CALL(fence_wait, h, 0)
CALL(fence_destroy, h)
CALL(fence_export_fd, h, &descriptor)
CALL(executor_create, h, &executor_desc, &executor_out)
CALL(executor_destroy, h)
CALL(executor_acquire, h, 0, &slot)
CALL(executor_submit, h, 0, NULL, &fence_out)
CALL(executor_release, h, 0)
CALL(executor_submit_many, h, &number, &plan_out, 1, &fence_out)
CALL(executor_describe, h, &executor_info)
CALL(context_stats, h, &stats)
CALL(null_control, h, 0, 0, 0, 0)

static sporkle_status call_wait_any(void *h) {
  const sporkle_fence fence = h;
  return sporkle_fence_wait_any(&fence, 1, 0, &number);
}
static sporkle_status call_wait_all(void *h) {
  const sporkle_fence fence = h;
  return sporkle_fence_wait_all(&fence, 1, 0);
}

#define ROW(name, type) {"sporkle_" #name, type, call_##name}

static const Call calls[] = {
    ROW(context_destroy, of_context), ROW(option_count, of_context),
    ROW(option_describe, of_context), ROW(device_count, of_context),
    ROW(device_describe, of_context), ROW(device_property, of_context),
    ROW(device_find, of_context), ROW(unavailable_count, of_context),
    ROW(unavailable_describe, of_context), ROW(conv2d_select, of_context),
    ROW(conv2d, of_context), ROW(plan_create, of_context), ROW(plan_sequence, of_context),
    ROW(plan_prepare, of_context), ROW(plan_destroy, of_plan),
    ROW(plan_describe, of_plan), ROW(plan_run, of_plan), ROW(buffer_create, of_context),
    ROW(buffer_destroy, of_buffer), ROW(buffer_describe, of_buffer), ROW(buffer_data, of_buffer),
    ROW(buffer_flush, of_buffer), ROW(buffer_invalidate, of_buffer), ROW(plan_submit, of_plan),
    ROW(fence_insert, of_context), ROW(fence_poll, of_fence), ROW(fence_wait, of_fence),
    ROW(wait_any, of_fence), ROW(wait_all, of_fence), ROW(fence_destroy, of_fence), ROW(fence_export_fd, of_fence),
    ROW(executor_create, of_context), ROW(executor_destroy, of_executor),
    ROW(executor_acquire, of_executor), ROW(executor_submit, of_executor),
    ROW(executor_release, of_executor), ROW(executor_submit_many, of_executor),
    ROW(executor_describe, of_executor), ROW(context_stats, of_context),
    ROW(null_control, of_context),
};

static void refused_by_all(const char *what, void *handle, int except_type) {
  for (size_t i = 0; i < COUNT_OF(calls); ++i) {
    if (calls[i].type == except_type) continue;
    const sporkle_status status = calls[i].call(handle);
    expect_true(status == SPORKLE_ERROR_INVALID_HANDLE, "%s of a %s (%p) gave %s", calls[i].name,
                what, handle, sporkle_status_name(status));
  }
}

static void make_handles(Job *job, World *world, void *handles[type_count]) {
  problem = small_problem();
  job_prepare(job, world, &problem, 1);
  job_submit(job);
  expect_ok(sporkle_fence_wait(job->fence, SPORKLE_TIMEOUT_INFINITE));
  executor_desc.device = world->device;
  sporkle_executor executor = NULL;
  expect_ok(sporkle_executor_create(world->context, &executor_desc, &executor));
  handles[of_context] = world->context;
  handles[of_buffer] = job->input;
  handles[of_fence] = job->fence;
  handles[of_executor] = executor;
  handles[of_plan] = job->plan;
}

static void garbage(void **state) {
  (void)state;
  World world;
  world_open(&world);
  Job job;
  void *handles[type_count];
  make_handles(&job, &world, handles);
  refused_by_all("null handle", NULL, -1);
  refused_by_all("pointer to an object", &world, -1);
  refused_by_all("pointer to memory", floats, -1);
  static const uint64_t bits[] = {1, 2, 3, 5, 0x1f, 0xdeadbeef, 0xdeadbeefdeadbeef,
                                  0x7fffffffffffffff, UINT64_MAX, UINT64_MAX - 1,
                                  0x8000000000000001, 0x5555555555555555};
  for (size_t i = 0; i < COUNT_OF(bits); ++i) {
    refused_by_all("garbage handle", (void *)(uintptr_t)bits[i], -1);
  }
  uint64_t random = 88172645463325252u;
  for (int i = 0; i < 2000; ++i) {
    random ^= random << 13, random ^= random >> 7, random ^= random << 17;
    refused_by_all("random handle", (void *)(uintptr_t)(random | 1), -1);
  }
  for (int type = 0; type < type_count; ++type) {
    const uint64_t handle = (uintptr_t)handles[type];
    refused_by_all("handle of another type", handles[type], type);
    refused_by_all("handle without its low bit", (void *)(uintptr_t)(handle - 1), -1);
    refused_by_all("handle of the next generation", (void *)(uintptr_t)(handle + (1u << 25)), -1);
    refused_by_all("handle of a far slot", (void *)(uintptr_t)(handle ^ (1u << 24)), -1);
    for (uint64_t t = 0; t < 16; ++t) {
      const uint64_t other = (handle & ~UINT64_C(30)) | t << 1;
      if (other != handle) refused_by_all("handle with another type", (void *)(uintptr_t)other, -1);
    }
  }
  expect_ok(sporkle_fence_poll(job.fence));
  job_check(&job);
  world_check_usable(&world);
  world_close(&world);
  tensors_free(&job.tensors);
}

static void destroyed(void **state) {
  (void)state;
  World world;
  world_open(&world);
  Job job;
  void *handles[type_count];
  make_handles(&job, &world, handles);
  expect_ok(sporkle_plan_destroy(job.plan));
  refused_by_all("destroyed plan", job.plan, -1);
  expect_ok(sporkle_buffer_destroy(job.input));
  refused_by_all("destroyed buffer", job.input, -1);
  expect_ok(sporkle_fence_destroy(job.fence));
  refused_by_all("destroyed fence", job.fence, -1);
  expect_ok(sporkle_executor_destroy(handles[of_executor]));
  refused_by_all("destroyed executor", handles[of_executor], -1);
  world_check_usable(&world);
  const sporkle_buffer remaining = job.output;
  world_close(&world);
  refused_by_all("destroyed context", world.context, -1);
  refused_by_all("buffer of a destroyed context", remaining, -1);
  tensors_free(&job.tensors);
}

static void null_control_needs_a_null_device(void **state) {
  (void)state;
  World world;
  world_open(&world);
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "device",
                 sporkle_null_control(world.context, 0, SPORKLE_NULL_RECOVER, 0, 0));
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "device",
                 sporkle_null_control(world.context, 77, SPORKLE_NULL_RECOVER, 0, 0));
  world_close(&world);
}

GROUP(group_misuse, "misuse", cmocka_unit_test(garbage), cmocka_unit_test(destroyed),
      cmocka_unit_test(null_control_needs_a_null_device))
