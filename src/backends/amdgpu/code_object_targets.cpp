#include "backends/amdgpu/code_object_targets.h"

#include <iterator>
#include <span>

namespace sporkle::amdgpu {

namespace {

// LLVM, AMDGPUUsage, "AMDGPU ef_amdgpu_mach Enumeration Values"; a test compares
// each with what LLVM's assembler writes.
constexpr CodeTarget targets[] = {
    {0x2c, 0x900, "gfx900"},   {0x2d, 0x902, "gfx902"},   {0x2e, 0x904, "gfx904"},
    {0x2f, 0x906, "gfx906"},   {0x30, 0x908, "gfx908"},   {0x31, 0x909, "gfx909"},
    {0x32, 0x90c, "gfx90c"},   {0x3f, 0x90a, "gfx90a"},   {0x4c, 0x942, "gfx942"},
    {0x36, 0x1030, "gfx1030"}, {0x37, 0x1031, "gfx1031"}, {0x38, 0x1032, "gfx1032"},
    {0x39, 0x1033, "gfx1033"}, {0x3e, 0x1034, "gfx1034"}, {0x3d, 0x1035, "gfx1035"},
    {0x45, 0x1036, "gfx1036"}, {0x41, 0x1100, "gfx1100"}, {0x46, 0x1101, "gfx1101"},
    {0x47, 0x1102, "gfx1102"}, {0x44, 0x1103, "gfx1103"}, {0x43, 0x1150, "gfx1150"},
    {0x4a, 0x1151, "gfx1151"}, {0x55, 0x1152, "gfx1152"}, {0x48, 0x1200, "gfx1200"},
    {0x4e, 0x1201, "gfx1201"}, {0x51, 0, "gfx9-generic"}, {0x53, 0, "gfx10-3-generic"},
    {0x54, 0, "gfx11-generic"}, {0x59, 0, "gfx12-generic"},
};

// LLVM, AMDGPUUsage, "Generic Processor Targets", version 1 of each.
constexpr uint32_t gfx9_generic[] = {0x900, 0x902, 0x904, 0x906, 0x909, 0x90c};
constexpr uint32_t gfx10_3_generic[] = {0x1030, 0x1031, 0x1032, 0x1033, 0x1034, 0x1035, 0x1036};
constexpr uint32_t gfx11_generic[] = {0x1100, 0x1101, 0x1102, 0x1103, 0x1150, 0x1151, 0x1152};
constexpr uint32_t gfx12_generic[] = {0x1200, 0x1201};

std::span<const uint32_t> members(uint32_t machine) {
  switch (machine) {
    case 0x51: return gfx9_generic;
    case 0x53: return gfx10_3_generic;
    case 0x54: return gfx11_generic;
    case 0x59: return gfx12_generic;
    default: return {};
  }
}

}  // namespace

const CodeTarget* find_code_target(uint32_t machine) {
  for (const CodeTarget& target : targets) {
    if (target.machine == machine) return &target;
  }
  return nullptr;
}

bool covers(const CodeTarget& target, uint32_t processor) {
  if (target.processor != 0) return target.processor == processor;
  for (const uint32_t member : members(target.machine)) {
    if (member == processor) return true;
  }
  return false;
}

}  // namespace sporkle::amdgpu
