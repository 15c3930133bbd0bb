// The conv2d kernels of src/backends/amdgpu/kernels as the host sees them: which
// one runs a problem, with what arguments and in how many workgroups.
#pragma once

#include "backends/amdgpu/kernels/conv_shape.h"
#include "base/error.h"
#include "core/conv_problem.h"

namespace sporkle::amdgpu {

enum class ConvKernel : uint8_t { pointwise, three_by_three, three_by_three_stride2, general };

// The kernel arguments, 136 bytes. Tensors are device addresses; bias and
// residual may be 0 when the shape's flags say that there are none.
struct ConvArguments {
  uint64_t input, weights, bias, residual, output;
  ConvShape shape;
};

static_assert(sizeof(int) == 4 && sizeof(unsigned) == 4 && sizeof(ConvShape) == 96 &&
                  sizeof(ConvArguments) == 136,
              "the layout of the kernel arguments");

struct ConvGrid {
  ConvKernel kernel;
  const char* name;     // of the kernel
  uint32_t groups[3];   // workgroups
  uint16_t threads[3];  // work-items per workgroup
  ConvShape shape;
};

// Chooses a kernel. Returns false with a reason when the problem is beyond the
// 32-bit indices of the kernels: a tensor of more than 2^30 elements, or a padded
// extent of more than 2^30.
bool plan_conv(const ConvProblem& problem, ConvGrid* out, Reason* why);

// Divisor for dividends below 2^31. `value` is from 1 to 2^31 - 1.
ConvDivisor make_divisor(uint32_t value);

}  // namespace sporkle::amdgpu
