// What may not be done with a buffer: each has a status, corrupts nothing, and in
// debug mode a report SPORKLE-BUFFER-<number>.
#include "conformance/conformance.h"
#include "support/job.h"

static void open_world(World *world, bool debug) {
  sporkle_context_desc desc = world_desc(world);
  if (debug) desc.flags |= SPORKLE_CONTEXT_DEBUG;
  world_open_with(world, &desc);
}

static void expect_report(World *world, bool debug, const char *text) {
  expect_true(log_capture_contains(&world->log, text) == debug, "%s %s: %s", text,
              debug ? "not reported" : "reported", world->log.text);
}

static sporkle_buffer make(World *world, uint32_t usage, const char *name) {
  sporkle_buffer_desc desc = SPORKLE_BUFFER_DESC_INIT;
  desc.device = world->device;
  desc.size = 8192;
  desc.usage = usage;
  desc.label = name;
  sporkle_buffer buffer = NULL;
  expect_ok(sporkle_buffer_create(world->context, &desc, &buffer));
  return buffer;
}

static void finish(Job *job) {
  expect_ok(sporkle_fence_wait(job->fence, SPORKLE_TIMEOUT_INFINITE));
  expect_ok(sporkle_fence_destroy(job->fence));
  job->fence = NULL;
}

static void ranges_offsets_usages(World *world, Job *job, bool debug) {
  const sporkle_status invalid = SPORKLE_ERROR_INVALID_ARGUMENT;
  sporkle_buffer in = make(world, SPORKLE_BUFFER_CPU_WRITE | SPORKLE_BUFFER_DEVICE_READ, "inputs");
  sporkle_buffer out = make(world, SPORKLE_BUFFER_CPU_READ | SPORKLE_BUFFER_DEVICE_WRITE, "outputs");
  expect_refused(invalid, "offset", sporkle_buffer_flush(in, 8000, 193));
  expect_report(world, debug,
                "SPORKLE-BUFFER-0004: buffer \"inputs\": sporkle_buffer_flush: offset: "
                "offset 8000 and size 193 reach "
                "outside its 8192 bytes");
  expect_refused(invalid, "offset", sporkle_buffer_invalidate(out, UINT64_MAX, 2));
  expect_report(world, debug, "SPORKLE-BUFFER-0004: buffer \"outputs\"");
  sporkle_plan_bindings b = job_bindings(job);
  sporkle_fence fence = NULL;
  b.input.buffer = in;
  b.input.offset = 32;
  expect_refused(invalid, "bindings.input", sporkle_plan_submit(job->plan, &b, &fence));
  expect_report(world, debug,
                "SPORKLE-BUFFER-0005: buffer \"inputs\": sporkle_plan_submit: "
                "bindings.input: offset 32 is no multiple");
  // Fields that have no meaning here.
  b = job_bindings(job);
  b.reserved = 7;
  expect_refused(invalid, "bindings.reserved", sporkle_plan_submit(job->plan, &b, &fence));
  b = job_bindings(job);
  b.residual.offset = 64;
  expect_refused(invalid, "bindings.residual", sporkle_plan_submit(job->plan, &b, &fence));
  // Written by the CPU where it may only read, read where it may only write.
  expect_refused(invalid, "buffer", sporkle_buffer_flush(out, 0, 64));
  expect_report(world, debug,
                "SPORKLE-BUFFER-0006: buffer \"outputs\": sporkle_buffer_flush: buffer: "
                "created without SPORKLE_BUFFER_CPU_WRITE");
  expect_refused(invalid, "buffer", sporkle_buffer_invalidate(in, 0, 64));
  expect_report(world, debug, "SPORKLE-BUFFER-0006: buffer \"inputs\"");
  // Written by the device where it may only read.
  b = job_bindings(job);
  b.output.buffer = in;
  expect_refused(invalid, "bindings.output", sporkle_plan_submit(job->plan, &b, &fence));
  assert_null(fence);
  expect_ok(sporkle_buffer_destroy(in));
  expect_ok(sporkle_buffer_destroy(out));
}

static void output_before_its_fence(World *world, Job *job, bool debug) {
  Hold hold;
  hold_begin(&hold, world);
  job_submit(job);
  const bool pending = sporkle_fence_poll(job->fence) == SPORKLE_NOT_READY;
  const uint64_t bytes = job->tensors.info.output_size;
  if (pending) {
    const sporkle_status early = sporkle_buffer_invalidate(job->output, 0, bytes);
    // It may have ended meanwhile, but not while the clock stands still.
    expect_true(early == SPORKLE_ERROR_BUSY || (early == SPORKLE_OK && !hold.manual), "%s",
                sporkle_status_name(early));
    if (early == SPORKLE_ERROR_BUSY) {
      expect_report(world, debug, "SPORKLE-BUFFER-0003: buffer \"\": sporkle_buffer_invalidate");
    }
  }
  hold_end(&hold, world);
  finish(job);
  job_check(job);
}

static void missing_invalidate(World *world, Job *job, bool debug) {
  assert_false(log_capture_contains(&world->log, "sporkle_plan_submit: bindings.output: its"));
  for (int i = 0; i < 2; ++i) {
    job_submit(job);
    finish(job);
  }
  expect_report(world, debug,
                "SPORKLE-BUFFER-0002: buffer \"\": sporkle_plan_submit: bindings.output: its "
                "output from before was never made visible");
  job_check(job);
}

// Output that the next operation reads, or that was invalidated, is no mistake.
static void output_that_is_used(bool debug) {
  World world;
  open_world(&world, debug);
  sporkle_conv2d_desc desc = SPORKLE_CONV2D_DESC_INIT;
  sporkle_conv2d_desc_set(&desc, 1, 4, 8, 8, 4, 3, 1, 1);
  Job job;
  job_prepare(&job, &world, &desc, 4);
  sporkle_buffer last = make(&world, 0, "last");
  for (int i = 0; i < 3; ++i) {
    job_submit(&job);
    finish(&job);
    sporkle_plan_bindings b = job_bindings(&job);
    b.input = b.output;
    b.output.buffer = last;
    expect_ok(sporkle_plan_submit(job.plan, &b, &job.fence));
    finish(&job);
    expect_ok(sporkle_buffer_invalidate(last, 0, job.tensors.info.output_size));
  }
  expect_ok(sporkle_buffer_destroy(last));
  job_free(&job);
  world_close(&world);
  expect_true(!log_capture_contains(&world.log, "SPORKLE-BUFFER"), "%s", world.log.text);
}

static void every_misuse(bool debug) {
  World world;
  open_world(&world, debug);
  const sporkle_conv2d_desc desc = small_problem();
  Job job;
  job_prepare(&job, &world, &desc, 3);
  ranges_offsets_usages(&world, &job, debug);
  missing_invalidate(&world, &job, debug);
  output_before_its_fence(&world, &job, debug);
  job_free(&job);
  world_check_usable(&world);
  world_close(&world);
  if (!debug) assert_false(log_capture_contains(&world.log, "SPORKLE-BUFFER"));
}

static void misuse_is_reported(void **state) {
  (void)state;
  every_misuse(true);
}
static void misuse_without_debug_is_a_status(void **state) {
  (void)state;
  every_misuse(false);
}
static void good_use_is_not_reported(void **state) {
  (void)state;
  output_that_is_used(true);
  output_that_is_used(false);
}

GROUP(group_buffer_misuse, "buffer_misuse", cmocka_unit_test(misuse_is_reported),
      cmocka_unit_test(misuse_without_debug_is_a_status),
      cmocka_unit_test(good_use_is_not_reported))
