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

// The device measured, and the same one without mapping; that may be null.
struct Place {
  sporkle_context context = nullptr, staging = nullptr;
  uint32_t device = 0, staging_device = 0;
};

// A context of the OpenGL device `name` whose buffers cannot be mapped, or null.
sporkle_context open_staging(const char* device, const char* name, uint32_t* out);

// `naive` may be null.
void measure(const Place& place, const Workload& workload, NaiveGl* naive, Records* records);
// 4 KiB through the library: in place, flushed, and submitted.
void measure_updates(sporkle_context context, uint32_t device, Records* records);

}  // namespace buffers
