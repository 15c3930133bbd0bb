// A stream of batches through an executor: each gets its own input, and its
// output is copied out before the slot is given back.
#pragma once

#include "tools/conv_case.h"

// Batch b reads its input (and residual) from here on in the random tensors,
// which are longer by as much: every batch differs, and memory does not grow
// with their number. 16 floats keep rows of 64 bytes aligned.
enum { PIPELINE_STEP = 16 };

typedef enum PipelineMode {
  PIPELINE_SYNC,  // submit, wait and read one batch before the next
  PIPELINE_ASYNC  // all slots stay in flight; outputs are read in order
} PipelineMode;

typedef struct PipelineOptions {
  PipelineMode mode;
  int64_t batches;
  uint32_t slots;
  bool verify;
  int repeat;  // timed passes; 0: at least 3 and 0.2 s, at most 99
} PipelineOptions;

struct PipelineFlight;

typedef struct Pipeline {
  const ConvCase *conv;
  const PipelineOptions *options;
  sporkle_plan plan;
  sporkle_executor executor;
  struct PipelineFlight *flights;  // one per slot, batch b in b % slots
  float *outputs;                  // copies of the last `kept` outputs, batch b in b % kept
  int64_t kept;
} Pipeline;

// Called with each output in order, outside any lock; false ends the pass.
typedef bool (*PipelineReader)(void *user, int64_t batch);

// Creates the executor on the plan's device; SPORKLE_ERROR_OUT_OF_MEMORY also
// when the memory of this program does not suffice.
sporkle_status pipeline_open(sporkle_context context, uint32_t device, sporkle_plan plan,
                             const ConvCase *conv, const PipelineOptions *options,
                             Pipeline *out);
void pipeline_close(Pipeline *pipeline);

// Sends every batch through. `read` may be NULL. A pass that ended early has
// work in flight and can only be closed.
sporkle_status pipeline_pass(const Pipeline *pipeline, PipelineReader read, void *user);

// The tensors of a batch, and the copy of its output while it is kept.
OracleTensors pipeline_tensors(const Pipeline *pipeline, int64_t batch);
float *pipeline_output(const Pipeline *pipeline, int64_t batch);
