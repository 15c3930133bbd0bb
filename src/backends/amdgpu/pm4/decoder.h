// Prints any stream by names, valid or not. Unknown packets, registers and bits
// are printed as numbers and marked; nothing is skipped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "backends/amdgpu/pm4/target.h"

namespace sporkle::pm4 {

// Prints up to `capacity` bytes, NUL-terminated when capacity > 0. Returns the
// length of the whole text without the NUL.
size_t decode(std::span<const uint32_t> stream, Generation generation, char* text,
              size_t capacity);

}  // namespace sporkle::pm4
