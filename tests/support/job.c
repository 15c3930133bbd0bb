#include "support/job.h"

uint32_t job_usage;

static sporkle_buffer make_buffer(World *world, uint64_t size, const float *content) {
  sporkle_buffer_desc desc = SPORKLE_BUFFER_DESC_INIT;
  desc.device = world->device;
  desc.size = size;
  desc.usage = job_usage;
  sporkle_buffer buffer = NULL;
  expect_ok(sporkle_buffer_create(world->context, &desc, &buffer));
  void *data = NULL;
  expect_ok(sporkle_buffer_data(buffer, &data));
  if (content != NULL) {
    memcpy(data, content, size);
    expect_ok(sporkle_buffer_flush(buffer, 0, size));
  }
  return buffer;
}

void job_prepare(Job *job, World *world, const sporkle_conv2d_desc *desc, uint64_t seed) {
  memset(job, 0, sizeof *job);
  tensors_make(&job->tensors, desc, seed);
  const Tensors *t = &job->tensors;
  expect_ok(sporkle_plan_create(world->context, world->device, desc, t->weights, t->bias,
                                &job->plan));
  job->input = make_buffer(world, t->info.input_size, t->input);
  if (t->residual) job->residual = make_buffer(world, t->info.output_size, t->residual);
  job->output = make_buffer(world, t->info.output_size, NULL);
  job_clear(job);
}

void job_clear(Job *job) {
  void *data = NULL;
  expect_ok(sporkle_buffer_data(job->output, &data));
  memset(data, 0xc3, job->tensors.info.output_size);
  expect_ok(sporkle_buffer_flush(job->output, 0, job->tensors.info.output_size));
}

bool job_untouched(Job *job) {
  void *data = NULL;
  expect_ok(sporkle_buffer_data(job->output, &data));
  const unsigned char *bytes = data;
  for (uint64_t i = 0; i < job->tensors.info.output_size; ++i) {
    if (bytes[i] != 0xc3) return false;
  }
  return true;
}

sporkle_plan_bindings job_bindings(const Job *job) {
  sporkle_plan_bindings bindings = SPORKLE_PLAN_BINDINGS_INIT;
  bindings.input.buffer = job->input;
  bindings.residual.buffer = job->residual;
  bindings.output.buffer = job->output;
  return bindings;
}

void job_submit(Job *job) {
  const sporkle_plan_bindings bindings = job_bindings(job);
  job->fence = NULL;
  expect_ok(sporkle_plan_submit(job->plan, &bindings, &job->fence));
  assert_non_null(job->fence);
}

void job_check(Job *job) {
  expect_ok(sporkle_buffer_invalidate(job->output, 0, job->tensors.info.output_size));
  void *data = NULL;
  expect_ok(sporkle_buffer_data(job->output, &data));
  tensors_check(&job->tensors, data);
}

void job_free(Job *job) {
  if (job->fence) expect_ok(sporkle_fence_destroy(job->fence));
  if (job->plan) expect_ok(sporkle_plan_destroy(job->plan));
  if (job->input) expect_ok(sporkle_buffer_destroy(job->input));
  if (job->residual) expect_ok(sporkle_buffer_destroy(job->residual));
  if (job->output) expect_ok(sporkle_buffer_destroy(job->output));
  tensors_free(&job->tensors);
  memset(job, 0, sizeof *job);
}

void hold_begin(Hold *hold, World *world) {
  memset(hold, 0, sizeof *hold);
  hold->manual = test_device_is("null");
  sporkle_conv2d_desc desc = small_problem();
  // The virtual GPU of tests/faults multiplies on one thread: a sixteenth is long enough
  // there, and what is given up in flight does not hold up the next context for long.
  const int64_t channels = getenv("TEST_GPU") != NULL ? 32 : 128;
  if (!hold->manual) sporkle_conv2d_desc_set(&desc, 4, channels, 64, 64, channels, 3, 1, 1);
  if (hold->manual) world_null(world, SPORKLE_NULL_CLOCK_MANUAL, 0, 0);
  job_prepare(&hold->job, world, &desc, 5);
  for (size_t i = 0; i < COUNT_OF(hold->fences); ++i) {
    job_submit(&hold->job);
    hold->fences[i] = hold->job.fence;
  }
  hold->job.fence = NULL;
  expect_status(SPORKLE_NOT_READY, sporkle_fence_poll(hold->fences[2]));
}

// The long operation has too many outputs to compare them all every time.
static void check_samples(Job *job) {
  const Tensors *t = &job->tensors;
  const OracleTensors tensors = {t->input, t->weights, t->bias, t->residual};
  OracleError error = {0};
  void *data = NULL;
  expect_ok(sporkle_buffer_invalidate(job->output, 0, t->info.output_size));
  expect_ok(sporkle_buffer_data(job->output, &data));
  oracle_compare_sample(&t->desc, &tensors, data, 2000, 11, &error);
  expect_true(error.rel_l2 <= REL_L2_LIMIT, "relative L2 error %g", error.rel_l2);
}

void hold_end(Hold *hold, World *world) {
  if (hold->manual) world_null(world, SPORKLE_NULL_CLOCK_AUTO, 0, 0);
  for (size_t i = 0; i < COUNT_OF(hold->fences); ++i) {
    expect_ok(sporkle_fence_wait(hold->fences[i], SPORKLE_TIMEOUT_INFINITE));
    expect_ok(sporkle_fence_destroy(hold->fences[i]));
  }
  check_samples(&hold->job);
  job_free(&hold->job);
}
