// The life of a fence slot: taken, armed, failed or moved, destroyed.
#include "base/process.h"
#include "core/fence_directory.h"
#include "core/fence_listeners.h"
#include "core/fence_records.h"

namespace sporkle {

sporkle_fence fence_handle(FenceRef ref) noexcept {
  return static_cast<sporkle_fence>(encode_handle(ref.generation, ref.slot, HandleType::fence));
}

FenceRef fence_take(FencePool* pool, bool owned, const char* function) {
  if (!owned && pool->used.fetch_add(1, std::memory_order_relaxed) >= pool->limit) {
    pool->used.fetch_sub(1, std::memory_order_relaxed);
    pool->exhausted.fetch_add(1, std::memory_order_relaxed);
    fence_pool_misused(pool, function, Misuse::pool_exhausted);
    fail(SPORKLE_ERROR_POOL_EXHAUSTED, "fence: all %u fences of the context are alive",
         pool->limit.load());
  }
  const uint32_t index = pool->pop();
  if (index == Protocol::no_slot) {
    if (!owned) pool->used.fetch_sub(1, std::memory_order_relaxed);
    fail(SPORKLE_ERROR_POOL_EXHAUSTED, "fence: no slot is free");
  }
  pool->created.fetch_add(1, std::memory_order_relaxed);
  const FenceState state{fence_find(index)->state.load(std::memory_order_relaxed)};
  return {index, state.generation()};
}

void fence_arm(FenceRef ref, uint32_t timeline, uint64_t value, bool owned) noexcept {
  Protocol::arm(*fence_find(ref.slot), ref.generation, timeline, value, owned);
}

namespace {

// Puts a stale slot back; one whose generations are used up is retired.
void recycle(FenceRef ref, bool owned) noexcept {
  FencePool* pool = fence_pool_of(ref.slot);
  pool->destroyed.fetch_add(1, std::memory_order_relaxed);
  if (!owned) pool->used.fetch_sub(1, std::memory_order_relaxed);
  if (ref.generation < FenceState::generation_limit) pool->push(ref.slot);
}

}  // namespace

void fence_abandon(FenceRef ref, bool owned) noexcept {
  FenceState old;
  if (Protocol::retire(*fence_find(ref.slot), ref.generation, true, true, &old) == SPORKLE_OK) {
    recycle(ref, owned);
  }
}

void fence_fail(FenceRef ref, Status status) noexcept {
  Protocol::fail(*fence_find(ref.slot), ref.generation, status, Protocol::any_timeline);
}

bool fence_move(FenceRef ref, uint32_t timeline, uint64_t value) noexcept {
  FenceSlot* slot = fence_find(ref.slot);
  const FenceState before{slot->state.load(std::memory_order_acquire)};
  const auto moved =
      Protocol::move(*slot, ref.generation, timeline, value, timelines, gathering);
  // Destroyed meanwhile: `owned` never changes during a slot's life.
  if (moved == Protocol::Move::recycle) recycle(ref, before.owned());
  return moved == Protocol::Move::done;
}

const FenceSlot* fence_slot(sporkle_fence fence) noexcept { return fence_find(fence); }

Status fence_poll(sporkle_fence fence) noexcept { return fence_look(fence); }

Status fence_destroy(sporkle_fence fence, bool force) noexcept {
  if (fence_slot(fence) == nullptr) return SPORKLE_ERROR_INVALID_HANDLE;
  const HandleBits bits = decode_handle(fence);
  const auto put_back = [&](FenceState old) {
    recycle({bits.slot, bits.generation}, old.owned());
  };
  return Protocol::destroy(*fence_find(bits.slot), bits.generation, force, timelines, gathering,
                           put_back, fence_listeners_tell);
}

bool fence_has_lived(sporkle_fence fence) noexcept {
  const FenceSlot* slot = fence_slot(fence);
  if (slot == nullptr) return false;
  const FenceState state{slot->state.load(std::memory_order_acquire)};
  const uint64_t generation = decode_handle(fence).generation;
  if (generation == state.generation()) return state.kind() != FenceKind::free;
  return generation != 0 && generation < state.generation();
}

bool fence_is_foreign(sporkle_fence fence) noexcept {
  if (fence_slot(fence) == nullptr) return false;
  const FencePool* pool = fence_pool_of(decode_handle(fence).slot);
  return pool != nullptr && pool->epoch.load(std::memory_order_relaxed) != process_epoch();
}

void fence_count_timeout(sporkle_fence fence) noexcept {
  if (fence_slot(fence) == nullptr) return;
  FencePool* pool = fence_pool_of(decode_handle(fence).slot);
  if (pool != nullptr) pool->timeouts.fetch_add(1, std::memory_order_relaxed);
}

void fence_pool_fail_all(FencePool* pool, uint32_t timeline, Status status) noexcept {
  const auto visit = [pool](auto fail_one) {
    fence_pool_visit(
        pool,
        [](void* data, FenceRef ref, FenceState) {
          (*static_cast<decltype(fail_one)*>(data))(*fence_find(ref.slot), ref.generation);
        },
        &fail_one);
  };
  if (Protocol::fail_all(visit, timeline, status, timelines, gathering)) fence_listeners_tell();
}

void fence_pool_release(FencePool* pool, Status status) noexcept {
  fence_pool_visit(
      pool,
      [](void* data, FenceRef ref, FenceState) {
        Protocol::release(
            *fence_find(ref.slot), ref.generation, *static_cast<const Status*>(data), timelines,
            gathering, [ref](FenceState old) { recycle(ref, old.owned()); }, fence_listeners_tell);
      },
      &status);
  pool->taken.store(false);
}

}  // namespace sporkle
