// The bits of a handle: {generation 39 | slot 20 | type 4 | 1}.
#pragma once

#include <cstdint>

namespace sporkle {

static_assert(sizeof(void*) == 8, "libsporkle needs 64-bit pointers");

enum class HandleType : uint32_t { context = 1, buffer = 2, fence = 3, executor = 4, plan = 5 };

constexpr uint32_t handle_slot_limit = 1u << 20;
constexpr uint64_t handle_generation_limit = (uint64_t{1} << 39) - 1;

struct HandleBits {
  uint64_t generation;
  uint32_t slot;
  uint32_t type;
  bool tagged;  // the low bit is set, so this is no object's address
};

inline HandleBits decode_handle(const void* handle) noexcept {
  const auto bits = reinterpret_cast<uintptr_t>(handle);
  return {bits >> 25, static_cast<uint32_t>(bits >> 5) & (handle_slot_limit - 1),
          static_cast<uint32_t>(bits >> 1) & 15u, (bits & 1u) != 0};
}

inline void* encode_handle(uint64_t generation, uint32_t slot, HandleType type) noexcept {
  return reinterpret_cast<void*>(static_cast<uintptr_t>(
      generation << 25 | uint64_t{slot} << 5 | uint64_t{static_cast<uint32_t>(type)} << 1 | 1u));
}

}  // namespace sporkle
