// What debug mode knows about fences beside their slots: label and birth.
#pragma once

#include <memory_resource>
#include <mutex>
#include <vector>

#include "core/fence_pool.h"

namespace sporkle {

class FenceRecords {
 public:
  // Room for `fences` different slots; nothing is allocated afterwards.
  FenceRecords(std::pmr::memory_resource* memory, uint32_t fences);

  void note(FenceRef fence, const char* label) noexcept;

  // Writes one warning for every live fence of the pool.
  void report(FencePool* pool, Log& log) noexcept;

 private:
  struct Record {
    uint64_t generation = 0;  // 0: never used
    uint32_t slot = 0;
    uint64_t created_ns = 0;
    char label[40] = {};
  };

  // Open addressing by slot; entries are only overwritten, never removed.
  Record* find(uint32_t slot) noexcept;

  std::mutex mutex_;
  std::pmr::vector<Record> records_;
};

}  // namespace sporkle
