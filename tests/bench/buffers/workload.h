// One convolution on the library: its stages alone, pipelines over executor
// slots, the synchronous call, resident buffers.
#pragma once

#include "buffers/naive_gl.h"

namespace buffers {

// Throws std::runtime_error with the library's text unless `status` is SPORKLE_OK.
void check(sporkle_status status, const char* what);

struct Workload {
  const char* name;
  int64_t n, c, h, k, kernel, stride, padding;
  int batches;
};

// `naive` may be null.
void measure(sporkle_context context, uint32_t device, const Workload& workload, NaiveGl* naive,
             Records* records);
// 4 KiB through the library: in place, flushed, and submitted.
void measure_updates(sporkle_context context, uint32_t device, Records* records);

}  // namespace buffers
