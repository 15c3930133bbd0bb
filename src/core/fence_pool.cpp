// Storage: the directory of fence slots and the pools.
#include "core/fence_directory.h"

#include <new>
#include <sys/mman.h>
#include <type_traits>

#include "base/process.h"

namespace sporkle {

constinit std::atomic<uintptr_t> fence_chunks[fence_chunk_limit];

namespace {

constexpr uint32_t chunk_slots = fence_chunk_slots;
constexpr uint32_t chunk_limit = fence_chunk_limit;
constexpr size_t chunk_bytes = FenceChunk::bytes;
constexpr uint32_t pool_limit = 1024;
static_assert(pool_limit <= chunk_bytes);

constinit std::atomic<uint32_t> chunks_used{0};

constinit FencePool pools[pool_limit];
static_assert(std::is_trivially_destructible_v<FencePool>);  // used until the very end
constinit std::atomic<uint32_t> pools_used{0};               // none behind it was ever taken

FencePool* take_pool() noexcept {
  for (uint32_t i = 0; i < pool_limit; ++i) {
    bool expected = false;
    if (pools[i].taken.load(std::memory_order_relaxed)) continue;
    if (!pools[i].taken.compare_exchange_strong(expected, true)) continue;
    uint32_t used = pools_used.load();
    while (used <= i && !pools_used.compare_exchange_weak(used, i + 1)) {}
    return &pools[i];
  }
  return nullptr;
}

uint32_t pool_index(const FencePool* pool) noexcept {
  return static_cast<uint32_t>(pool - pools);
}

// Takes entries of the directory; whatever fails leaves the others' alone.
bool take_chunks(uint32_t count, uint32_t* first) noexcept {
  *first = chunks_used.load();
  do {
    if (count > chunk_limit - *first) return false;
  } while (!chunks_used.compare_exchange_weak(*first, *first + count));
  return true;
}

}  // namespace

FencePool* fence_pool_of(uint32_t index) noexcept {
  const FenceChunk chunk = fence_chunk_of(index);
  return chunk.slots() == nullptr ? nullptr : &pools[chunk.owner()];
}

namespace {

FenceSlot& slot_at(uint32_t index) noexcept { return *fence_find(index); }

void keep_timeline_if_pending(void*, FenceRef ref, FenceState state) noexcept {
  if (fence_poll(fence_handle(ref)) == SPORKLE_NOT_READY) timeline_keep(state.timeline());
}

}  // namespace

void FencePool::push(uint32_t index) noexcept { Protocol::push(head, index, slot_at); }

uint32_t FencePool::pop() noexcept { return Protocol::pop(head, slot_at); }

void FencePool::grow(uint32_t capacity) {
  const std::lock_guard lock(growth);
  if (slots >= capacity) return;
  const uint32_t need = (capacity - slots + chunk_slots - 1) / chunk_slots;
  const size_t bytes = need * chunk_bytes;
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    fail(SPORKLE_ERROR_OUT_OF_MEMORY, "fence_capacity: no memory for %u fences", capacity);
  }
  uint32_t first = 0;
  if (!take_chunks(need, &first)) {
    munmap(memory, bytes);
    fail(SPORKLE_ERROR_POOL_EXHAUSTED, "fence_capacity: the process has no fence slots left");
  }
  auto* array = static_cast<FenceSlot*>(memory);
  for (uint32_t c = 0; c < need; ++c) {
    const auto slots = reinterpret_cast<uintptr_t>(array + size_t{c} * chunk_slots);
    fence_chunks[first + c].store(slots | pool_index(this), std::memory_order_release);
  }
  for (uint32_t i = need * chunk_slots; i-- > 0;) {
    array[i].state.store(FenceState::make(1, 0, FenceKind::free, false).word);
    push(first * chunk_slots + i);
  }
  slots += need * chunk_slots;
}

FencePool* fence_pool_acquire(uint32_t capacity) {
  FencePool* pool = take_pool();
  if (pool == nullptr) {
    fail(SPORKLE_ERROR_POOL_EXHAUSTED, "context: more than %u contexts at once", pool_limit);
  }
  try {
    pool->grow(capacity);
  } catch (...) {
    pool->taken.store(false);
    throw;
  }
  pool->limit.store(capacity);
  pool->reserved.store(0);
  pool->epoch.store(process_epoch());
  for (auto* count : {&pool->created, &pool->destroyed, &pool->exhausted, &pool->timeouts}) {
    count->store(0, std::memory_order_relaxed);
  }
  return pool;
}

void fence_pool_reserve(FencePool* pool, uint32_t count) {
  const uint32_t reserved = pool->reserved.fetch_add(count) + count;
  try {
    pool->grow(pool->limit.load() + reserved);
  } catch (...) {
    pool->reserved.fetch_sub(count);
    throw;
  }
}

void fence_pool_unreserve(FencePool* pool, uint32_t count) noexcept {
  pool->reserved.fetch_sub(count);
}

void fence_pool_snapshot(const FencePool* pool, sporkle_stats* out) noexcept {
  // Ended before begun, so that their difference is never negative.
  out->fences_destroyed = pool->destroyed.load();
  out->fences_created = pool->created.load();
  out->fences_now = pool->used.load();
  out->fence_pool_exhausted = pool->exhausted.load();
  out->wait_timeouts = pool->timeouts.load();
}

void fence_pool_visit(FencePool* pool, void (*visit)(void*, FenceRef, FenceState),
                      void* data) noexcept {
  const uint32_t used = chunks_used.load();
  for (uint32_t c = 0; c < used; ++c) {
    const FenceChunk chunk = fence_chunk(c);
    FenceSlot* slots = chunk.slots();
    if (slots == nullptr || chunk.owner() != pool_index(pool)) continue;
    for (uint32_t i = 0; i < chunk_slots; ++i) {
      const FenceState state{slots[i].state.load(std::memory_order_acquire)};
      if (state.kind() != FenceKind::free) {
        visit(data, {c * chunk_slots + i, state.generation()}, state);
      }
    }
  }
}

void fence_pools_visit(void (*visit)(void*, FencePool&), void* data) noexcept {
  const uint32_t used = pools_used.load(std::memory_order_acquire);
  for (uint32_t i = 0; i < used; ++i) visit(data, pools[i]);
}

void fence_pools_reset_after_fork() noexcept {
  fence_pools_visit(
      [](void*, FencePool& pool) {
        new (&pool.growth) std::mutex;
        new (&pool.records_mutex) std::mutex;
        fence_pool_visit(&pool, keep_timeline_if_pending, nullptr);
      },
      nullptr);
}

}  // namespace sporkle
