// Runs a network as one sequence plan: verified step by step, then timed.
#pragma once

#include "tools/network.h"
#include "tools/session.h"

typedef struct SequenceOutcome {
  sporkle_device_info device;
  sporkle_plan_info plan;
  double ms_plan, ms_first, ms_median, ms_min, ms_device_median;  // NaN: not measured
  int repeat;
  double flops;
  double step_error;  // largest relative L2 error of a step against double precision
  double error;       // relative L2 difference of the sequence from the steps one by one
  bool verified;
  char message[512];  // why the run failed; empty otherwise
} SequenceOutcome;

// `repeat` calls are timed; 0: at least 5 calls and 0.2 s, at most 1000 calls.
// Returns an exit code. Prints nothing but progress.
int sequence_run(const Session *session, const Network *network, int repeat,
                 SequenceOutcome *out);

// GFLOP/s of the median call, or NaN when it may not be quoted.
double sequence_gflops(const SequenceOutcome *outcome);
