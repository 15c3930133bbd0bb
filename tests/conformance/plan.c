// Plans: creation, description, running, submission on buffers.
#include "conformance/conformance.h"
#include "support/job.h"

static void create_describe_run(void **state) {
  (void)state;
  World world;
  world_open(&world);
  sporkle_conv2d_desc desc = small_problem();
  desc.flags |= SPORKLE_CONV2D_RESIDUAL;
  Tensors t;
  tensors_make(&t, &desc, 1);
  float *weights = malloc(t.info.weights_size), *bias = malloc(t.info.bias_size);
  memcpy(weights, t.weights, t.info.weights_size);
  memcpy(bias, t.bias, t.info.bias_size);
  sporkle_plan plan = NULL;
  expect_ok(sporkle_plan_create(world.context, world.device, &desc, weights, bias, &plan));
  memset(weights, 0xff, t.info.weights_size);
  memset(bias, 0xff, t.info.bias_size);
  free(weights);
  free(bias);
  sporkle_plan_info info = SPORKLE_PLAN_INFO_INIT;
  expect_ok(sporkle_plan_describe(plan, &info));
  assert_int_equal(info.device, world.device);
  assert_true(info.algorithm[0] != '\0');
  assert_true(info.packed_bytes > 0);
  for (int i = 0; i < 3; ++i) {
    tensors_clear_output(&t);
    sporkle_conv2d_result result = SPORKLE_CONV2D_RESULT_INIT;
    expect_ok(sporkle_plan_run(plan, t.input, t.residual, t.output, &result));
    tensors_check(&t, t.output);
    assert_string_equal(result.algorithm, info.algorithm);
    assert_int_equal(result.device, world.device);
  }
  expect_ok(sporkle_plan_destroy(plan));
  expect_status(SPORKLE_ERROR_INVALID_HANDLE,
                sporkle_plan_run(plan, t.input, t.residual, t.output, NULL));
  tensors_free(&t);
  world_close(&world);
}

static void auto_plan(void **state) {
  (void)state;
  World world;
  world_open(&world);
  const sporkle_conv2d_desc desc = small_problem();
  Tensors t;
  tensors_make(&t, &desc, 2);
  sporkle_plan plan = NULL;
  expect_ok(sporkle_plan_create(world.context, SPORKLE_DEVICE_AUTO, &desc, t.weights, t.bias,
                                &plan));
  expect_ok(sporkle_plan_run(plan, t.input, NULL, t.output, NULL));
  tensors_check(&t, t.output);
  tensors_free(&t);
  world_close(&world);
}

static void run_refusals(void **state) {
  (void)state;
  World world;
  world_open(&world);
  const sporkle_conv2d_desc desc = small_problem();
  Tensors t;
  tensors_make(&t, &desc, 3);
  sporkle_plan plan = NULL;
  const sporkle_status invalid = SPORKLE_ERROR_INVALID_ARGUMENT;
  expect_refused(invalid, "weights",
                 sporkle_plan_create(world.context, world.device, &desc, NULL, t.bias, &plan));
  expect_refused(invalid, "bias",
                 sporkle_plan_create(world.context, world.device, &desc, t.weights, NULL, &plan));
  expect_refused(invalid, "out_plan",
                 sporkle_plan_create(world.context, world.device, &desc, t.weights, t.bias, NULL));
  expect_refused(invalid, "device",
                 sporkle_plan_create(world.context, 77, &desc, t.weights, t.bias, &plan));
  expect_ok(sporkle_plan_create(world.context, world.device, &desc, t.weights, t.bias, &plan));
  expect_refused(invalid, "input", sporkle_plan_run(plan, NULL, NULL, t.output, NULL));
  expect_refused(invalid, "output", sporkle_plan_run(plan, t.input, NULL, NULL, NULL));
  expect_refused(invalid, "residual", sporkle_plan_run(plan, t.input, t.input, t.output, NULL));
  expect_refused(invalid, "output", sporkle_plan_run(plan, t.input, NULL, t.input, NULL));
  expect_refused(invalid, "out_info", sporkle_plan_describe(plan, NULL));
  assert_true(tensors_untouched(&t));
  expect_ok(sporkle_plan_run(plan, t.input, NULL, t.output, NULL));
  tensors_check(&t, t.output);
  tensors_free(&t);
  world_close(&world);
}

