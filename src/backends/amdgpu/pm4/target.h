// The chips by name and the packet generation that each one speaks.
#pragma once

#include <cstdint>
#include <string_view>

namespace sporkle::pm4 {

// Generations as far as packets and compute registers tell them apart. gfx9_4
// is gfx90a and gfx942, whose register file differs from the other gfx9 chips.
enum class Generation : uint8_t { gfx9, gfx9_4, gfx10_3, gfx11, gfx12 };

constexpr int generation_count = 5;

struct Target {
  uint32_t processor;  // LLVM's name as a hexadecimal number: gfx1100 is 0x1100
  Generation generation;
};

// Finds the generation of a chip. Returns false for chips that the packet
// tables do not cover.
bool find_target(uint32_t processor, Target* out);

// Reads "gfx1100". Returns false when the name is malformed or not covered.
bool parse_target(std::string_view name, Target* out);

const char* generation_name(Generation generation);

// The covered chips, for messages: "gfx900, gfx902, ...".
const char* covered_targets();

}  // namespace sporkle::pm4
