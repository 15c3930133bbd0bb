#include "tools/conv_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/command.h"
#include "tools/progress.h"
#include "tools/timing.h"

enum { MIN_REPEAT = 5, MAX_REPEAT = 1000 };
static const double min_total_ms = 200.0;

static int library_failure(sporkle_status status, ConvOutcome *out) {
  session_error_text(status, out->message);
  return session_exit_code(status);
}

// One call, timed from outside; what the library says it took is not trusted.
static int call(sporkle_plan plan, ConvCase *conv, double *out_ms, double *out_device_ms,
                ConvOutcome *out) {
  sporkle_conv2d_result result = SPORKLE_CONV2D_RESULT_INIT;
  int64_t start = timing_now_ns();
  sporkle_status status =
      sporkle_plan_run(plan, conv->input, conv->residual, conv->output, &result);
  *out_ms = timing_ms_since(start);
  *out_device_ms = result.device_ns ? (double)result.device_ns / 1e6 : NAN;
  if (status != SPORKLE_OK) return library_failure(status, out);
  out->device.index = result.device;
  snprintf(out->algorithm, sizeof out->algorithm, "%s", result.algorithm);
  return TOOL_OK;
}

static bool passes(const OracleError *error) { return error->rel_l2 < CONV_REL_L2_LIMIT; }

static void describe_failure(const char *which, const ConvOutcome *out, char message[512]) {
  if (out->unwritten > 0) {
    snprintf(message, 512, "verification failed: %s left %lld of %lld outputs unwritten", which,
             (long long)out->unwritten, (long long)out->outputs);
  } else {
    snprintf(message, 512,
             "verification failed: %s has a relative L2 error of %.3g (limit %.0e), largest "
             "error %.3g at output %lld",
             which, out->error.rel_l2, CONV_REL_L2_LIMIT, out->error.max_abs,
             (long long)out->error.worst);
  }
}

static int verify_first(ConvCase *conv, ConvOutcome *out) {
  const OracleTensors tensors = conv_case_tensors(conv);
  out->checked = true;
  out->unwritten = conv_case_unwritten(conv);
  if (out->flops <= CONV_FULL_CHECK_FLOPS) {
    atomic_llong done = 0;
    progress_begin("verifying against double precision", &done, conv->desc.n * conv->desc.k);
    bool complete = oracle_compare(&conv->desc, &tensors, conv->output, 0, &done, &out->error);
    progress_end();
    if (!complete) {
      snprintf(out->message, sizeof out->message, "not enough memory to verify");
      return TOOL_NO_DEVICE;
    }
  } else {
    progress_begin("verifying a sample against double precision", NULL, 0);
    oracle_compare_sample(&conv->desc, &tensors, conv->output, CONV_MIN_SAMPLES, 1, &out->error);
    progress_end();
  }
  if (out->unwritten == 0 && passes(&out->error)) return TOOL_OK;
  describe_failure("the first call", out, out->message);
  return TOOL_WRONG_RESULT;
}

// The calls that were timed must have computed too.
static int verify_last(ConvCase *conv, ConvOutcome *out) {
  const OracleTensors tensors = conv_case_tensors(conv);
  ConvOutcome last = *out;
  last.unwritten = conv_case_unwritten(conv);
  oracle_compare_sample(&conv->desc, &tensors, conv->output, CONV_MIN_SAMPLES, 2, &last.error);
  if (last.unwritten == 0 && passes(&last.error)) return TOOL_OK;
  describe_failure("a repeated call", &last, out->message);
  return TOOL_WRONG_RESULT;
}

static bool enough(const ConvRunOptions *options, int done, double total_ms) {
  if (options->repeat > 0) return done >= options->repeat;
  return done >= MAX_REPEAT || (done >= MIN_REPEAT && total_ms >= min_total_ms);
}

static int time_calls(sporkle_plan plan, ConvCase *conv, const ConvRunOptions *options,
                      ConvOutcome *out) {
  size_t capacity = options->repeat > 0 ? (size_t)options->repeat : MAX_REPEAT;
  double *ms = malloc(2 * capacity * sizeof *ms), *device_ms = ms + capacity, total = 0;
  int code = ms ? TOOL_OK : TOOL_NO_DEVICE;
  if (!ms) snprintf(out->message, sizeof out->message, "not enough memory for the timings");
  int done = 0;
  conv_case_poison(conv);
  while (code == TOOL_OK && !enough(options, done, total)) {
    code = call(plan, conv, &ms[done], &device_ms[done], out);
    total += ms[done++];
  }
  if (code == TOOL_OK) {
    bool on_device = true;
    for (int i = 0; i < done; ++i) on_device = on_device && !isnan(device_ms[i]);
    out->repeat = done;
    out->ms_median = timing_median(ms, done);
    out->ms_min = ms[0];
    if (on_device) out->ms_device_median = timing_median(device_ms, done);
  }
  free(ms);
  return code;
}

static int run_plan(sporkle_plan plan, ConvCase *conv, const ConvRunOptions *options,
                    ConvOutcome *out) {
  double ignored = 0;
  conv_case_poison(conv);
  progress_begin("computing", NULL, 0);
  int code = call(plan, conv, &out->ms_first, &ignored, out);
  progress_end();
  if (code == TOOL_OK && options->verify) code = verify_first(conv, out);
  if (code != TOOL_OK) return code;
  progress_begin("timing", NULL, 0);
  code = time_calls(plan, conv, options, out);
  progress_end();
  if (code != TOOL_OK || !options->verify) return code;
  code = verify_last(conv, out);
  out->verified = code == TOOL_OK;
  return code;
}

int conv_run(const Session *session, ConvCase *conv, const ConvRunOptions *options,
             ConvOutcome *out) {
  memset(out, 0, sizeof *out);
  out->ms_first = out->ms_median = out->ms_min = out->ms_device_median = NAN;
  out->flops = oracle_flops(&conv->desc);
  out->outputs = (int64_t)conv->output_count;
  sporkle_plan plan = NULL;
  progress_begin("preparing", NULL, 0);
  int64_t start = timing_now_ns();
  sporkle_status status = sporkle_plan_create(session->context, session->device, &conv->desc,
                                              conv->weights, conv->bias, &plan);
  out->ms_plan = timing_ms_since(start);
  progress_end();
  if (status != SPORKLE_OK) {
    out->ms_plan = NAN;
    if (session->device != SPORKLE_DEVICE_AUTO) {
      out->device = session_device(session->context, session->device);
    }
    return library_failure(status, out);
  }
  sporkle_plan_info info = SPORKLE_PLAN_INFO_INIT;
  if (sporkle_plan_describe(plan, &info) == SPORKLE_OK) out->device.index = info.device;
  int code = run_plan(plan, conv, options, out);
  sporkle_plan_destroy(plan);
  out->device = session_device(session->context, out->device.index);
  return code;
}

double conv_gflops(const ConvOutcome *outcome) {
  if (!outcome->verified || (outcome->device.flags & SPORKLE_DEVICE_SIMULATED)) return NAN;
  return outcome->flops / outcome->ms_median * 1e-6;
}
