#include "tools/device_time.h"

#include <math.h>
#include <string.h>

#include "tools/timing.h"

enum { MIN_CALLS = 5, MAX_CALLS = 100 };
static const double min_total_ms = 100.0;

static bool enough(int calls, double total_ms) {
  return calls >= MAX_CALLS || (calls >= MIN_CALLS && total_ms >= min_total_ms);
}

double device_time_by_clock(sporkle_plan plan, const ConvCase *conv) {
  double ms[MAX_CALLS], total = 0;
  int calls = 0;
  while (!enough(calls, total)) {
    sporkle_conv2d_result result = SPORKLE_CONV2D_RESULT_INIT;
    const sporkle_status status =
        sporkle_plan_run(plan, conv->input, conv->residual, conv->output, &result);
    if (status != SPORKLE_OK || result.device_ns == 0) return NAN;
    ms[calls++] = (double)result.device_ns / 1e6;
    total += (double)result.elapsed_ns / 1e6;
  }
  return timing_median(ms, calls);
}

static bool make_buffer(sporkle_context context, uint32_t device, const float *contents,
                        size_t count, sporkle_binding *out) {
  sporkle_buffer_desc desc = SPORKLE_BUFFER_DESC_INIT;
  void *data = NULL;
  desc.device = device;
  desc.size = count * sizeof(float);
  desc.usage = contents ? SPORKLE_BUFFER_CPU_WRITE | SPORKLE_BUFFER_DEVICE_READ
                        : SPORKLE_BUFFER_DEVICE_WRITE;
  if (sporkle_buffer_create(context, &desc, &out->buffer) != SPORKLE_OK) return false;
  if (!contents) return true;
  if (sporkle_buffer_data(out->buffer, &data) != SPORKLE_OK) return false;
  memcpy(data, contents, desc.size);
  return sporkle_buffer_flush(out->buffer, 0, desc.size) == SPORKLE_OK;
}

static bool submit_and_wait(sporkle_plan plan, const sporkle_plan_bindings *bindings,
                            double *out_ms) {
  sporkle_fence fence = NULL;
  const int64_t start = timing_now_ns();
  if (sporkle_plan_submit(plan, bindings, &fence) != SPORKLE_OK) return false;
  const sporkle_status status = sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE);
  *out_ms = timing_ms_since(start);
  sporkle_fence_destroy(fence);
  return status == SPORKLE_OK;
}

static double time_submits(sporkle_plan plan, const sporkle_plan_bindings *bindings) {
  double ms[MAX_CALLS], total = 0;
  int calls = 0;
  // The first one brings the flushed tensors to the device.
  if (!submit_and_wait(plan, bindings, &ms[0])) return NAN;
  while (!enough(calls, total)) {
    if (!submit_and_wait(plan, bindings, &ms[calls])) return NAN;
    total += ms[calls++];
  }
  return timing_median(ms, calls);
}

double device_time_by_wait(sporkle_context context, uint32_t device, sporkle_plan plan,
                           const ConvCase *conv) {
  sporkle_plan_bindings bindings = SPORKLE_PLAN_BINDINGS_INIT;
  double ms = NAN;
  if (make_buffer(context, device, conv->input, conv->input_count, &bindings.input) &&
      (!conv->residual || make_buffer(context, device, conv->residual, conv->output_count,
                                      &bindings.residual)) &&
      make_buffer(context, device, NULL, conv->output_count, &bindings.output)) {
    ms = time_submits(plan, &bindings);
  }
  if (bindings.input.buffer) sporkle_buffer_destroy(bindings.input.buffer);
  if (bindings.residual.buffer) sporkle_buffer_destroy(bindings.residual.buffer);
  if (bindings.output.buffer) sporkle_buffer_destroy(bindings.output.buffer);
  return ms;
}
