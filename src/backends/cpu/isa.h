// Instruction sets that the kernels are compiled for, and what this CPU has.
#pragma once

#include <cstdint>

#include "base/error.h"

namespace sporkle::cpu {

enum class Isa : uint32_t { scalar, avx2, avx512, neon, count };

const char* isa_name(Isa isa) noexcept;

// Whether this build has kernels for the set and this CPU can run them.
bool isa_usable(Isa isa) noexcept;

// The widest usable set.
Isa isa_best() noexcept;

// "auto", "scalar", "avx2", "avx512", "neon". Throws INVALID_ARGUMENT for other
// names and UNSUPPORTED for a set that is not usable here, naming `argument`.
Isa isa_parse(const char* name, const char* argument);

}  // namespace sporkle::cpu
