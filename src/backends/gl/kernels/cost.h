// A rough prediction of the time a variant takes, to order candidates by.
#pragma once

#include "backends/gl/kernels/geometry.h"

namespace sporkle::gl {

// Microseconds on a device like the one the constants were fitted to; the variant
// accepts the problem.
double predicted_us(const Variant& variant, const ConvProblem& problem,
                    const Limits& limits) noexcept;

}  // namespace sporkle::gl
