// Sequence plans: every kind of connection against float64 step by step,
// running, submission, executors, refusals, loss of the device.
#include <math.h>

#include "conformance/conformance.h"
#include "support/tensors.h"
#include "support/world.h"
#include "tools/network.h"
#include "tools/random.h"

#define NONE SPORKLE_SEQUENCE_NONE

static uint64_t output_size(const NetworkStep *step) {
  sporkle_conv2d_info info = SPORKLE_CONV2D_INFO_INIT;
  expect_ok(sporkle_conv2d_describe(&step->desc, &info));
  return info.output_size;
}

static sporkle_conv2d_desc conv(int64_t c, int64_t plane, int64_t k, int64_t kernel,
                                int64_t stride) {
  sporkle_conv2d_desc desc;
  sporkle_conv2d_desc_set(&desc, 2, c, plane, plane, k, kernel, stride, kernel / 2);
  desc.flags = SPORKLE_CONV2D_BIAS;
  desc.activation = SPORKLE_ACTIVATION_RELU;
  return desc;
}

// Two tensors read twice, a residual from the input, one that lives long, a
// depthwise step, a clamp, a step without bias, a stride.
static void small_network(Network *network) {
  assert_true(network_begin(network, 8));
  sporkle_conv2d_desc desc = conv(6, 9, 8, 3, 1);
  assert_true(network_add(network, &desc, 0, NONE));
  desc = conv(8, 9, 6, 1, 1);
  desc.flags |= SPORKLE_CONV2D_RESIDUAL;
  assert_true(network_add(network, &desc, 1, 0));
  desc = conv(6, 9, 8, 3, 1);
  desc.flags |= SPORKLE_CONV2D_RESIDUAL;
  desc.groups = 2;
  assert_true(network_add(network, &desc, 2, 1));
  desc = conv(8, 9, 8, 3, 1);
  desc.groups = 8;
  desc.flags = 0;
  assert_true(network_add(network, &desc, 3, NONE));
  desc = conv(8, 9, 5, 3, 2);
  desc.activation = SPORKLE_ACTIVATION_CLAMP;
  desc.clamp_min = -0.5f;
  desc.clamp_max = 0.75f;
  assert_true(network_add(network, &desc, 4, NONE));
  desc = conv(8, 9, 5, 1, 2);
  desc.flags |= SPORKLE_CONV2D_RESIDUAL;
  assert_true(network_add(network, &desc, 3, 5));
  desc = conv(5, 5, 5, 3, 1);
  desc.flags |= SPORKLE_CONV2D_RESIDUAL;
  assert_true(network_add(network, &desc, 6, 6));
}

// The outputs that the oracle gives step by step, each rounded to float.
static float *oracle_chain(const Network *network, const float *input) {
  float *tensors[NETWORK_RESNET50 + 1] = {0};
  assert_true(network->count <= NETWORK_RESNET50);
  for (uint32_t i = 0; i < network->count; ++i) {
    const NetworkStep *step = &network->steps[i];
    const OracleTensors given = {
        step->input == 0 ? input : tensors[step->input], step->weights, step->bias,
        step->residual == NONE ? NULL : step->residual == 0 ? input : tensors[step->residual]};
    tensors[i + 1] = malloc(output_size(step));
    const int64_t area = oracle_out_h(&step->desc) * oracle_out_w(&step->desc);
    double *plane = malloc((size_t)area * sizeof *plane);
    for (int64_t p = 0; p < step->desc.n * step->desc.k; ++p) {
      oracle_plane(&step->desc, &given, p / step->desc.k, p % step->desc.k, plane);
      for (int64_t x = 0; x < area; ++x) tensors[i + 1][p * area + x] = (float)plane[x];
    }
    free(plane);
  }
  for (uint32_t i = 1; i < network->count; ++i) free(tensors[i]);
  return tensors[network->count];
}

static double difference(const float *a, const float *reference, uint64_t bytes) {
  double sum = 0, norm = 0;
  for (uint64_t i = 0; i < bytes / 4; ++i) {
    sum += ((double)a[i] - reference[i]) * ((double)a[i] - reference[i]);
    norm += (double)reference[i] * reference[i];
  }
  return norm > 0 ? sqrt(sum / norm) : INFINITY;
}

