// The yardstick for sequences: the same steps one by one, each compared with
// double precision.
#pragma once

#include "tools/network.h"
#include "tools/oracle.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct NetworkCheck {
  sporkle_context context;
  uint32_t device;   // where the single plans run
  int64_t samples;   // outputs compared per step; 0: all
  double worst;      // filled: the largest relative L2 error of a step
  double single_ns;  // filled: sum of the steps' elapsed_ns
} NetworkCheck;

// Runs every step as a plan of its own on the outputs of the steps before it and
// compares it with the oracle. `output` takes the output of the last one.
// Returns the first failure; SPORKLE_ERROR_OUT_OF_MEMORY also for memory of
// this program.
sporkle_status network_reference(const Network *network, NetworkCheck *check, const float *input,
                                 float *output);

// Relative L2 difference of two tensors; infinite when one holds a NaN.
double network_difference(const float *a, const float *reference, uint64_t bytes);

#ifdef __cplusplus
}
#endif
