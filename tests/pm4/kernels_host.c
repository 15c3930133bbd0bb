#include "kernels_host.h"

#include <stdbool.h>
#include <string.h>

#include "workgroup.h"

#define CONV_HOST
#define LOCAL_ID work_item.local
#define GROUP_X work_item.group[0]
#define GROUP_Y work_item.group[1]
#define GROUP_Z work_item.group[2]
#define SHARED static __attribute__((section("lds")))
#define barrier_all workgroup_barrier

#include "backends/amdgpu/kernels/conv2d.cl"

#define BODY(name)                                                                            \
  static void run_##name(const void *argument) {                                              \
    const HostArguments *a = argument;                                                        \
    name(a->input, a->weights, a->bias, a->residual, a->output, a->shape);                    \
  }

BODY(conv2d_1x1)
BODY(conv2d_3x3)
BODY(conv2d_3x3_stride2)
BODY(conv2d_general)

void (*host_kernel(const char *name))(const void *) {
  if (strcmp(name, "conv2d_1x1") == 0) return run_conv2d_1x1;
  if (strcmp(name, "conv2d_3x3") == 0) return run_conv2d_3x3;
  if (strcmp(name, "conv2d_3x3_stride2") == 0) return run_conv2d_3x3_stride2;
  if (strcmp(name, "conv2d_general") == 0) return run_conv2d_general;
  return NULL;
}

int host_divide(int value, ConvDivisor by) { return divide(value, by); }
