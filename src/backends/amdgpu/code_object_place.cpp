// The image of a code object in device memory.
#include <algorithm>

#include "backends/amdgpu/code_object_bytes.h"
#include "backends/amdgpu/pm4/limits.h"

namespace sporkle::amdgpu {

namespace {

// LLVM, AMDGPUUsage, "Relocation Records": the two that lld writes into a
// shared object, 64-bit words each.
constexpr uint32_t relocation_abs64 = 3;       // S + A
constexpr uint32_t relocation_relative64 = 13;  // B + A

// Only data may be relocated: code would not be what was checked.
bool in_writable_segment(const CodeObject& object, uint64_t address) {
  for (uint32_t i = 0; i < object.segment_count; ++i) {
    const CodeSegment& segment = object.segments[i];
    if (segment.writable && address >= segment.address &&
        within(address - segment.address, sizeof(uint64_t), segment.memory_bytes)) {
      return true;
    }
  }
  return false;
}

const char* relocate(const CodeObject& object, const Elf64_Rela& entry, uint64_t address,
                     std::span<unsigned char> memory) {
  const auto addend = static_cast<uint64_t>(entry.r_addend);
  uint64_t value = 0;
  if (!in_writable_segment(object, entry.r_offset)) return "a relocation outside the data";
  if (ELF64_R_TYPE(entry.r_info) == relocation_relative64) {
    if (ELF64_R_SYM(entry.r_info) != 0) return "a relative relocation with a symbol";
    value = addend;
  } else if (ELF64_R_TYPE(entry.r_info) == relocation_abs64) {
    const uint64_t index = ELF64_R_SYM(entry.r_info);
    if (index == 0 || index >= object.symbols.size() / sizeof(Elf64_Sym)) {
      return "a relocation against no symbol";
    }
    const Elf64_Sym symbol = symbol_at(object, index);
    if (symbol.st_shndx == SHN_UNDEF || symbol.st_shndx >= SHN_LORESERVE) {
      return "a relocation against an undefined symbol";
    }
    value = symbol.st_value + addend;
  } else {
    return "a relocation other than R_AMDGPU_ABS64 and R_AMDGPU_RELATIVE64";
  }
  if (value > object.image_bytes) return "a relocation that points outside the code object";
  value += address;
  std::memcpy(memory.data() + entry.r_offset, &value, sizeof value);
  return nullptr;
}

}  // namespace

bool place_code_object(const CodeObject& object, uint64_t address, std::span<unsigned char> memory,
                       Reason* why) {
  if (memory.size() != object.image_bytes) return refuse(why, "memory of another size than its image");
  if (address == 0 || address % CodeObject::page != 0 || address >= pm4::address_limit ||
      object.image_bytes > pm4::address_limit - address) {
    return refuse(why, "its address is not aligned to 4096 bytes or no device address");
  }
  std::fill(memory.begin(), memory.end(), static_cast<unsigned char>(0));
  for (uint32_t i = 0; i < object.segment_count; ++i) {
    const CodeSegment& segment = object.segments[i];
    const Bytes from = object.bytes.subspan(segment.offset, segment.file_bytes);
    std::copy(from.begin(), from.end(), memory.begin() + static_cast<ptrdiff_t>(segment.address));
  }
  const uint64_t count = object.relocations.size() / sizeof(Elf64_Rela);
  for (uint64_t i = 0; i < count; ++i) {
    const auto entry = load_at<Elf64_Rela>(object.relocations, i * sizeof(Elf64_Rela));
    if (const char* fault = relocate(object, entry, address, memory)) return refuse(why, fault);
  }
  return true;
}

}  // namespace sporkle::amdgpu
