// What kernels of the OpenGL device are compared with: the CPU device's direct kernels, whose
// error is that of float32 sums alone. What the CPU device would choose may be Winograd.
#pragma once

#include "core/conv_problem.h"

namespace bench {

// Writes the output without bias, residual and activation. Gives the kernel's name, static
// storage. Throws Error.
const char* direct_reference(const sporkle::ConvProblem& problem, const float* input,
                             const float* weights, float* output);

}  // namespace bench
