// Scratch memory of calls in flight, kept for the next call up to a limit.
#pragma once

#include <mutex>

#include "base/memory.h"
#include "core/stats.h"

namespace sporkle::cpu {

class ScratchPool {
 public:
  ScratchPool(std::pmr::memory_resource* memory, Stats* stats) : memory_(memory), stats_(stats) {}

  // The smallest kept block of at least `bytes`, or a new one. Throws
  // std::bad_alloc.
  AlignedBlock take(uint64_t bytes);

  // Keeps the block, or frees the smaller ones that do not fit any more.
  void give_back(AlignedBlock block) noexcept;

 private:
  static constexpr uint32_t kept_limit = 8;
  static constexpr uint64_t bytes_limit = uint64_t{64} << 20;

  void free(AlignedBlock* block) noexcept;

  std::pmr::memory_resource* memory_;
  Stats* stats_;
  std::mutex mutex_;
  AlignedBlock kept_[kept_limit];
};

// A block for as long as a call runs.
class ScratchLease {
 public:
  ScratchLease(ScratchPool& pool, uint64_t bytes) : pool_(pool), block_(pool.take(bytes)) {}
  ~ScratchLease() { pool_.give_back(std::move(block_)); }
  ScratchLease(const ScratchLease&) = delete;
  ScratchLease& operator=(const ScratchLease&) = delete;

  void* data() const noexcept { return block_.data(); }

 private:
  ScratchPool& pool_;
  AlignedBlock block_;
};

}  // namespace sporkle::cpu
