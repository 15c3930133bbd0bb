// Storage: the directory of fence slots and the pools.
#include "core/fence_directory.h"

#include <new>
#include <sys/mman.h>

#include "base/process.h"

namespace sporkle {

namespace {

constexpr uint32_t chunk_slots = fence_chunk_slots;
constexpr uint32_t chunk_limit = handle_slot_limit / chunk_slots;
constexpr uint32_t pool_limit = 1024;

constinit std::atomic<FenceSlot*> chunks[chunk_limit];
constinit std::atomic<uint16_t> chunk_owner[chunk_limit];  // pool index + 1
constinit std::atomic<uint32_t> chunks_used{0};

alignas(FencePool) constinit unsigned char pool_storage[pool_limit * sizeof(FencePool)] = {};
constinit std::atomic<uint32_t> pools_made{0};

FencePool& pool_at(uint32_t index) noexcept {
  return *std::launder(reinterpret_cast<FencePool*>(pool_storage + index * sizeof(FencePool)));
}

FencePool* find_free_pool() {
  const uint32_t made = pools_made.load(std::memory_order_acquire);
  for (uint32_t i = 0; i < made && i < pool_limit; ++i) {
    bool expected = false;
    if (pool_at(i).taken.compare_exchange_strong(expected, true)) return &pool_at(i);
  }
  return nullptr;
}

FencePool* make_pool() {
  static constinit std::atomic_flag making = ATOMIC_FLAG_INIT;
  while (making.test_and_set(std::memory_order_acquire)) cpu_pause();
  const uint32_t index = pools_made.load();
  FencePool* pool = nullptr;
  if (index < pool_limit) {
    pool = new (pool_storage + index * sizeof(FencePool)) FencePool;
    pool->taken.store(true);
    pools_made.store(index + 1, std::memory_order_release);
  }
  making.clear(std::memory_order_release);
  return pool;
}

uint32_t pool_index(const FencePool* pool) noexcept {
  const auto* bytes = reinterpret_cast<const unsigned char*>(pool);
  return static_cast<uint32_t>((bytes - pool_storage) / sizeof(FencePool));
}

}  // namespace

FenceSlot* fence_find(uint32_t index) noexcept {
  FenceSlot* chunk = chunks[index / chunk_slots].load(std::memory_order_acquire);
  return chunk == nullptr ? nullptr : chunk + index % chunk_slots;
}

FencePool* fence_pool_of(uint32_t index) noexcept {
  const uint32_t owner = chunk_owner[index / chunk_slots].load(std::memory_order_acquire);
  return owner == 0 ? nullptr : &pool_at(owner - 1);
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
  const size_t bytes = size_t{need} * chunk_slots * sizeof(FenceSlot);
  const uint32_t first = chunks_used.fetch_add(need);
  if (first + need > chunk_limit) {
    chunks_used.fetch_sub(need);
    fail(SPORKLE_ERROR_POOL_EXHAUSTED, "fence_capacity: the process has no fence slots left");
  }
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    fail(SPORKLE_ERROR_OUT_OF_MEMORY, "fence_capacity: no memory for %u fences", capacity);
  }
  auto* array = static_cast<FenceSlot*>(memory);
  for (uint32_t c = 0; c < need; ++c) {
    chunk_owner[first + c].store(static_cast<uint16_t>(pool_index(this) + 1));
    chunks[first + c].store(array + size_t{c} * chunk_slots, std::memory_order_release);
  }
  for (uint32_t i = need * chunk_slots; i-- > 0;) {
    array[i].state.store(FenceState::make(1, 0, FenceKind::free, false).word);
    push(first * chunk_slots + i);
  }
  slots += need * chunk_slots;
}

FencePool* fence_pool_acquire(uint32_t capacity) {
  FencePool* pool = find_free_pool();
  if (pool == nullptr) pool = make_pool();
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
  const auto owner = static_cast<uint16_t>(pool_index(pool) + 1);
  const uint32_t used = chunks_used.load();
  for (uint32_t c = 0; c < used && c < chunk_limit; ++c) {
    if (chunk_owner[c].load() != owner) continue;
    for (uint32_t i = 0; i < chunk_slots; ++i) {
      const uint32_t index = c * chunk_slots + i;
      const FenceState state{fence_find(index)->state.load(std::memory_order_acquire)};
      if (state.kind() != FenceKind::free) visit(data, {index, state.generation()}, state);
    }
  }
}

void fence_pools_visit(void (*visit)(void*, FencePool&), void* data) noexcept {
  const uint32_t made = pools_made.load(std::memory_order_acquire);
  for (uint32_t i = 0; i < made; ++i) visit(data, pool_at(i));
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