typedef struct Chain {
  World world;
  Network network;
  sporkle_plan plan;
  float *input, *output, *wanted;
  uint64_t input_size, output_size;
} Chain;

static void chain_open(Chain *c) {
  world_open(&c->world);
  c->input_size = network_input_size(&c->network);
  c->output_size = network_output_size(&c->network);
  c->input = malloc(c->input_size);
  c->output = malloc(c->output_size);
  random_fill(c->input, c->input_size / 4, 11);
  c->wanted = oracle_chain(&c->network, c->input);
  expect_ok(sporkle_plan_sequence(c->world.context, c->world.device, c->network.sequence,
                                  c->network.count, &c->plan));
}

static void chain_close(Chain *c) {
  free(c->input);
  free(c->output);
  free(c->wanted);
  network_free(&c->network);
  world_close(&c->world);
}

static void chain_check(const Chain *c, const float *output) {
  const double error = difference(output, c->wanted, c->output_size);
  expect_true(error <= REL_L2_LIMIT, "relative L2 error %g over %u steps", error,
              c->network.count);
}

static void chain_run(Chain *c) {
  memset(c->output, 0xff, c->output_size);
  expect_ok(sporkle_plan_run(c->plan, c->input, NULL, c->output, NULL));
  chain_check(c, c->output);
}

// The memory of the tensors between the steps is counted; kept, it is counted once.
static void memory_is_counted(void **state) {
  (void)state;
  Chain c;
  small_network(&c.network);
  chain_open(&c);
  sporkle_plan_info info = SPORKLE_PLAN_INFO_INIT;
  expect_ok(sporkle_plan_describe(c.plan, &info));
  assert_true(info.workspace_bytes > 0);
  // An OpenGL device has two in turn.
  for (int i = 0; i < 4; ++i) chain_run(&c);
  const uint64_t held = world_stats(&c.world).workspace_bytes;
  assert_in_range(held, info.workspace_bytes, 1 << 30);
  for (int i = 0; i < 4; ++i) chain_run(&c);
  assert_int_equal(world_stats(&c.world).workspace_bytes, held);
  if (test_device_is("null")) {
    expect_ok(sporkle_plan_destroy(c.plan));
    assert_int_equal(world_stats(&c.world).workspace_bytes, 0);
  }
  chain_close(&c);
}

static void every_connection(void **state) {
  (void)state;
  Chain c;
  small_network(&c.network);
  chain_open(&c);
  sporkle_plan_info info = SPORKLE_PLAN_INFO_INIT;
  expect_ok(sporkle_plan_describe(c.plan, &info));
  assert_int_equal(info.device, c.world.device);
  assert_true(info.packed_bytes > 0 && info.workspace_bytes > 0);
  const sporkle_stats before = world_stats(&c.world);
  chain_run(&c);
  sporkle_conv2d_result result = SPORKLE_CONV2D_RESULT_INIT;
  expect_ok(sporkle_plan_run(c.plan, c.input, NULL, c.output, &result));
  assert_string_equal(result.algorithm, info.algorithm);
  const sporkle_stats after = world_stats(&c.world);
  assert_int_equal(after.conv2d_calls - before.conv2d_calls, 2 * c.network.count);
  double flops = 0;
  for (uint32_t i = 0; i < c.network.count; ++i) flops += oracle_flops(&c.network.steps[i].desc);
  assert_true((double)(after.conv2d_flops - before.conv2d_flops) == 2 * flops);
  chain_close(&c);
}

// One step is a sequence as well, and equals the plan of that step.
static void one_step(void **state) {
  (void)state;
  Chain c;
  assert_true(network_begin(&c.network, 1));
  const sporkle_conv2d_desc desc = conv(6, 9, 8, 3, 1);
  assert_true(network_add(&c.network, &desc, 0, NONE));
  chain_open(&c);
  chain_run(&c);
  chain_close(&c);
}

