// Where fence slots live: the directory of slots and the pools that own them.
// Internal to the fence sources.
#pragma once

#include <atomic>
#include <mutex>

#include "core/fence_lookup.h"
#include "core/fence_pool.h"

namespace sporkle {

// The pool that owns a slot that exists.
FencePool* fence_pool_of(uint32_t index) noexcept;

class FencePool {
 public:
  std::atomic<bool> taken{false};
  Protocol::Head head{0};  // of the free slots
  std::atomic<uint32_t> used{0};
  // Counted here and not in the context, which may be gone: fence functions
  // pin nothing. The line is written by every take anyway.
  std::atomic<uint64_t> created{0}, destroyed{0}, exhausted{0}, timeouts{0};
  std::atomic<uint32_t> limit{0};     // fences of the user; `used` counts these
  std::atomic<uint32_t> reserved{0};  // fences of executor slots, beside them
  std::atomic<uint64_t> epoch{0};
  uint32_t slots = 0;  // guarded by growth
  class FenceRecords* records = nullptr;  // debug mode; guarded by records_mutex
  std::mutex records_mutex;
  std::mutex growth;

  void push(uint32_t index) noexcept;
  uint32_t pop() noexcept;  // Protocol::no_slot when none is free
  // Throws Error.
  void grow(uint32_t capacity);
};

// Calls visit(data, pool) for every pool that has ever been made.
void fence_pools_visit(void (*visit)(void*, FencePool&), void* data) noexcept;

}  // namespace sporkle
