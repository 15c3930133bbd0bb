#include "core/region_heap.h"

#include <bit>

namespace sporkle {

namespace {

// Bins of a quarter octave; the first four hold one size each.
uint32_t bin_of(uint64_t granules) noexcept {
  if (granules < 4) return static_cast<uint32_t>(granules);
  const auto octave = static_cast<uint32_t>(std::bit_width(granules) - 1);
  return (octave - 1) * 4 + static_cast<uint32_t>((granules >> (octave - 2)) & 3);
}

// The first bin in which every stretch is long enough.
uint32_t sure_bin(uint64_t granules) noexcept {
  if (granules < 4) return bin_of(granules);
  const auto octave = static_cast<uint32_t>(std::bit_width(granules) - 1);
  return bin_of(granules + (uint64_t{1} << (octave - 2)) - 1);
}

}  // namespace

RegionHeap::RegionHeap(std::pmr::memory_resource* memory, uint64_t bytes) : memory_(memory) {
  first_ = make({0, bytes, false, nullptr, nullptr, nullptr, nullptr});
  link(first_);
}

RegionHeap::~RegionHeap() {
  for (Chunk* chunk = first_; chunk != nullptr;) {
    Chunk* after = chunk->after;
    drop(chunk);
    chunk = after;
  }
}

RegionHeap::Chunk* RegionHeap::make(const Chunk& value) {
  return std::pmr::polymorphic_allocator<>(memory_).new_object<Chunk>(value);
}

void RegionHeap::drop(Chunk* chunk) noexcept {
  std::pmr::polymorphic_allocator<>(memory_).delete_object(chunk);
}

void RegionHeap::link(Chunk* chunk) noexcept {
  const uint32_t bin = bin_of(chunk->bytes / granule);
  chunk->previous_free = nullptr;
  chunk->next_free = bins_[bin];
  if (bins_[bin] != nullptr) bins_[bin]->previous_free = chunk;
  bins_[bin] = chunk;
  filled_bins_ |= uint64_t{1} << bin;
}

void RegionHeap::unlink(Chunk* chunk) noexcept {
  const uint32_t bin = bin_of(chunk->bytes / granule);
  if (chunk->previous_free == nullptr) {
    bins_[bin] = chunk->next_free;
  } else {
    chunk->previous_free->next_free = chunk->next_free;
  }
  if (chunk->next_free != nullptr) chunk->next_free->previous_free = chunk->previous_free;
  if (bins_[bin] == nullptr) filled_bins_ &= ~(uint64_t{1} << bin);
}

RegionHeap::Chunk* RegionHeap::find(uint64_t bytes) const noexcept {
  const uint32_t bin = sure_bin(bytes / granule);
  const uint64_t fitting = bin < bin_count ? filled_bins_ >> bin << bin : 0;
  if (fitting != 0) return bins_[std::countr_zero(fitting)];
  // In the bin below only some are long enough.
  constexpr int patience = 16;
  Chunk* chunk = bins_[bin_of(bytes / granule)];
  for (int i = 0; chunk != nullptr && i < patience; ++i, chunk = chunk->next_free) {
    if (chunk->bytes >= bytes) return chunk;
  }
  return nullptr;
}

RegionHeap::Chunk* RegionHeap::take(uint64_t bytes) {
  const uint64_t rounded = (bytes + granule - 1) / granule * granule;
  if (bytes == 0 || bytes > largest_block) return nullptr;
  Chunk* chunk = find(rounded);
  if (chunk == nullptr) return nullptr;
  Chunk* rest = nullptr;
  if (chunk->bytes > rounded) {
    rest = make({chunk->offset + rounded, chunk->bytes - rounded, false, chunk, chunk->after,
                 nullptr, nullptr});
  }
  unlink(chunk);
  if (rest != nullptr) {
    if (rest->after != nullptr) rest->after->before = rest;
    chunk->after = rest;
    chunk->bytes = rounded;
    link(rest);
  }
  chunk->taken = true;
  taken_bytes_ += rounded;
  return chunk;
}

void RegionHeap::absorb_next(Chunk* chunk) noexcept {
  Chunk* next = chunk->after;
  chunk->bytes += next->bytes;
  chunk->after = next->after;
  if (next->after != nullptr) next->after->before = chunk;
  drop(next);
}

void RegionHeap::give(Chunk* chunk) noexcept {
  taken_bytes_ -= chunk->bytes;
  chunk->taken = false;
  if (chunk->after != nullptr && !chunk->after->taken) {
    unlink(chunk->after);
    absorb_next(chunk);
  }
  if (chunk->before != nullptr && !chunk->before->taken) {
    chunk = chunk->before;
    unlink(chunk);
    absorb_next(chunk);
  }
  link(chunk);
}

}  // namespace sporkle