// The shape of ResNet-50 with an eighth of the channels on an 8x8 plane.
static void narrow_resnet(void **state) {
  (void)state;
  Chain c;
  assert_true(network_resnet50(&c.network, 2, 8, 8));
  assert_int_equal(c.network.count, NETWORK_RESNET50);
  chain_open(&c);
  chain_run(&c);
  // What is needed at once, not one tensor per step.
  uint64_t all = 0;
  for (uint32_t i = 0; i < c.network.count; ++i) all += output_size(&c.network.steps[i]);
  sporkle_plan_info info = SPORKLE_PLAN_INFO_INIT;
  expect_ok(sporkle_plan_describe(c.plan, &info));
  if (test_device_is("null")) {
    expect_true(info.workspace_bytes < all / 4, "%llu of %llu bytes",
                (unsigned long long)info.workspace_bytes, (unsigned long long)all);
  }
  chain_close(&c);
}

static sporkle_buffer make_buffer(World *world, uint64_t size, const float *content) {
  sporkle_buffer_desc desc = SPORKLE_BUFFER_DESC_INIT;
  desc.device = world->device;
  desc.size = size;
  sporkle_buffer buffer = NULL;
  expect_ok(sporkle_buffer_create(world->context, &desc, &buffer));
  void *data = NULL;
  expect_ok(sporkle_buffer_data(buffer, &data));
  if (content) memcpy(data, content, size);
  else memset(data, 0xff, size);
  expect_ok(sporkle_buffer_flush(buffer, 0, size));
  return buffer;
}

// Several in flight share what the plan owns; the plan is destroyed meanwhile.
static void submitted(void **state) {
  (void)state;
  enum { flights = 5 };
  Chain c;
  small_network(&c.network);
  chain_open(&c);
  sporkle_buffer input = make_buffer(&c.world, c.input_size, c.input), outputs[flights];
  sporkle_fence fences[flights];
  for (int i = 0; i < flights; ++i) outputs[i] = make_buffer(&c.world, c.output_size, NULL);
  const sporkle_stats before = world_stats(&c.world);
  for (int i = 0; i < flights; ++i) {
    sporkle_plan_bindings b = SPORKLE_PLAN_BINDINGS_INIT;
    b.input.buffer = input;
    b.output.buffer = outputs[i];
    expect_ok(sporkle_plan_submit(c.plan, &b, &fences[i]));
    b.residual.buffer = input;
    sporkle_fence none = NULL;
    expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "bindings.residual",
                   sporkle_plan_submit(c.plan, &b, &none));
  }
  assert_int_equal(world_stats(&c.world).submits - before.submits, flights);
  expect_ok(sporkle_plan_destroy(c.plan));
  expect_ok(sporkle_fence_wait_all(fences, flights, SPORKLE_TIMEOUT_INFINITE));
  for (int i = 0; i < flights; ++i) {
    void *data = NULL;
    expect_ok(sporkle_buffer_invalidate(outputs[i], 0, c.output_size));
    expect_ok(sporkle_buffer_data(outputs[i], &data));
    chain_check(&c, data);
    expect_ok(sporkle_buffer_destroy(outputs[i]));
    expect_ok(sporkle_fence_destroy(fences[i]));
  }
  expect_ok(sporkle_buffer_destroy(input));
  chain_close(&c);
}

static void through_slot(Chain *c, sporkle_executor executor) {
  sporkle_slot slot = SPORKLE_SLOT_INIT;
  sporkle_fence fence = NULL;
  expect_ok(sporkle_executor_acquire(executor, SPORKLE_TIMEOUT_INFINITE, &slot));
  memcpy(slot.input, c->input, c->input_size);
  memset(slot.output, 0xff, c->output_size);
  expect_ok(sporkle_executor_submit(executor, slot.index, c->plan, &fence));
  expect_ok(sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE));
  chain_check(c, slot.output);
  expect_ok(sporkle_executor_release(executor, slot.index));
}

