#include "tools/pipeline_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/command.h"
#include "tools/device_time.h"
#include "tools/progress.h"
#include "tools/timing.h"

enum { MIN_PASSES = 3, MAX_PASSES = 99 };
static const double min_total_ms = 200.0;

static int library_failure(sporkle_status status, PipelineOutcome *out) {
  session_error_text(status, out->message);
  return session_exit_code(status);
}

typedef struct Verifier {
  const Pipeline *pipeline;
  PipelineOutcome *out;
  const char *which;
  bool full;
  uint64_t seed;
  atomic_llong done;
  int code;
} Verifier;

static int describe_failure(const Verifier *verifier, int64_t batch, const OracleError *error) {
  snprintf(verifier->out->message, sizeof verifier->out->message,
           "verification failed: batch %lld of %s has a relative L2 error of %.3g (limit %.0e), "
           "largest error %.3g at output %lld",
           (long long)batch, verifier->which, error->rel_l2, CONV_REL_L2_LIMIT, error->max_abs,
           (long long)error->worst);
  return TOOL_WRONG_RESULT;
}

// Compares the kept copy of a batch with the oracle on that batch's input.
static bool verify_batch(void *user, int64_t batch) {
  Verifier *verifier = user;
  const Pipeline *p = verifier->pipeline;
  PipelineOutcome *out = verifier->out;
  const OracleTensors tensors = pipeline_tensors(p, batch);
  OracleError error;
  if (!verifier->full) {
    oracle_compare_sample(&p->conv->desc, &tensors, pipeline_output(p, batch), CONV_MIN_SAMPLES,
                          verifier->seed + (uint64_t)batch, &error);
  } else if (!oracle_compare(&p->conv->desc, &tensors, pipeline_output(p, batch), 0, NULL,
                             &error)) {
    snprintf(out->message, sizeof out->message, "not enough memory to verify");
    verifier->code = TOOL_NO_DEVICE;
    return false;
  }
  const int64_t compared = out->error.compared + error.compared;
  if (batch == 0 || error.rel_l2 > out->error.rel_l2) out->error = error;
  out->error.compared = compared;
  atomic_fetch_add(&verifier->done, 1);
  if (error.rel_l2 < CONV_REL_L2_LIMIT) return true;
  verifier->code = describe_failure(verifier, batch, &error);
  return false;
}

// The first pass: warms everything up, and is checked batch by batch.
static int first_pass(const Pipeline *p, PipelineOutcome *out) {
  const int64_t batches = p->options->batches;
  Verifier verifier = {.pipeline = p, .out = out, .which = "the first pass", .seed = 1};
  verifier.full = out->flops * (double)batches <= CONV_FULL_CHECK_FLOPS;
  out->checked = p->options->verify;
  progress_begin(out->checked ? "verifying against double precision" : "computing",
                 out->checked ? &verifier.done : NULL, batches);
  sporkle_status status = pipeline_pass(p, out->checked ? verify_batch : NULL, &verifier);
  progress_end();
  if (status != SPORKLE_OK) return library_failure(status, out);
  return verifier.code;
}

// The passes that were timed must have computed too: the outputs that the last
// one left are checked by sample.
static int check_last(const Pipeline *p, const PipelineOutcome *timed, char message[512]) {
  PipelineOutcome last = *timed;
  Verifier verifier = {.pipeline = p, .out = &last, .which = "the last pass", .seed = 2};
  int64_t batch = p->options->batches - p->kept;
  while (batch < p->options->batches && verify_batch(&verifier, batch)) ++batch;
  if (verifier.code != TOOL_OK) memcpy(message, last.message, sizeof last.message);
  return verifier.code;
}

typedef struct Pass {
  double wall_ms;
  sporkle_stats before, after;
} Pass;

static int compare_passes(const void *a, const void *b) {
  double x = ((const Pass *)a)->wall_ms, y = ((const Pass *)b)->wall_ms;
  return (x > y) - (x < y);
}

static sporkle_status time_pass(sporkle_context context, const Pipeline *p, Pass *out) {
  out->before = out->after = (sporkle_stats)SPORKLE_STATS_INIT;
  sporkle_status status = sporkle_context_stats(context, &out->before);
  if (status != SPORKLE_OK) return status;
  int64_t start = timing_now_ns();
  status = pipeline_pass(p, NULL, NULL);
  out->wall_ms = timing_ms_since(start);
  return status == SPORKLE_OK ? sporkle_context_stats(context, &out->after) : status;
}

static bool enough(const PipelineOptions *options, int done, double total_ms) {
  if (options->repeat > 0) return done >= options->repeat;
  // An odd number has a pass in the middle.
  return done >= MAX_PASSES || (done >= MIN_PASSES && done % 2 == 1 && total_ms >= min_total_ms);
}

