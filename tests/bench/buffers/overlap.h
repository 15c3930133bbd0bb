// Whether copies of one queue or of a second context run beside kernels.
#pragma once

#include "buffers/naive_gl.h"

namespace buffers {

// Kernels alone, copies alone, and both in every way that OpenGL offers.
// `kernel_us`: how long one kernel shall take.
void measure_overlap(NaiveGl* naive, double kernel_us, uint64_t bytes, Records* records);

}  // namespace buffers