static void submit_computes_in_order(void **state) {
  (void)state;
  World world;
  world_open(&world);
  sporkle_conv2d_desc desc = small_problem();
  desc.flags |= SPORKLE_CONV2D_RESIDUAL;
  Job job;
  job_prepare(&job, &world, &desc, 4);
  job_submit(&job);
  expect_ok(sporkle_fence_wait(job.fence, SPORKLE_TIMEOUT_INFINITE));
  expect_ok(sporkle_fence_poll(job.fence));
  job_check(&job);
  job_free(&job);
  // A chain: each operation reads what the one before wrote.
  sporkle_conv2d_desc_set(&desc, 1, 1, 64, 64, 1, 1, 1, 0);
  job_prepare(&job, &world, &desc, 5);
  Tensors *t = &job.tensors;
  t->weights[0] = 2.0f;
  expect_ok(sporkle_plan_destroy(job.plan));
  expect_ok(sporkle_plan_create(world.context, world.device, &desc, t->weights, NULL, &job.plan));
  sporkle_fence fence = NULL;
  for (int i = 0; i < 20; ++i) {
    sporkle_plan_bindings bindings = job_bindings(&job);
    if (i % 2 == 1) bindings.input.buffer = job.output, bindings.output.buffer = job.input;
    if (fence) expect_ok(sporkle_fence_destroy(fence));
    expect_ok(sporkle_plan_submit(job.plan, &bindings, &fence));
  }
  expect_ok(sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE));
  expect_ok(sporkle_fence_destroy(fence));
  expect_ok(sporkle_buffer_invalidate(job.input, 0, t->info.input_size));
  void *data = NULL;
  expect_ok(sporkle_buffer_data(job.input, &data));
  const float *result = data;
  for (int i = 0; i < 64 * 64; ++i) assert_true(result[i] == t->input[i] * 0x1p20f);
  job_free(&job);
  world_close(&world);
}

static void submit_refused(Job *job, const char *argument, sporkle_plan_bindings bindings) {
  sporkle_fence fence = (sporkle_fence)(uintptr_t)1;
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, argument,
                 sporkle_plan_submit(job->plan, &bindings, &fence));
  assert_null(fence);
  assert_true(job_untouched(job));
}

static void submit_refusals(void **state) {
  (void)state;
  World world, other;
  world_open(&world);
  world_open(&other);
  const sporkle_conv2d_desc desc = small_problem();
  Job job, foreign;
  job_prepare(&job, &world, &desc, 6);
  job_prepare(&foreign, &other, &desc, 6);
  sporkle_plan_bindings b = job_bindings(&job);
  b.input.offset = 4;
  submit_refused(&job, "bindings.input", b);
  b.input.offset = 64;
  submit_refused(&job, "bindings.input", b);
  b.input.offset = UINT64_MAX - 63;
  submit_refused(&job, "bindings.input", b);
  b = job_bindings(&job);
  b.output.offset = 64;
  submit_refused(&job, "bindings.output", b);
  b = job_bindings(&job);
  b.output.buffer = job.input;
  submit_refused(&job, "bindings.output", b);
  b = job_bindings(&job);
  b.residual.buffer = job.input;
  submit_refused(&job, "bindings.residual", b);
  b = job_bindings(&job);
  b.input.buffer = foreign.input;
  submit_refused(&job, "bindings.input", b);
  sporkle_fence fence = NULL;
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "bindings",
                 sporkle_plan_submit(job.plan, NULL, &fence));
  b = job_bindings(&job);
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "out_fence",
                 sporkle_plan_submit(job.plan, &b, NULL));
  b.input.buffer = NULL;
  expect_status(SPORKLE_ERROR_INVALID_HANDLE, sporkle_plan_submit(job.plan, &b, &fence));
  job_submit(&job);
  expect_ok(sporkle_fence_wait(job.fence, SPORKLE_TIMEOUT_INFINITE));
  job_check(&job);
  job_free(&job);
  job_free(&foreign);
  world_close(&world);
  world_close(&other);
}

// What an operation needs lives until it has ended.
static void objects_destroyed_in_flight(void **state) {
  (void)state;
  World world;
  world_open(&world);
  Hold hold;
  hold_begin(&hold, &world);
  const sporkle_conv2d_desc desc = small_problem();
  Job job;
  job_prepare(&job, &world, &desc, 7);
  job_submit(&job);
  expect_ok(sporkle_plan_destroy(job.plan));
  expect_ok(sporkle_buffer_destroy(job.input));
  job.plan = NULL;
  job.input = NULL;
  hold_end(&hold, &world);
  expect_ok(sporkle_fence_wait(job.fence, SPORKLE_TIMEOUT_INFINITE));
  job_check(&job);
  job_free(&job);
  world_close(&world);
}

