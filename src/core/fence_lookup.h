// From a handle to its slot, and the look at it. In a header because a poll is a few
// loads: calls between them would cost as much.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/handle.h"
#include "core/timeline.h"

namespace sporkle {

constexpr uint32_t fence_chunk_slots = 64;  // 1 KiB
constexpr uint32_t fence_chunk_limit = handle_slot_limit / fence_chunk_slots;

// Where a chunk's slots are and whose they are, in one word: who sees the one sees
// the other. Slots are aligned to the size of a chunk; below is the pool's index.
struct FenceChunk {
  uintptr_t word = 0;

  static constexpr size_t bytes = fence_chunk_slots * sizeof(FenceSlot);
  static constexpr uintptr_t owner_mask = bytes - 1;
  FenceSlot* slots() const { return reinterpret_cast<FenceSlot*>(word & ~owner_mask); }
  uint32_t owner() const { return static_cast<uint32_t>(word & owner_mask); }
};
static_assert((FenceChunk::bytes & (FenceChunk::bytes - 1)) == 0);

// The directory.
extern constinit std::atomic<uintptr_t> fence_chunks[fence_chunk_limit];

inline FenceChunk fence_chunk(uint32_t chunk) noexcept {
  return {fence_chunks[chunk].load(std::memory_order_acquire)};
}

// The chunk of a slot.
inline FenceChunk fence_chunk_of(uint32_t index) noexcept {
  return fence_chunk(index / fence_chunk_slots);
}

// The slot with this index, or null when it has never existed.
inline FenceSlot* fence_find(uint32_t index) noexcept {
  FenceSlot* slots = fence_chunk_of(index).slots();
  return slots == nullptr ? nullptr : slots + index % fence_chunk_slots;
}

// The slot behind a handle that decodes as a fence, or null. Slots are never
// unmapped; the generation says whether the handle is still current.
inline FenceSlot* fence_find(sporkle_fence fence) noexcept {
  const HandleBits bits = decode_handle(fence);
  if (!bits.tagged || bits.type != static_cast<uint32_t>(HandleType::fence)) return nullptr;
  return fence_find(bits.slot);
}

inline sporkle_status fence_look(sporkle_fence fence) noexcept {
  const FenceSlot* slot = fence_find(fence);
  if (slot == nullptr) return SPORKLE_ERROR_INVALID_HANDLE;
  return Protocol::poll(*slot, decode_handle(fence).generation, timelines);
}

}  // namespace sporkle
