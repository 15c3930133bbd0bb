// Where the memory of buffers comes from: small ones share driver objects, large
// ones have their own, and what is given back is used again.
#pragma once

#include <memory>
#include <mutex>

#include "backends/gl/buffer_object.h"
#include "core/device.h"
#include "core/region_heap.h"

namespace sporkle::gl {

class SubmissionThread;

// What is kept for later and can be given back to the driver at once when it
// has no memory left. From any thread, the submission thread included.
class IdleMemory {
 public:
  virtual void trim() noexcept = 0;

 protected:
  ~IdleMemory() = default;
};

// Part of a driver object.
struct Region {
  BufferObject* object = nullptr;
  uint64_t offset = 0;
  uint64_t bytes = 0;
  struct MemoryBlock* block = nullptr;  // null: the whole object
  RegionHeap::Chunk* chunk = nullptr;

  GLuint name() const noexcept { return object->name; }
  void* map() const noexcept { return static_cast<char*>(object->map) + offset; }
  explicit operator bool() const noexcept { return object != nullptr; }
};

// How much the pool holds; tests and statistics.
struct PoolUse {
  uint64_t live = 0;  // in regions that somebody has
  uint64_t held = 0;  // in driver objects
};

class MemoryPool {
 public:
  // `block_bytes`: size of shared objects once they are in demand.
  MemoryPool(std::shared_ptr<SubmissionThread> thread, std::pmr::memory_resource* memory,
             uint64_t block_bytes);
  MemoryPool(const MemoryPool&) = delete;
  MemoryPool& operator=(const MemoryPool&) = delete;
  ~MemoryPool();

  // At least `bytes`, with undefined contents, at an offset that is a multiple
  // of RegionHeap::granule. From any thread but the submission thread. Throws
  // OUT_OF_MEMORY when the driver has none left after everything idle has been
  // given back, DEVICE_LOST.
  Region take(BufferKind kind, uint64_t bytes);

  // Likewise, but an object of its own that never was anybody else's.
  Region take_alone(BufferKind kind, uint64_t bytes) { return make_own(kind, bytes); }

  // The memory may be handed out again at once: whoever gives it back has seen
  // the end of the work that uses it. From any thread.
  void give(const Region& region) noexcept;
  // For what others may still use, unseen by us: OpenGL keeps it until they end.
  void retire(const Region& region) noexcept;

  // Gives what is idle back to the driver.
  void trim() noexcept;

  PoolUse use(BufferKind kind) noexcept;
  const std::shared_ptr<SubmissionThread>& thread() const noexcept { return thread_; }

 private:
  struct Shelf {
    MemoryBlock* blocks = nullptr;      // shared objects
    BufferObject* idle_first = nullptr; // objects of their own, oldest first
    BufferObject* idle_last = nullptr;
    PoolUse use;
  };

  Shelf& shelf(BufferKind kind) noexcept { return shelves_[static_cast<uint32_t>(kind)]; }
  Region take_shared(Shelf& from, uint64_t bytes);
  Region take_idle(Shelf& from, uint64_t bytes) noexcept;
  Region make_shared_region(BufferKind kind, uint64_t bytes);
  Region make_own(BufferKind kind, uint64_t bytes);
  BufferObject* make_object(BufferKind kind, uint64_t bytes);
  uint64_t next_block_bytes(const Shelf& shelf, uint64_t bytes) const noexcept;
  void forget_lost() noexcept;
  PoolUse use_beside(BufferKind kind) const noexcept;
  bool may_stay(BufferKind kind) const noexcept;
  // `newest`: the object that has just been given back, or null.
  void limit(BufferKind kind, const BufferObject* newest) noexcept;
  void drop_idle(Shelf& shelf) noexcept;
  void drop_blocks(Shelf& shelf) noexcept;
  void drop(Shelf& shelf, BufferObject* object) noexcept;

  std::shared_ptr<SubmissionThread> thread_;
  std::pmr::memory_resource* memory_;
  const uint64_t block_bytes_;
  std::mutex mutex_;
  uint64_t generation_ = 0;
  Shelf shelves_[buffer_kind_count];
};

}  // namespace sporkle::gl
