#include "numerics/check.h"

#include "numerics/problems.h"

static void compute_by_plan(World *world, Tensors *t) {
  sporkle_plan plan = NULL;
  expect_ok(sporkle_plan_create(world->context, world->device, &t->desc, t->weights, t->bias,
                                &plan));
  expect_ok(sporkle_plan_run(plan, t->input, t->residual, t->output, NULL));
  expect_ok(sporkle_plan_destroy(plan));
}

// The seed gives the job the same tensors.
static void compute_by_submit(World *world, Tensors *t, uint64_t seed) {
  Job job;
  job_prepare(&job, world, &t->desc, seed);
  job_submit(&job);
  expect_ok(sporkle_fence_wait(job.fence, SPORKLE_TIMEOUT_INFINITE));
  expect_ok(sporkle_buffer_invalidate(job.output, 0, t->info.output_size));
  void *data = NULL;
  expect_ok(sporkle_buffer_data(job.output, &data));
  memcpy(t->output, data, t->info.output_size);
  job_free(&job);
}

void numerics_check(World *world, const sporkle_conv2d_desc *desc, uint64_t seed, Route route,
                    Worst *worst) {
  if (sporkle_conv2d_select(world->context, world->device, desc, NULL) ==
      SPORKLE_ERROR_UNSUPPORTED) {
    ++worst->refused;
    return;
  }
  char text[320];
  numerics_print(desc, text, sizeof text);
  Tensors t;
  tensors_make(&t, desc, seed);
  if (route == by_call) expect_ok(tensors_conv2d(&t, world->context, world->device));
  if (route == by_plan) compute_by_plan(world, &t);
  if (route == by_submit) compute_by_submit(world, &t, seed);
  const OracleError error = tensors_error(&t, t.output);
  expect_true(error.rel_l2 <= REL_L2_LIMIT, "%s: relative L2 error %g, largest %g at %lld", text,
              error.rel_l2, error.max_abs, (long long)error.worst);
  expect_true(tensors_guards_intact(&t), "%s: written outside the output", text);
  ++worst->checked;
  if (error.max_abs > worst->max_abs) worst->max_abs = error.max_abs;
  if (error.rel_l2 > worst->rel_l2) {
    worst->rel_l2 = error.rel_l2;
    memcpy(worst->problem, text, sizeof text);
  }
  tensors_free(&t);
}
