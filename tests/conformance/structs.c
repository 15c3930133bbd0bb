// struct_size: too short, too large, a tail that is zero, a tail that is not.
#include "conformance/conformance.h"
#include "support/job.h"

static World world;
static Job job;
static sporkle_executor executor;

typedef struct StructCase {
  const char *name;
  size_t size;
  bool out;  // only struct_size is read
  sporkle_status (*call)(void *);
  void (*fill)(void *);
} StructCase;

static void fill_context(void *p) {
  static CountingAllocator unused;
  const sporkle_context_desc desc = SPORKLE_CONTEXT_DESC_INIT;
  memcpy(p, &desc, sizeof desc);
  (void)unused;
}
static void fill_problem(void *p) { memcpy(p, &job.tensors.desc, sizeof job.tensors.desc); }
static void fill_buffer(void *p) {
  sporkle_buffer_desc desc = SPORKLE_BUFFER_DESC_INIT;
  desc.size = 64;
  memcpy(p, &desc, sizeof desc);
}
static void fill_executor(void *p) {
  sporkle_executor_desc desc = SPORKLE_EXECUTOR_DESC_INIT;
  desc.input_size = desc.output_size = 64;
  memcpy(p, &desc, sizeof desc);
}
static void fill_bindings(void *p) {
  const sporkle_plan_bindings b = job_bindings(&job);
  memcpy(p, &b, sizeof b);
}
static void fill_nothing(void *p) { (void)p; }

static sporkle_status call_context(void *p) {
  sporkle_context context = NULL;
  const sporkle_status status = sporkle_context_create(p, &context);
  if (status == SPORKLE_OK) sporkle_context_destroy(context);
  return status;
}
static sporkle_status call_option(void *p) { return sporkle_option_describe(world.context, 0, p); }
static sporkle_status call_device(void *p) { return sporkle_device_describe(world.context, 0, p); }
static sporkle_status call_property(void *p) {
  return sporkle_device_property(world.context, world.device, 0, p);
}
static sporkle_status call_describe(void *p) {
  sporkle_conv2d_info info = SPORKLE_CONV2D_INFO_INIT;
  return sporkle_conv2d_describe(p, &info);
}
static sporkle_status call_describe_out(void *p) {
  return sporkle_conv2d_describe(&job.tensors.desc, p);
}
static sporkle_status call_result(void *p) {
  const Tensors *t = &job.tensors;
  return sporkle_conv2d(world.context, world.device, &t->desc, t->input, t->weights, t->bias,
                        t->residual, t->output, p);
}
static sporkle_status call_run_result(void *p) {
  const Tensors *t = &job.tensors;
  return sporkle_plan_run(job.plan, t->input, t->residual, t->output, p);
}
static sporkle_status call_plan_info(void *p) { return sporkle_plan_describe(job.plan, p); }
static sporkle_status call_buffer(void *p) {
  sporkle_buffer buffer = NULL;
  const sporkle_status status = sporkle_buffer_create(world.context, p, &buffer);
  if (status == SPORKLE_OK) sporkle_buffer_destroy(buffer);
  return status;
}
static sporkle_status call_buffer_info(void *p) { return sporkle_buffer_describe(job.input, p); }
static sporkle_status call_submit(void *p) {
  sporkle_fence fence = NULL;
  const sporkle_status status = sporkle_plan_submit(job.plan, p, &fence);
  if (status != SPORKLE_OK) return status;
  sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE);
  return sporkle_fence_destroy(fence);
}
static sporkle_status call_executor(void *p) {
  sporkle_executor made = NULL;
  const sporkle_status status = sporkle_executor_create(world.context, p, &made);
  if (status == SPORKLE_OK) sporkle_executor_destroy(made);
  return status;
}
static sporkle_status call_slot(void *p) {
  const sporkle_status status = sporkle_executor_acquire(executor, 0, p);
  uint32_t index = 0;
  memcpy(&index, (char *)p + offsetof(sporkle_slot, index), sizeof index);
  if (status == SPORKLE_OK) sporkle_executor_release(executor, index);
  return status;
}
static sporkle_status call_stats(void *p) { return sporkle_context_stats(world.context, p); }