static void executed(void **state) {
  (void)state;
  Chain c;
  small_network(&c.network);
  chain_open(&c);
  sporkle_executor_desc desc = SPORKLE_EXECUTOR_DESC_INIT;
  desc.device = c.world.device;
  desc.input_size = c.input_size;
  desc.output_size = c.output_size;
  sporkle_executor executor = NULL;
  expect_ok(sporkle_executor_create(c.world.context, &desc, &executor));
  for (int i = 0; i < 5; ++i) through_slot(&c, executor);
  if (test_device_is("null")) {
    // Lost with nothing in flight that matters: the CPU, then the device again.
    sporkle_slot slot = SPORKLE_SLOT_INIT;
    sporkle_fence fence = NULL;
    expect_ok(sporkle_executor_acquire(executor, SPORKLE_TIMEOUT_INFINITE, &slot));
    world_null(&c.world, SPORKLE_NULL_RESET, 0, 0);
    expect_ok(sporkle_executor_submit(executor, slot.index, c.plan, &fence));
    expect_status(SPORKLE_ERROR_DEVICE_LOST, sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE));
    expect_ok(sporkle_executor_release(executor, slot.index));
    const uint64_t fallbacks = world_stats(&c.world).fallbacks;
    through_slot(&c, executor);
    assert_true(world_stats(&c.world).fallbacks > fallbacks);
    world_null(&c.world, SPORKLE_NULL_RECOVER, 0, 0);
    through_slot(&c, executor);
  }
  expect_ok(sporkle_executor_destroy(executor));
  chain_close(&c);
}

typedef struct Wrong {
  const char *argument;
  uint32_t step, input, residual;
} Wrong;

static void wrong_connections(void **state) {
  (void)state;
  static const Wrong wrongs[] = {
      {"steps[0].input", 0, 1, NONE},    // its own output
      {"steps[1].input", 1, 2, 0},       // the same
      {"steps[1].input", 1, NONE, 0},    // no number
      {"steps[1].input", 1, 0, 0},       // another shape
      {"steps[2].residual", 2, 2, 2},    // another shape
      {"steps[2].residual", 2, 2, 3},    // its own output
      {"steps[2].residual", 2, 2, NONE}, // desc.flags asks for one
      {"steps[3].residual", 3, 3, 3},    // desc.flags does not
      {"steps[4]", 6, 4, 4},             // step 4's output is read by nobody
  };
  World world;
  Network network;
  small_network(&network);
  world_open(&world);
  for (size_t i = 0; i < COUNT_OF(wrongs); ++i) {
    sporkle_sequence_step steps[8];
    memcpy(steps, network.sequence, network.count * sizeof *steps);
    uint32_t count = network.count;
    steps[wrongs[i].step].input = wrongs[i].input;
    steps[wrongs[i].step].residual = wrongs[i].residual;
    if (wrongs[i].step == 6) count = 6, steps[5].input = 4, steps[5].residual = NONE;
    sporkle_conv2d_desc plain = network.steps[4].desc;
    if (wrongs[i].step == 6) steps[5].desc = &plain, steps[5].weights = steps[4].weights,
                             steps[5].bias = steps[4].bias;
    sporkle_plan plan = (sporkle_plan)(uintptr_t)1;
    expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, wrongs[i].argument,
                   sporkle_plan_sequence(world.context, world.device, steps, count, &plan));
    assert_null(plan);
  }
  network_free(&network);
  world_check_usable(&world);
  world_close(&world);
}