static void report_median(Pass *passes, int count, PipelineOutcome *out) {
  qsort(passes, (size_t)count, sizeof *passes, compare_passes);
  const Pass *median = &passes[(count - 1) / 2];
  out->passes = count;
  out->wall_ms = median->wall_ms;
  out->cpu_copied_bytes = median->after.cpu_copied_bytes - median->before.cpu_copied_bytes;
  out->gpu_copied_bytes = median->after.gpu_copied_bytes - median->before.gpu_copied_bytes;
  out->map_calls = median->after.map_calls - median->before.map_calls;
}

static int time_passes(sporkle_context context, const Pipeline *p, PipelineOutcome *out) {
  const int capacity = p->options->repeat > 0 ? p->options->repeat : MAX_PASSES;
  Pass *passes = malloc((size_t)capacity * sizeof *passes);
  sporkle_status status = SPORKLE_OK;
  double total = 0;
  int done = 0;
  if (!passes) {
    snprintf(out->message, sizeof out->message, "not enough memory for the timings");
    return TOOL_NO_DEVICE;
  }
  while (status == SPORKLE_OK && !enough(p->options, done, total)) {
    status = time_pass(context, p, &passes[done]);
    if (status == SPORKLE_OK) total += passes[done++].wall_ms;
  }
  if (status == SPORKLE_OK) report_median(passes, done, out);
  free(passes);
  return status == SPORKLE_OK ? TOOL_OK : library_failure(status, out);
}

// Failing here loses one figure and not the run.
static void measure_alone(sporkle_context context, const Pipeline *p, PipelineOutcome *out) {
  if (out->device.flags & SPORKLE_DEVICE_SIMULATED) return;
  out->device_ms = device_time_by_clock(p->plan, p->conv);
  out->device_time = DEVICE_TIME_CLOCK;
  if (!isnan(out->device_ms)) return;
  out->device_ms = device_time_by_wait(context, out->device.index, p->plan, p->conv);
  out->device_time = isnan(out->device_ms) ? DEVICE_TIME_NONE : DEVICE_TIME_WAIT;
}

static int run_passes(sporkle_context context, const Pipeline *p, PipelineOutcome *out) {
  int code = first_pass(p, out);
  if (code != TOOL_OK) return code;
  progress_begin("timing", NULL, 0);
  measure_alone(context, p, out);
  code = time_passes(context, p, out);
  progress_end();
  if (code == TOOL_OK && out->checked) code = check_last(p, out, out->message);
  out->verified = out->checked && code == TOOL_OK;
  return code;
}

static int run_plan(const Session *session, sporkle_plan plan, ConvCase *conv,
                    const PipelineOptions *options, PipelineOutcome *out) {
  sporkle_plan_info info = SPORKLE_PLAN_INFO_INIT;
  sporkle_status status = sporkle_plan_describe(plan, &info);
  if (status != SPORKLE_OK) return library_failure(status, out);
  out->device = session_device(session->context, info.device);
  snprintf(out->algorithm, sizeof out->algorithm, "%s", info.algorithm);
  Pipeline pipeline;
  status = pipeline_open(session->context, info.device, plan, conv, options, &pipeline);
  if (status != SPORKLE_OK) return library_failure(status, out);
  int code = run_passes(session->context, &pipeline, out);
  pipeline_close(&pipeline);
  return code;
}

int pipeline_run(const Session *session, ConvCase *conv, const PipelineOptions *options,
                 PipelineOutcome *out) {
  memset(out, 0, sizeof *out);
  out->wall_ms = out->device_ms = NAN;
  out->flops = oracle_flops(&conv->desc);
  out->outputs = (int64_t)conv->output_count * options->batches;
  sporkle_plan plan = NULL;
  progress_begin("preparing", NULL, 0);
  sporkle_status status = sporkle_plan_create(session->context, session->device, &conv->desc,
                                              conv->weights, conv->bias, &plan);
  progress_end();
  if (status != SPORKLE_OK) return library_failure(status, out);
  int code = run_plan(session, plan, conv, options, out);
  sporkle_plan_destroy(plan);
  return code;
}

double pipeline_gflops(const PipelineOutcome *o, const PipelineOptions *options) {
  if (!o->verified || (o->device.flags & SPORKLE_DEVICE_SIMULATED)) return NAN;
  return o->flops * (double)options->batches / o->wall_ms * 1e-6;
}

double pipeline_utilisation(const PipelineOutcome *o, const PipelineOptions *options) {
  return o->device_ms * (double)options->batches / o->wall_ms;
}