static void prepared_in_background(void **state) {
  (void)state;
  World world;
  world_open(&world);
  const sporkle_conv2d_desc desc = small_problem();
  Tensors t;
  tensors_make(&t, &desc, 8);
  float *weights = malloc(t.info.weights_size);
  sporkle_plan plans[4];
  sporkle_fence fences[4];
  for (int i = 0; i < 4; ++i) {
    memcpy(weights, t.weights, t.info.weights_size);
    expect_ok(sporkle_plan_prepare(world.context, world.device, &desc, weights, t.bias, &plans[i],
                                   &fences[i]));
    memset(weights, 0xff, t.info.weights_size);
  }
  free(weights);
  // Before, after and without a wait for the fence.
  expect_ok(sporkle_plan_run(plans[1], t.input, NULL, t.output, NULL));
  tensors_check(&t, t.output);
  expect_ok(sporkle_plan_destroy(plans[3]));
  for (int i = 0; i < 4; ++i) {
    expect_ok(sporkle_fence_wait(fences[i], SPORKLE_TIMEOUT_INFINITE));
    expect_ok(sporkle_fence_destroy(fences[i]));
  }
  sporkle_plan_info info = SPORKLE_PLAN_INFO_INIT;
  expect_ok(sporkle_plan_describe(plans[2], &info));
  assert_int_equal(info.device, world.device);
  tensors_clear_output(&t);
  expect_ok(sporkle_plan_run(plans[2], t.input, NULL, t.output, NULL));
  tensors_check(&t, t.output);
  for (int i = 0; i < 3; ++i) expect_ok(sporkle_plan_destroy(plans[i]));
  tensors_free(&t);
  world_close(&world);
}

static void prepare_refusals(void **state) {
  (void)state;
  World world;
  world_open(&world);
  sporkle_conv2d_desc desc = small_problem();
  Tensors t;
  tensors_make(&t, &desc, 9);
  const sporkle_status invalid = SPORKLE_ERROR_INVALID_ARGUMENT;
  sporkle_plan plan = (sporkle_plan)(uintptr_t)1;
  sporkle_fence fence = (sporkle_fence)(uintptr_t)1;
  expect_refused(invalid, "weights",
                 sporkle_plan_prepare(world.context, world.device, &desc, NULL, t.bias, &plan, &fence));
  assert_null(plan);
  assert_null(fence);
  expect_refused(invalid, "device",
                 sporkle_plan_prepare(world.context, 77, &desc, t.weights, t.bias, &plan, &fence));
  expect_refused(invalid, "out_plan",
                 sporkle_plan_prepare(world.context, world.device, &desc, t.weights, t.bias, NULL, &fence));
  expect_refused(invalid, "out_fence",
                 sporkle_plan_prepare(world.context, world.device, &desc, t.weights, t.bias, &plan, NULL));
  assert_int_equal(world_stats(&world).fences_now, 0);
  // A context destroyed meanwhile ends what it prepares.
  for (int i = 0; i < 8; ++i) {
    expect_ok(sporkle_plan_prepare(world.context, world.device, &desc, t.weights, t.bias, &plan,
                                   &fence));
  }
  tensors_free(&t);
  world_close(&world);
}

// The failure is the fence's, and the plan's from then on.
static void prepare_fails(void **state) {
  (void)state;
  if (!test_device_is("null")) skip();
  World world;
  world_open(&world);
  const sporkle_conv2d_desc desc = small_problem();
  Tensors t;
  tensors_make(&t, &desc, 10);
  world_null(&world, SPORKLE_NULL_OOM, 0, 1);
  sporkle_plan plan = NULL;
  sporkle_fence fence = NULL;
  expect_ok(sporkle_plan_prepare(world.context, world.device, &desc, t.weights, t.bias, &plan,
                                 &fence));
  const sporkle_status memory = SPORKLE_ERROR_OUT_OF_MEMORY;
  expect_status(memory, sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE));
  expect_status(memory, sporkle_plan_run(plan, t.input, NULL, t.output, NULL));
  sporkle_plan_info info = SPORKLE_PLAN_INFO_INIT;
  expect_status(memory, sporkle_plan_describe(plan, &info));
  assert_true(tensors_untouched(&t));
  expect_ok(sporkle_plan_destroy(plan));
  expect_ok(sporkle_fence_destroy(fence));
  tensors_free(&t);
  world_check_usable(&world);
  world_close(&world);
}

GROUP(group_plan, "plan", cmocka_unit_test(create_describe_run), cmocka_unit_test(auto_plan),
      cmocka_unit_test(run_refusals), cmocka_unit_test(submit_computes_in_order),
      cmocka_unit_test(submit_refusals), cmocka_unit_test(objects_destroyed_in_flight),
      cmocka_unit_test(prepared_in_background), cmocka_unit_test(prepare_refusals),
      cmocka_unit_test(prepare_fails))