static const StructCase cases[] = {
    {"context_desc", sizeof(sporkle_context_desc), false, call_context, fill_context},
    {"option_info", sizeof(sporkle_option_info), true, call_option, fill_nothing},
    {"device_info", sizeof(sporkle_device_info), true, call_device, fill_nothing},
    {"property", sizeof(sporkle_property), true, call_property, fill_nothing},
    {"conv2d_desc", sizeof(sporkle_conv2d_desc), false, call_describe, fill_problem},
    {"conv2d_info", sizeof(sporkle_conv2d_info), true, call_describe_out, fill_nothing},
    {"conv2d_result", sizeof(sporkle_conv2d_result), true, call_result, fill_nothing},
    {"conv2d_result of a plan", sizeof(sporkle_conv2d_result), true, call_run_result,
     fill_nothing},
    {"plan_info", sizeof(sporkle_plan_info), true, call_plan_info, fill_nothing},
    {"buffer_desc", sizeof(sporkle_buffer_desc), false, call_buffer, fill_buffer},
    {"buffer_info", sizeof(sporkle_buffer_info), true, call_buffer_info, fill_nothing},
    {"plan_bindings", sizeof(sporkle_plan_bindings), false, call_submit, fill_bindings},
    {"executor_desc", sizeof(sporkle_executor_desc), false, call_executor, fill_executor},
    {"slot", sizeof(sporkle_slot), true, call_slot, fill_nothing},
    {"stats", sizeof(sporkle_stats), true, call_stats, fill_nothing},
};

static unsigned char memory[80000] __attribute__((aligned(64)));

static void prepare(const StructCase *c, uint32_t size, int tail) {
  memset(memory, c->out ? 0xee : 0, sizeof memory);
  c->fill(memory);
  memcpy(memory, &size, sizeof size);
  if (!c->out && tail != 0) memory[c->size + (size_t)tail] = 1;
}

static void expect_case(const StructCase *c, sporkle_status want, uint32_t size) {
  const sporkle_status got = c->call(memory);
  expect_true(got == want, "%s with struct_size %u: %s", c->name, size, sporkle_status_name(got));
}

static void open_world(void) {
  world_open(&world);
  const sporkle_conv2d_desc desc = small_problem();
  job_prepare(&job, &world, &desc, 1);
  sporkle_executor_desc executor_desc = SPORKLE_EXECUTOR_DESC_INIT;
  executor_desc.device = world.device;
  executor_desc.input_size = executor_desc.output_size = 64;
  expect_ok(sporkle_executor_create(world.context, &executor_desc, &executor));
}

static void close_world(void) {
  expect_ok(sporkle_executor_destroy(executor));
  job_free(&job);
  world_close(&world);
}

static void sizes(void **state) {
  (void)state;
  open_world();
  for (size_t i = 0; i < COUNT_OF(cases); ++i) {
    const StructCase *c = &cases[i];
    const uint32_t size = (uint32_t)c->size;
    const uint32_t bad[] = {0, 1, 3, 4, 8, size - 1, 65537, INT32_MAX, UINT32_MAX};
    for (size_t b = 0; b < COUNT_OF(bad); ++b) {
      prepare(c, bad[b], 0);
      expect_case(c, SPORKLE_ERROR_VERSION, bad[b]);
      char text[512];
      sporkle_last_error(text, sizeof text);
      expect_true(strstr(text, "struct_size") != NULL, "%s: %s", c->name, text);
    }
    const uint32_t good[] = {size, size + 8, 65536};
    for (size_t g = 0; g < COUNT_OF(good); ++g) {
      prepare(c, good[g], 0);
      expect_case(c, SPORKLE_OK, good[g]);
    }
  }
  close_world();
}

static void tails(void **state) {
  (void)state;
  open_world();
  for (size_t i = 0; i < COUNT_OF(cases); ++i) {
    const StructCase *c = &cases[i];
    const uint32_t size = (uint32_t)c->size + 16;
    if (c->out) {
      // Nothing beyond what the library knows is written.
      prepare(c, size, 0);
      expect_case(c, SPORKLE_OK, size);
      for (size_t b = c->size; b < c->size + 64; ++b) assert_int_equal(memory[b], 0xee);
      uint32_t kept = 0;
      memcpy(&kept, memory, sizeof kept);
      assert_int_equal(kept, size);
      continue;
    }
    for (int tail = 0; tail < 16; tail += 5) {
      prepare(c, size, 0);
      memory[c->size + (size_t)tail] = 1;
      expect_case(c, SPORKLE_ERROR_VERSION, size);
    }
    // Beyond struct_size anything may lie.
    prepare(c, size, 0);
    memset(memory + size, 0xff, 64);
    expect_case(c, SPORKLE_OK, size);
  }
  close_world();
}

GROUP(group_structs, "structs", cmocka_unit_test(sizes), cmocka_unit_test(tails))
