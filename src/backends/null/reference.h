// The convolution as its definition says, summed in double precision. Slow and
// plain: what the null device computes with.
#pragma once

#include "core/conv_problem.h"

namespace sporkle::null {

// Every product that lies inside the input is summed in the order c, r, s, so
// that the result depends on nothing but its operands. Taps outside the input
// contribute nothing, not even NaN. residual may be the output itself.
void reference_conv2d(const ConvProblem& problem, const float* weights, const float* bias,
                      const HostTensors& tensors) noexcept;

}  // namespace sporkle::null
