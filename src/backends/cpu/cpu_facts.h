// What the machine says about its CPU, as text.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sporkle::cpu {

// "Intel(R) Xeon(R) Processor"; "CPU" when nothing better is known.
void model_name(char* out, size_t capacity) noexcept;

// "L1d 48 KiB, L2 2048 KiB, L3 266240 KiB"; "unknown" when nothing is known.
void cache_sizes(char* out, size_t capacity) noexcept;

// Size of the level-2 cache, within sensible bounds also when nothing is known.
uint64_t level2_bytes() noexcept;

}  // namespace sporkle::cpu
