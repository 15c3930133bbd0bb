// What the driver and the machine give a program without a library.
#pragma once

#include <string>

#include "buffers/naive_gl.h"

namespace buffers {

// How many of 96 independent dispatches, which could all run at once, follow one another:
// where the driver lets one wait for those before it.
void measure_waits(NaiveGl* naive, Records* records);

// Pipelines of one thread that fills, the queue, and one that reads, over windows in turn,
// whose kernel does next to nothing. Reading alone is measured over as many windows.
void measure_ring(NaiveGl* naive, const std::string& prefix, uint64_t in_bytes, uint64_t out_bytes,
                  int count, Records* records);

}  // namespace buffers
