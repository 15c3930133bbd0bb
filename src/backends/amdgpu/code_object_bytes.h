// Reading of code object parts from bytes of unknown origin.
#pragma once

#include <elf.h>

#include <cstring>

#include "backends/amdgpu/code_object.h"

namespace sporkle::amdgpu {

// Whether [offset, offset + size) lies in `total` bytes; no sum wraps.
constexpr bool within(uint64_t offset, uint64_t size, uint64_t total) {
  return offset <= total && size <= total - offset;
}

// A value that may be misaligned; the caller has checked that it lies within.
template <class T>
T load_at(Bytes bytes, uint64_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

// The file's bytes behind relative addresses, from one segment. False: not there.
bool file_range(const CodeObject& object, uint64_t address, uint64_t size, Bytes* out);

// NUL-terminated; null when the offset is outside.
const char* string_at(const CodeObject& object, uint32_t offset);

inline Elf64_Sym symbol_at(const CodeObject& object, uint64_t index) {
  return load_at<Elf64_Sym>(object.symbols, index * sizeof(Elf64_Sym));
}

// The kernel's name when the symbol is a kernel descriptor ("NAME.kd"), else empty.
std::string_view descriptor_name(const CodeObject& object, const Elf64_Sym& symbol);

inline bool refuse(Reason* why, const char* text) {
  why->set("code object: %s", text);
  return false;
}

// Finds the metadata of the kernel whose .symbol is `symbol`. False with a reason.
bool read_metadata(const CodeObject& object, std::string_view symbol, KernelMetadata* out,
                   Reason* why);

}  // namespace sporkle::amdgpu
