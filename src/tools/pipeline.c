#include "tools/pipeline.h"

#include <stdlib.h>
#include <string.h>

// Copies kept for the check of the last pass; one is always there.
static const size_t kept_bytes_limit = (size_t)256 << 20;

typedef struct PipelineFlight {
  sporkle_slot slot;
  sporkle_fence fence;
} PipelineFlight;

static bool allocate(Pipeline *p) {
  const size_t output_bytes = p->conv->output_count * sizeof(float);
  int64_t kept = p->options->slots;
  if (kept > p->options->batches) kept = p->options->batches;
  if ((size_t)kept > kept_bytes_limit / output_bytes) {
    kept = (int64_t)(kept_bytes_limit / output_bytes);
  }
  p->kept = kept > 1 ? kept : 1;
  void *memory = NULL;
  if (posix_memalign(&memory, 64, (size_t)p->kept * output_bytes) != 0) return false;
  p->outputs = memory;
  p->flights = calloc(p->options->slots, sizeof *p->flights);
  return p->flights != NULL;
}

sporkle_status pipeline_open(sporkle_context context, uint32_t device, sporkle_plan plan,
                             const ConvCase *conv, const PipelineOptions *options,
                             Pipeline *out) {
  *out = (Pipeline){.conv = conv, .options = options, .plan = plan};
  sporkle_executor_desc desc = SPORKLE_EXECUTOR_DESC_INIT;
  desc.device = device;
  desc.slot_count = options->slots;
  desc.input_size = conv->input_count * sizeof(float);
  desc.residual_size = conv->residual ? conv->output_count * sizeof(float) : 0;
  desc.output_size = conv->output_count * sizeof(float);
  sporkle_status status = sporkle_executor_create(context, &desc, &out->executor);
  if (status == SPORKLE_OK && !allocate(out)) status = SPORKLE_ERROR_OUT_OF_MEMORY;
  if (status != SPORKLE_OK) pipeline_close(out);
  return status;
}

void pipeline_close(Pipeline *pipeline) {
  if (pipeline->executor) sporkle_executor_destroy(pipeline->executor);
  free(pipeline->flights);
  free(pipeline->outputs);
  *pipeline = (Pipeline){0};
}

OracleTensors pipeline_tensors(const Pipeline *p, int64_t batch) {
  OracleTensors tensors = conv_case_tensors(p->conv);
  tensors.input += batch * PIPELINE_STEP;
  if (tensors.residual) tensors.residual += batch * PIPELINE_STEP;
  return tensors;
}

float *pipeline_output(const Pipeline *p, int64_t batch) {
  return p->outputs + (size_t)(batch % p->kept) * p->conv->output_count;
}

static PipelineFlight *flight_of(const Pipeline *p, int64_t batch) {
  return &p->flights[batch % p->options->slots];
}

static sporkle_status send_batch(const Pipeline *p, int64_t batch) {
  PipelineFlight *flight = flight_of(p, batch);
  flight->slot = (sporkle_slot)SPORKLE_SLOT_INIT;
  sporkle_status status =
      sporkle_executor_acquire(p->executor, SPORKLE_TIMEOUT_INFINITE, &flight->slot);
  if (status != SPORKLE_OK) return status;
  const OracleTensors tensors = pipeline_tensors(p, batch);
  memcpy(flight->slot.input, tensors.input, p->conv->input_count * sizeof(float));
  if (tensors.residual) {
    memcpy(flight->slot.residual, tensors.residual, p->conv->output_count * sizeof(float));
  }
  return sporkle_executor_submit(p->executor, flight->slot.index, p->plan, &flight->fence);
}

static sporkle_status receive_batch(const Pipeline *p, int64_t batch) {
  const PipelineFlight *flight = flight_of(p, batch);
  sporkle_status status = sporkle_fence_wait(flight->fence, SPORKLE_TIMEOUT_INFINITE);
  if (status != SPORKLE_OK) return status;
  memcpy(pipeline_output(p, batch), flight->slot.output, p->conv->output_count * sizeof(float));
  return sporkle_executor_release(p->executor, flight->slot.index);
}

sporkle_status pipeline_pass(const Pipeline *p, PipelineReader read, void *user) {
  const int64_t batches = p->options->batches;
  const int64_t width = p->options->mode == PIPELINE_SYNC ? 1 : p->options->slots;
  int64_t sent = 0, received = 0;
  while (received < batches) {
    const bool room = sent < batches && sent - received < width;
    const sporkle_status status = room ? send_batch(p, sent) : receive_batch(p, received);
    if (status != SPORKLE_OK) return status;
    if (room) {
      ++sent;
      continue;
    }
    if (read && !read(user, received)) return SPORKLE_OK;
    ++received;
  }
  return SPORKLE_OK;
}
