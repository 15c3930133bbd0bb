// The kernels of src/backends/amdgpu/kernels, compiled as C for the CPU.
#ifndef SPORKLE_TESTS_PM4_KERNELS_HOST_H
#define SPORKLE_TESTS_PM4_KERNELS_HOST_H

#include "backends/amdgpu/kernels/conv_shape.h"

typedef struct HostArguments {
  const float *input, *weights, *bias, *residual;
  float *output;
  ConvShape shape;
} HostArguments;

// A body for workgroups_run; NULL when there is no such kernel.
void (*host_kernel(const char *name))(const void *);

// Division as the kernels do it.
int host_divide(int value, ConvDivisor by);

#endif
