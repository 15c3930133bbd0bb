// Runs a case on a device: plan, first call, verification, repeated calls.
#pragma once

#include <stdbool.h>

#include "tools/conv_case.h"
#include "tools/session.h"

// An output passes when its relative L2 error is below this. float32 sums of
// the sizes in use stay below 1e-6; a wrong index or a lost term gives 1e-3 or more.
#define CONV_REL_L2_LIMIT 1e-5

// Up to this many FLOPs every output is checked, above it a sample of at least
// CONV_MIN_SAMPLES.
#define CONV_FULL_CHECK_FLOPS 2e10
enum { CONV_MIN_SAMPLES = 4096 };

typedef struct ConvRunOptions {
  bool verify;
  int repeat;  // 0: at least 5 calls and 0.2 s, at most 1000 calls
} ConvRunOptions;

typedef struct ConvOutcome {
  sporkle_device_info device;
  char algorithm[64];
  double ms_plan, ms_first, ms_median, ms_min, ms_device_median;  // NaN: not measured
  int repeat;
  double flops;
  bool verified;
  bool checked;        // verification was asked for and done
  OracleError error;   // of the first call; filled when checked
  int64_t unwritten;   // outputs that the first call did not write
  int64_t outputs;
  char message[512];   // why the run failed; empty otherwise
} ConvOutcome;

// Returns TOOL_OK, TOOL_WRONG_RESULT when the output is wrong, or the exit code
// of a library error. Prints nothing but progress; `out->message` says why.
int conv_run(const Session *session, ConvCase *conv, const ConvRunOptions *options,
             ConvOutcome *out);

// GFLOP/s of the median call, or NaN when it may not be quoted: not verified,
// or simulated hardware.
double conv_gflops(const ConvOutcome *outcome);
