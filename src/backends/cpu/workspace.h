// Parts of one call's scratch memory: a block per running task, claimed at its
// start. Tasks do not know on which thread they run.
#pragma once

#include <atomic>
#include <cstdint>
#include <new>

#include "base/futex.h"

namespace sporkle::cpu {

// Layout: one claim word per slot, each on its own cache line, then the blocks.
class TaskBlocks {
 public:
  static uint64_t bytes(uint32_t slots, uint64_t block_bytes) noexcept {
    return slots * (line + rounded(block_bytes));
  }

  TaskBlocks(void* memory, uint32_t slots, uint64_t block_bytes) noexcept
      : memory_(static_cast<char*>(memory)), slots_(slots), block_bytes_(rounded(block_bytes)) {
    for (uint32_t i = 0; i < slots_; ++i) new (memory_ + i * line) Claim(0);
  }

  // Waits only when more tasks run at once than was agreed.
  uint32_t take() noexcept {
    for (;;) {
      for (uint32_t i = 0; i < slots_; ++i) {
        if (claim(i).load(std::memory_order_relaxed) == 0 &&
            claim(i).exchange(1, std::memory_order_acquire) == 0) {
          return i;
        }
      }
      cpu_pause();
    }
  }
  void give_back(uint32_t slot) noexcept { claim(slot).store(0, std::memory_order_release); }

  float* block(uint32_t slot) const noexcept {
    return reinterpret_cast<float*>(memory_ + slots_ * line + slot * block_bytes_);
  }

 private:
  using Claim = std::atomic<uint32_t>;
  static constexpr uint64_t line = 64;
  static uint64_t rounded(uint64_t bytes) noexcept { return (bytes + line - 1) / line * line; }
  Claim& claim(uint32_t slot) const noexcept {
    return *reinterpret_cast<Claim*>(memory_ + slot * line);
  }

  char* memory_;
  uint64_t slots_;
  uint64_t block_bytes_;
};

// One block for as long as a task runs.
class TaskBlock {
 public:
  explicit TaskBlock(TaskBlocks& blocks) noexcept : blocks_(blocks), slot_(blocks.take()) {}
  ~TaskBlock() { blocks_.give_back(slot_); }
  TaskBlock(const TaskBlock&) = delete;
  TaskBlock& operator=(const TaskBlock&) = delete;

  float* floats() const noexcept { return blocks_.block(slot_); }

 private:
  TaskBlocks& blocks_;
  uint32_t slot_;
};

}  // namespace sporkle::cpu
