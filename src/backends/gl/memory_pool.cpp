#include "backends/gl/memory_pool.h"

#include <algorithm>
#include <bit>

#include "backends/gl/engine.h"
#include "backends/gl/submission_thread.h"

namespace sporkle::gl {

// A driver object that several buffers share.
struct MemoryBlock {
  MemoryBlock(std::pmr::memory_resource* memory, BufferObject* shared)
      : object(shared), heap(memory, shared->size) {}

  BufferObject* object;
  RegionHeap heap;
  MemoryBlock* next = nullptr;
};

namespace {

// Larger buffers have an object of their own: mapping 256 KiB costs less than a
// millisecond, and a block with a few survivors cannot be given back.
constexpr uint64_t shared_limit = uint64_t{256} << 10;
constexpr uint64_t first_block_bytes = uint64_t{1} << 20;

// What the CPU sees, and what it does not see, is idle for at most half as much as lives,
// or this much: the largest shared object of each kind, whose last regions come and go.
constexpr uint64_t idle_floor = uint64_t{16} << 20;
// Or for the newest object, for who makes and destroys one large buffer after the other.
constexpr uint64_t idle_alone = uint64_t{32} << 20;

// Steps of a sixteenth of the size: buffers of similar size fit each other's
// storage, at a cost of 6 % at most.
uint64_t round_own(uint64_t bytes) noexcept {
  const uint64_t step = std::clamp<uint64_t>(std::bit_floor(bytes) / 16, 4096, 16 << 20);
  return bytes > UINT64_MAX - step ? bytes : (bytes + step - 1) / step * step;
}

}  // namespace

MemoryPool::MemoryPool(std::shared_ptr<SubmissionThread> thread,
                       std::pmr::memory_resource* memory, uint64_t block_bytes)
    : thread_(std::move(thread)),
      memory_(memory),
      block_bytes_(std::clamp(block_bytes, first_block_bytes, RegionHeap::largest_block)) {}

MemoryPool::~MemoryPool() { trim(); }

PoolUse MemoryPool::use(BufferKind kind) noexcept {
  const std::lock_guard lock(mutex_);
  return shelf(kind).use;
}

void MemoryPool::drop(Shelf& from, BufferObject* object) noexcept {
  from.use.held -= object->size;
  thread_->release(object);
}

void MemoryPool::drop_idle(Shelf& from) noexcept {
  while (from.idle_first != nullptr) {
    BufferObject* object = from.idle_first;
    from.idle_first = object->next;
    drop(from, object);
  }
  from.idle_last = nullptr;
}

void MemoryPool::drop_blocks(Shelf& from) noexcept {
  for (MemoryBlock** at = &from.blocks; *at != nullptr;) {
    MemoryBlock* block = *at;
    if (!block->heap.empty()) {
      at = &block->next;
      continue;
    }
    *at = block->next;
    drop(from, block->object);
    std::pmr::polymorphic_allocator<>(memory_).delete_object(block);
  }
}

void MemoryPool::trim() noexcept {
  const std::lock_guard lock(mutex_);
  for (Shelf& each : shelves_) {
    drop_idle(each);
    drop_blocks(each);
  }
}

void MemoryPool::forget_lost() noexcept {
  // Idle objects of a context that was lost are of no use any more. Blocks that
  // still are in use there take nobody in, and go with their last region.
  const uint64_t now = thread_->generation();
  if (now == generation_) return;
  generation_ = now;
  for (Shelf& each : shelves_) {
    drop_idle(each);
    drop_blocks(each);
  }
}

// The kinds that are bounded together: mapped ones, or local memory.
PoolUse MemoryPool::use_beside(BufferKind kind) const noexcept {
  PoolUse sum;
  for (uint32_t i = 0; i < buffer_kind_count; ++i) {
    const bool mapped = static_cast<BufferKind>(i) != BufferKind::local;
    if (mapped != (kind != BufferKind::local)) continue;
    sum.live += shelves_[i].use.live;
    sum.held += shelves_[i].use.held;
  }
  return sum;
}

// Whether what came back last is kept beyond the bound: not for more than twice what lives,
// where enough lives for that to be worth counting.
bool MemoryPool::may_stay(BufferKind kind) const noexcept {
  const PoolUse use = use_beside(kind);
  return use.live < idle_floor || use.held <= 2 * use.live;
}

void MemoryPool::limit(BufferKind kind, const BufferObject* newest) noexcept {
  const auto excess = [this, kind] {
    const PoolUse use = use_beside(kind);
    return use.held > use.live + std::max(idle_floor, use.live / 2);
  };
  const auto drop_oldest = [&](Shelf& from) {
    while (from.idle_first != nullptr && excess()) {
      BufferObject* object = from.idle_first;
      if (object == newest && object->size <= idle_alone && may_stay(kind)) return;
      from.idle_first = object->next;
      if (from.idle_first == nullptr) from.idle_last = nullptr;
      drop(from, object);
    }
  };
  Shelf& own = shelf(kind);
  // The other kinds' first: what has just come back is the likelier to be asked for.
  for (uint32_t i = 0; kind != BufferKind::local && i < buffer_kind_count; ++i) {
    if (static_cast<BufferKind>(i) == BufferKind::local || &shelves_[i] == &own) continue;
    drop_oldest(shelves_[i]);
    if (excess()) drop_blocks(shelves_[i]);
  }
  drop_oldest(own);
  if (excess()) drop_blocks(own);
}

Region MemoryPool::take_shared(Shelf& from, uint64_t bytes) {
  for (MemoryBlock* block = from.blocks; block != nullptr; block = block->next) {
    if (block->object->generation != generation_) continue;
    if (RegionHeap::Chunk* chunk = block->heap.take(bytes)) {
      from.use.live += chunk->bytes;
      return {block->object, chunk->offset, chunk->bytes, block, chunk};
    }
  }
  return {};
}

Region MemoryPool::take_idle(Shelf& from, uint64_t bytes) noexcept {
  BufferObject* best = nullptr;
  BufferObject* before_best = nullptr;
  BufferObject* before = nullptr;
  for (BufferObject* object = from.idle_first; object != nullptr;
       before = object, object = object->next) {
    if (object->size < bytes || object->size - bytes > bytes / 4) continue;
    if (best != nullptr && best->size <= object->size) continue;
    best = object;
    before_best = before;
  }
  if (best == nullptr) return {};
  (before_best == nullptr ? from.idle_first : before_best->next) = best->next;
  if (from.idle_last == best) from.idle_last = before_best;
  best->next = nullptr;
  from.use.live += best->size;
  return {best, 0, best->size, nullptr, nullptr};
}

BufferObject* MemoryPool::make_object(BufferKind kind, uint64_t bytes) {
  std::pmr::polymorphic_allocator<> allocator(memory_);
  auto* object = allocator.new_object<BufferObject>();
  try {
    thread_->call([&](Engine& engine) { engine.create_buffer(kind, bytes, object); });
  } catch (...) {
    allocator.delete_object(object);
    throw;
  }
  return object;
}

uint64_t MemoryPool::next_block_bytes(const Shelf& from, uint64_t bytes) const noexcept {
  // As large as what lives there, so that a program with one small buffer does
  // not pay for a thousand.
  const uint64_t wanted = std::bit_ceil(std::max(from.use.live, bytes * 4));
  return std::clamp(wanted, first_block_bytes, block_bytes_);
}

Region MemoryPool::make_shared_region(BufferKind kind, uint64_t bytes) {
  uint64_t block_bytes;
  {
    const std::lock_guard lock(mutex_);
    block_bytes = next_block_bytes(shelf(kind), bytes);
  }
  BufferObject* object = make_object(kind, block_bytes);
  const std::lock_guard lock(mutex_);
  Shelf& on = shelf(kind);
  MemoryBlock* block;
  try {
    block = std::pmr::polymorphic_allocator<>(memory_).new_object<MemoryBlock>(memory_, object);
  } catch (...) {
    thread_->release(object);
    throw;
  }
  on.use.held += object->size;
  block->next = on.blocks;
  on.blocks = block;
  RegionHeap::Chunk* chunk = block->heap.take(bytes);
  on.use.live += chunk->bytes;
  return {object, chunk->offset, chunk->bytes, block, chunk};
}

Region MemoryPool::make_own(BufferKind kind, uint64_t bytes) {
  BufferObject* object = make_object(kind, round_own(bytes));
  const std::lock_guard lock(mutex_);
  shelf(kind).use.held += object->size;
  shelf(kind).use.live += object->size;
  return {object, 0, object->size, nullptr, nullptr};
}

Region MemoryPool::take(BufferKind kind, uint64_t bytes) {
  const bool shared = bytes <= shared_limit;
  {
    const std::lock_guard lock(mutex_);
    forget_lost();
    Shelf& from = shelf(kind);
    const Region found = shared ? take_shared(from, bytes) : take_idle(from, bytes);
    if (found) return found;
  }
  if (!shared) return make_own(kind, bytes);
  try {
    return make_shared_region(kind, bytes);
  } catch (const Error& error) {
    // No room for a block; there may be some for the buffer alone.
    if (error.status != SPORKLE_ERROR_OUT_OF_MEMORY) throw;
    return make_own(kind, bytes);
  }
}

void MemoryPool::retire(const Region& region) noexcept {
  if (!region) return;
  const std::lock_guard lock(mutex_);
  Shelf& on = shelf(region.object->kind);
  on.use.live -= region.bytes;
  drop(on, region.object);
}

void MemoryPool::give(const Region& region) noexcept {
  if (!region) return;
  const std::lock_guard lock(mutex_);
  forget_lost();
  Shelf& on = shelf(region.object->kind);
  on.use.live -= region.bytes;
  if (region.object->generation != generation_ && region.block == nullptr) {
    drop(on, region.object);
    return;
  }
  const BufferKind kind = region.object->kind;
  const BufferObject* const own_object = region.block == nullptr ? region.object : nullptr;
  if (region.block != nullptr) {
    region.block->heap.give(region.chunk);
    if (region.object->generation != generation_) drop_blocks(on);
  } else {
    region.object->next = nullptr;
    (on.idle_last == nullptr ? on.idle_first : on.idle_last->next) = region.object;
    on.idle_last = region.object;
  }
  limit(kind, own_object);
}

}  // namespace sporkle::gl
