// Which parts of one block of memory are taken: offsets only, the memory itself
// is never touched. A two-level segregated fit: taking and giving back are O(1),
// giving back merges with free neighbours and allocates nothing.
//
// One thread at a time.
#pragma once

#include <cstdint>
#include <memory_resource>

namespace sporkle {

class RegionHeap {
 public:
  // Offsets are multiples of this: the largest alignment that OpenGL lets a
  // driver ask of a storage buffer's offset (MIN_MAX of
  // SHADER_STORAGE_BUFFER_OFFSET_ALIGNMENT).
  static constexpr uint64_t granule = 256;
  static constexpr uint64_t largest_block = uint64_t{32} << 20;

  // A stretch of the block, taken or free.
  struct Chunk {
    uint64_t offset, bytes;
    bool taken;
    Chunk *before, *after;         // in the block
    Chunk *previous_free, *next_free;
  };

  // `bytes` is a multiple of granule and at most largest_block. Throws
  // std::bad_alloc.
  RegionHeap(std::pmr::memory_resource* memory, uint64_t bytes);
  RegionHeap(const RegionHeap&) = delete;
  RegionHeap& operator=(const RegionHeap&) = delete;
  ~RegionHeap();

  // Null when no free stretch is long enough. Throws std::bad_alloc.
  Chunk* take(uint64_t bytes);
  void give(Chunk* chunk) noexcept;

  uint64_t taken_bytes() const noexcept { return taken_bytes_; }
  bool empty() const noexcept { return taken_bytes_ == 0; }

 private:
  static constexpr uint32_t bin_count = 64;

  Chunk* find(uint64_t bytes) const noexcept;
  Chunk* make(const Chunk& value);
  void drop(Chunk* chunk) noexcept;
  void link(Chunk* chunk) noexcept;
  void unlink(Chunk* chunk) noexcept;
  void absorb_next(Chunk* chunk) noexcept;

  std::pmr::memory_resource* memory_;
  Chunk* first_ = nullptr;
  Chunk* bins_[bin_count] = {};
  uint64_t filled_bins_ = 0;
  uint64_t taken_bytes_ = 0;
};

}  // namespace sporkle
