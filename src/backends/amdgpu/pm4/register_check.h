// Register writes as the validator sees them.
#pragma once

#include "backends/amdgpu/pm4/validator.h"

namespace sporkle::pm4 {

// Members of ShaderRegisters::known.
enum KnownRegister : uint32_t {
  known_pgm_lo = 1u << 0,
  known_pgm_hi = 1u << 1,
  known_rsrc1 = 1u << 2,
  known_rsrc2 = 1u << 3,
  known_rsrc3 = 1u << 4,
  known_tmpring = 1u << 5,
  known_limits = 1u << 6,
  known_threads = 7u << 7,
  known_start = 7u << 10,
  known_restart = 7u << 13
};

// Applies the writes to `registers`. Returns null, or why one is not allowed.
const char* apply_registers(const SetRegisters& set, Generation generation,
                            ShaderRegisters* registers);

}  // namespace sporkle::pm4
