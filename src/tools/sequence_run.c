#include "tools/sequence_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/command.h"
#include "tools/conv_run.h"
#include "tools/network_check.h"
#include "tools/progress.h"
#include "tools/random.h"
#include "tools/timing.h"

enum { MIN_REPEAT = 5, MAX_REPEAT = 1000 };
static const double min_total_ms = 200.0;

typedef struct Run {
  const Network *network;
  sporkle_plan plan;
  uint64_t output_size;
  float *input, *output, *reference;
  double ms[MAX_REPEAT], device_ms[MAX_REPEAT];
} Run;

static int library_failure(sporkle_status status, SequenceOutcome *out) {
  session_error_text(status, out->message);
  return session_exit_code(status);
}

static int no_memory(SequenceOutcome *out) {
  snprintf(out->message, sizeof out->message, "not enough memory for the tensors");
  return TOOL_NO_DEVICE;
}

// Bytes of ones are a NaN: what stays unwritten is an infinite difference.
static void poison(Run *run) { memset(run->output, 0xff, run->output_size); }

static int call(Run *run, double *out_ms, double *out_device_ms, SequenceOutcome *out) {
  sporkle_conv2d_result result = SPORKLE_CONV2D_RESULT_INIT;
  const int64_t start = timing_now_ns();
  const sporkle_status status =
      sporkle_plan_run(run->plan, run->input, NULL, run->output, &result);
  *out_ms = timing_ms_since(start);
  *out_device_ms = result.device_ns ? (double)result.device_ns / 1e6 : NAN;
  return status == SPORKLE_OK ? TOOL_OK : library_failure(status, out);
}

static int compare(const Run *run, const char *which, SequenceOutcome *out) {
  const double error = network_difference(run->output, run->reference, run->output_size);
  if (!(error <= out->error)) out->error = error;
  if (error < CONV_REL_L2_LIMIT) return TOOL_OK;
  snprintf(out->message, sizeof out->message,
           "verification failed: %s differs from the steps one by one by a relative L2 of %.3g "
           "(limit %.0e)", which, error, CONV_REL_L2_LIMIT);
  return TOOL_WRONG_RESULT;
}

static int verify(const Session *session, Run *run, SequenceOutcome *out) {
  NetworkCheck check = {session->context, out->plan.device,
                        out->flops <= CONV_FULL_CHECK_FLOPS ? 0 : CONV_MIN_SAMPLES, 0, 0};
  progress_begin("verifying step by step against double precision", NULL, 0);
  const sporkle_status status =
      network_reference(run->network, &check, run->input, run->reference);
  progress_end();
  if (status != SPORKLE_OK) return library_failure(status, out);
  out->step_error = check.worst;
  if (check.worst < CONV_REL_L2_LIMIT) return compare(run, "the first call", out);
  snprintf(out->message, sizeof out->message,
           "verification failed: a step alone has a relative L2 error of %.3g (limit %.0e)",
           check.worst, CONV_REL_L2_LIMIT);
  return TOOL_WRONG_RESULT;
}

static int time_calls(Run *run, int repeat, SequenceOutcome *out) {
  double total = 0;
  bool on_device = true;
  int done = 0, code = TOOL_OK;
  const int least = repeat > 0 ? repeat : MIN_REPEAT, most = repeat > 0 ? repeat : MAX_REPEAT;
  while (code == TOOL_OK && done < most &&
         (done < least || (repeat == 0 && total < min_total_ms))) {
    code = call(run, &run->ms[done], &run->device_ms[done], out);
    on_device = on_device && !isnan(run->device_ms[done]);
    total += run->ms[done++];
  }
  if (code != TOOL_OK) return code;
  out->repeat = done;
  out->ms_median = timing_median(run->ms, done);
  out->ms_min = run->ms[0];
  if (on_device) out->ms_device_median = timing_median(run->device_ms, done);
  return TOOL_OK;
}

static int run_plan(const Session *session, Run *run, int repeat, SequenceOutcome *out) {
  double ignored;
  poison(run);
  progress_begin("computing", NULL, 0);
  int code = call(run, &out->ms_first, &ignored, out);
  progress_end();
  if (code == TOOL_OK) code = verify(session, run, out);
  if (code != TOOL_OK) return code;
  poison(run);
  progress_begin("timing", NULL, 0);
  code = time_calls(run, repeat, out);
  progress_end();
  // The calls that were timed must have computed too.
  if (code == TOOL_OK) code = compare(run, "a repeated call", out);
  out->verified = code == TOOL_OK;
  return code;
}

// The plan comes first: it refuses steps that do not fit together.
static int prepare(const Session *session, Run *run, SequenceOutcome *out) {
  progress_begin("preparing", NULL, 0);
  const int64_t start = timing_now_ns();
  sporkle_status status = sporkle_plan_sequence(session->context, session->device,
                                                run->network->sequence, run->network->count,
                                                &run->plan);
  const double ms = timing_ms_since(start);
  progress_end();
  if (status == SPORKLE_OK) status = sporkle_plan_describe(run->plan, &out->plan);
  if (status != SPORKLE_OK) return library_failure(status, out);
  out->ms_plan = ms;
  out->device = session_device(session->context, out->plan.device);
  const uint64_t input_size = network_input_size(run->network);
  run->output_size = network_output_size(run->network);
  run->input = malloc(input_size);
  run->output = malloc(run->output_size);
  run->reference = malloc(run->output_size);
  if (!run->input || !run->output || !run->reference) return no_memory(out);
  random_fill(run->input, input_size / sizeof *run->input, 5);
  return TOOL_OK;
}

int sequence_run(const Session *session, const Network *network, int repeat,
                 SequenceOutcome *out) {
  *out = (SequenceOutcome){.ms_plan = NAN, .ms_first = NAN, .ms_median = NAN, .ms_min = NAN,
                           .ms_device_median = NAN, .plan = SPORKLE_PLAN_INFO_INIT};
  for (uint32_t i = 0; i < network->count; ++i) out->flops += oracle_flops(&network->steps[i].desc);
  Run *run = calloc(1, sizeof *run);
  if (!run) return no_memory(out);
  run->network = network;
  int code = prepare(session, run, out);
  if (code == TOOL_OK) code = run_plan(session, run, repeat, out);
  if (run->plan) sporkle_plan_destroy(run->plan);
  free(run->input);
  free(run->output);
  free(run->reference);
  free(run);
  return code;
}

double sequence_gflops(const SequenceOutcome *o) {
  if (!o->verified || (o->device.flags & SPORKLE_DEVICE_SIMULATED)) return NAN;
  return o->flops / o->ms_median * 1e-6;
}
