// Which kernel runs a convolution on a chip, and how it is launched.
#pragma once

#include "backends/amdgpu/pm4/conv_class.h"
#include "backends/amdgpu/pm4/kernel_object.h"
#include "backends/amdgpu/pm4/target.h"
#include "base/error.h"

namespace sporkle::amdgpu {

struct ConvLaunch {
  pm4::KernelObject kernel;
  pm4::ConvClass conv_class;
  uint32_t groups[3];   // workgroups
  uint16_t threads[3];  // work-items per workgroup
};

// Describes the launch of `problem` with the chip's machine code loaded at
// `code_address`, a multiple of 256. Returns false with a reason when this build
// has no machine code for the chip, or none for the problem.
bool find_conv_launch(const pm4::Target& target, const ConvProblem& problem,
                      uint64_t code_address, ConvLaunch* out, Reason* why);

}  // namespace sporkle::amdgpu
