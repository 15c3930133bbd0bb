// Processor numbers of EF_AMDGPU_MACH with LLVM's names, and what the generic
// targets cover.
#pragma once

#include <cstdint>

namespace sporkle::amdgpu {

struct CodeTarget {
  uint32_t machine;    // EF_AMDGPU_MACH
  uint32_t processor;  // 0x1100; 0 for a generic target
  const char* name;
};

// Null when the number is not known here.
const CodeTarget* find_code_target(uint32_t machine);

// Whether code for the target runs on the chip.
bool covers(const CodeTarget& target, uint32_t processor);

}  // namespace sporkle::amdgpu