static void wrong_arguments(void **state) {
  (void)state;
  World world;
  Network network;
  small_network(&network);
  world_open(&world);
  const sporkle_status invalid = SPORKLE_ERROR_INVALID_ARGUMENT;
  sporkle_sequence_step *s = network.sequence;
  const uint32_t count = network.count;
  sporkle_plan plan = NULL;
  expect_refused(invalid, "out_plan",
                 sporkle_plan_sequence(world.context, world.device, s, count, NULL));
  expect_refused(invalid, "steps",
                 sporkle_plan_sequence(world.context, world.device, NULL, count, &plan));
  expect_refused(invalid, "count",
                 sporkle_plan_sequence(world.context, world.device, s, 0, &plan));
  expect_refused(invalid, "count",
                 sporkle_plan_sequence(world.context, world.device, s, SPORKLE_SEQUENCE_LIMIT + 1, &plan));
  expect_refused(invalid, "count",
                 sporkle_plan_sequence(world.context, world.device, s, UINT32_MAX, &plan));
  expect_refused(invalid, "device",
                 sporkle_plan_sequence(world.context, 77, s, count, &plan));
  const sporkle_sequence_step good = s[2];
  s[2].weights = NULL;
  expect_refused(invalid, "steps[2].weights",
                 sporkle_plan_sequence(world.context, world.device, s, count, &plan));
  s[2].weights = (const float *)((const char *)good.weights + 1);
  expect_refused(invalid, "steps[2].weights",
                 sporkle_plan_sequence(world.context, world.device, s, count, &plan));
  s[2] = good;
  s[2].bias = NULL;
  expect_refused(invalid, "steps[2].bias",
                 sporkle_plan_sequence(world.context, world.device, s, count, &plan));
  s[2] = good;
  s[2].desc = NULL;
  expect_refused(invalid, "steps[2].desc",
                 sporkle_plan_sequence(world.context, world.device, s, count, &plan));
  s[2] = good;
  sporkle_conv2d_desc desc = *good.desc;
  desc.stride_h = 0;
  s[2].desc = &desc;
  expect_refused(invalid, "steps[2].desc.stride_h",
                 sporkle_plan_sequence(world.context, world.device, s, count, &plan));
  s[2] = good;
  s[2].reserved = 1;
  expect_refused(invalid, "steps[2].reserved",
                 sporkle_plan_sequence(world.context, world.device, s, count, &plan));
  s[2] = good;
  s[2].struct_size += 8;
  expect_status(SPORKLE_ERROR_VERSION,
                 sporkle_plan_sequence(world.context, world.device, s, count, &plan));
  s[2] = good;
  s[0].struct_size = 4;
  expect_status(SPORKLE_ERROR_VERSION,
                 sporkle_plan_sequence(world.context, world.device, s, count, &plan));
  assert_null(plan);
  network_free(&network);
  world_close(&world);
}

// Elements of a later version, larger than this library knows.
static void longer_steps(void **state) {
  (void)state;
  typedef struct Longer {
    sporkle_sequence_step step;
    uint64_t unknown;
  } Longer;
  Chain c;
  small_network(&c.network);
  chain_open(&c);
  Longer steps[8] = {0};
  for (uint32_t i = 0; i < c.network.count; ++i) {
    steps[i].step = c.network.sequence[i];
    steps[i].step.struct_size = sizeof(Longer);
  }
  expect_ok(sporkle_plan_destroy(c.plan));
  expect_ok(sporkle_plan_sequence(c.world.context, c.world.device, &steps[0].step,
                                  c.network.count, &c.plan));
  chain_run(&c);
  steps[3].unknown = 1;
  sporkle_plan plan = NULL;
  expect_refused(SPORKLE_ERROR_VERSION, "steps[3]",
                 sporkle_plan_sequence(c.world.context, c.world.device, &steps[0].step,
                                       c.network.count, &plan));
  chain_close(&c);
}

static void run_refusals(void **state) {
  (void)state;
  Chain c;
  small_network(&c.network);
  chain_open(&c);
  const sporkle_status invalid = SPORKLE_ERROR_INVALID_ARGUMENT;
  expect_refused(invalid, "input", sporkle_plan_run(c.plan, NULL, NULL, c.output, NULL));
  expect_refused(invalid, "output", sporkle_plan_run(c.plan, c.input, NULL, NULL, NULL));
  expect_refused(invalid, "residual", sporkle_plan_run(c.plan, c.input, c.input, c.output, NULL));
  expect_refused(invalid, "output", sporkle_plan_run(c.plan, c.input, NULL, c.input, NULL));
  chain_run(&c);
  expect_ok(sporkle_plan_destroy(c.plan));
  expect_status(SPORKLE_ERROR_INVALID_HANDLE,
                sporkle_plan_run(c.plan, c.input, NULL, c.output, NULL));
  chain_close(&c);
}

GROUP(group_sequence, "sequence", cmocka_unit_test(every_connection),
      cmocka_unit_test(memory_is_counted), cmocka_unit_test(one_step),
      cmocka_unit_test(narrow_resnet), cmocka_unit_test(submitted), cmocka_unit_test(executed),
      cmocka_unit_test(wrong_connections), cmocka_unit_test(wrong_arguments),
      cmocka_unit_test(longer_steps), cmocka_unit_test(run_refusals))
