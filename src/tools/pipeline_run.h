// Verifies a pipeline, then times it.
#pragma once

#include "tools/conv_run.h"
#include "tools/pipeline.h"

// How the time of one operation alone was measured.
typedef enum DeviceTime { DEVICE_TIME_NONE, DEVICE_TIME_CLOCK, DEVICE_TIME_WAIT } DeviceTime;

typedef struct PipelineOutcome {
  sporkle_device_info device;
  char algorithm[64];
  // The pass of median wall time, and what the context counted during it.
  double wall_ms;
  uint64_t cpu_copied_bytes, gpu_copied_bytes, map_calls;
  int passes;
  double device_ms;  // one operation alone; NaN: not measured
  DeviceTime device_time;
  double flops;      // of one batch
  int64_t outputs;   // of all batches
  bool verified, checked;
  OracleError error;  // of the worst batch; `compared` over all batches
  char message[512];  // why the run failed; empty otherwise
} PipelineOutcome;

// Returns TOOL_OK, TOOL_WRONG_RESULT when an output is wrong, or the exit code
// of a library error. Prints nothing but progress; `out->message` says why.
int pipeline_run(const Session *session, ConvCase *conv, const PipelineOptions *options,
                 PipelineOutcome *out);

// NaN when it may not be quoted: not verified, or simulated hardware.
double pipeline_gflops(const PipelineOutcome *outcome, const PipelineOptions *options);

// Time of the operations alone over wall time; NaN when not measured or simulated.
double pipeline_utilisation(const PipelineOutcome *outcome, const PipelineOptions *options);
