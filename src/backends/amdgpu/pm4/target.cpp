#include "backends/amdgpu/pm4/target.h"

#include <charconv>

namespace sporkle::pm4 {

namespace {

// Processor names: LLVM, AMDGPUUsage, "AMDGPU Processors". gfx940, gfx941 and
// gfx950 are left out: no header of theirs was compared. gfx10.1 is another
// generation.
constexpr Target targets[] = {
    {0x900, Generation::gfx9},     {0x902, Generation::gfx9},     {0x904, Generation::gfx9},
    {0x906, Generation::gfx9},     {0x908, Generation::gfx9},     {0x909, Generation::gfx9},
    {0x90c, Generation::gfx9},     {0x90a, Generation::gfx9_4},   {0x942, Generation::gfx9_4},
    {0x1030, Generation::gfx10_3}, {0x1031, Generation::gfx10_3}, {0x1032, Generation::gfx10_3},
    {0x1033, Generation::gfx10_3}, {0x1034, Generation::gfx10_3}, {0x1035, Generation::gfx10_3},
    {0x1036, Generation::gfx10_3}, {0x1100, Generation::gfx11},   {0x1101, Generation::gfx11},
    {0x1102, Generation::gfx11},   {0x1103, Generation::gfx11},   {0x1150, Generation::gfx11},
    {0x1151, Generation::gfx11},   {0x1152, Generation::gfx11},   {0x1200, Generation::gfx12},
    {0x1201, Generation::gfx12},
};

}  // namespace

bool find_target(uint32_t processor, Target* out) {
  for (const Target& target : targets) {
    if (target.processor != processor) continue;
    *out = target;
    return true;
  }
  return false;
}

bool parse_target(std::string_view name, Target* out) {
  if (name.substr(0, 3) != "gfx") return false;
  name.remove_prefix(3);
  if (name.empty() || name.size() > 4) return false;
  for (const char c : name) {
    if (c >= 'A' && c <= 'F') return false;
  }
  uint32_t processor = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), processor, 16);
  if (error != std::errc() || end != name.data() + name.size()) return false;
  return find_target(processor, out);
}

const char* generation_name(Generation generation) {
  switch (generation) {
    case Generation::gfx9: return "gfx9";
    case Generation::gfx9_4: return "gfx9_4";
    case Generation::gfx10_3: return "gfx10_3";
    case Generation::gfx11: return "gfx11";
    case Generation::gfx12: return "gfx12";
  }
  return "?";
}

const char* covered_targets() {
  return "gfx900 gfx902 gfx904 gfx906 gfx908 gfx909 gfx90c gfx90a gfx942 gfx1030 to gfx1036 "
         "gfx1100 to gfx1103 gfx1150 to gfx1152 gfx1200 gfx1201";
}

}  // namespace sporkle::pm4
