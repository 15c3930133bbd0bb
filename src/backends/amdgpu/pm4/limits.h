// Limits and granules that hold on every generation here, with their sources.
#pragma once

#include <cstdint>

namespace sporkle::pm4 {

// LDS_SIZE of COMPUTE_PGM_RSRC2 counts 512 bytes (LLVM, AMDGPUUsage,
// GRANULATED_LDS_SIZE). The kernel descriptor leaves it 0.
constexpr uint32_t lds_granule = 512;
constexpr uint32_t most_lds_bytes = 65536;

constexpr uint64_t address_limit = uint64_t{1} << 48;  // PGM_LO, _HI: 40 bits of 256 bytes
constexpr uint32_t most_workgroup_threads = 1024;      // LLVM, amdgpu-flat-work-group-size
constexpr uint32_t most_user_sgprs = 16;               // COMPUTE_USER_DATA_0 to _15
constexpr uint32_t kernarg_alignment = 16;             // LLVM, AMDGPUUsage, kernel dispatch

constexpr uint32_t lds_granules(uint32_t bytes) { return (bytes + lds_granule - 1) / lds_granule; }

}  // namespace sporkle::pm4
