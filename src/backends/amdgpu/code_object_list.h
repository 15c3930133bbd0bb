// A code object in words, for comparison with LLVM's tools.
#pragma once

#include "backends/amdgpu/code_object.h"

namespace sporkle::amdgpu {

// Writes JSON: header, segments, kernels with descriptor (as .amdhsa_ directives
// without the prefix) and metadata. `text` gets up to `capacity` bytes,
// NUL-terminated when capacity > 0; `out_length` gets the length of the whole.
// Returns false with a reason when a kernel is damaged.
bool list_code_object(const CodeObject& object, char* text, uint64_t capacity,
                      uint64_t* out_length, Reason* why);

}  // namespace sporkle::amdgpu
