// The life of a fence slot: taken, armed, failed or moved, destroyed.
#include "base/process.h"
#include "core/fence_directory.h"

namespace sporkle {

sporkle_fence fence_handle(FenceRef ref) noexcept {
  return static_cast<sporkle_fence>(encode_handle(ref.generation, ref.slot, HandleType::fence));
}

FenceRef fence_take(FencePool* pool, bool owned) {
  if (!owned && pool->used.fetch_add(1, std::memory_order_relaxed) >= pool->limit) {
    pool->used.fetch_sub(1, std::memory_order_relaxed);
    pool->exhausted.fetch_add(1, std::memory_order_relaxed);
    fail(SPORKLE_ERROR_POOL_EXHAUSTED, "fence: all %u fences of the context are alive",
         pool->limit.load());
  }
  const uint32_t index = pool->pop();
  if (index == fence_no_slot) {
    if (!owned) pool->used.fetch_sub(1, std::memory_order_relaxed);
    fail(SPORKLE_ERROR_POOL_EXHAUSTED, "fence: no slot is free");
  }
  pool->created.fetch_add(1, std::memory_order_relaxed);
  const FenceState state{fence_find(index)->state.load(std::memory_order_relaxed)};
  return {index, state.generation()};
}

void fence_arm(FenceRef ref, uint32_t timeline, uint64_t value, bool owned) noexcept {
  FenceSlot* slot = fence_find(ref.slot);
  slot->value.store(value, std::memory_order_relaxed);
  slot->state.store(FenceState::make(ref.generation, timeline, FenceKind::pending, owned).word,
                    std::memory_order_release);
}

namespace {

// Makes the slot stale for every holder of a handle and puts it back; a slot
// whose generations are used up is retired.
void recycle(uint32_t index, FenceState old, bool owned) noexcept {
  FencePool* pool = fence_pool_of(index);
  pool->destroyed.fetch_add(1, std::memory_order_relaxed);
  if (!owned) pool->used.fetch_sub(1, std::memory_order_relaxed);
  if (old.generation() < FenceState::generation_limit) pool->push(index);
}

bool retire_state(FenceSlot* slot, FenceState expected) noexcept {
  const auto next = FenceState::make(expected.generation() + 1, 0, FenceKind::free, false);
  uint64_t word = expected.word;
  return slot->state.compare_exchange_strong(word, next.word, std::memory_order_acq_rel);
}

}  // namespace

void fence_abandon(FenceRef ref, bool owned) noexcept {
  FenceSlot* slot = fence_find(ref.slot);
  const FenceState state{slot->state.load()};
  if (state.generation() == ref.generation && retire_state(slot, state)) {
    recycle(ref.slot, state, owned);
  }
}

void fence_fail(FenceRef ref, Status status) noexcept {
  FenceSlot* slot = fence_find(ref.slot);
  FenceState state{slot->state.load(std::memory_order_acquire)};
  while (state.generation() == ref.generation && state.kind() == FenceKind::pending) {
    if (slot->state.compare_exchange_weak(state.word, state.with_failure(status).word,
                                          std::memory_order_acq_rel)) {
      return;
    }
  }
}

bool fence_move(FenceRef ref, uint32_t timeline, uint64_t value) noexcept {
  FenceSlot* slot = fence_find(ref.slot);
  FenceState state{slot->state.load(std::memory_order_acquire)};
  // The moving bit makes polls answer "pending" while value and timeline disagree.
  do {
    if (state.generation() != ref.generation || state.kind() != FenceKind::pending) return false;
  } while (!slot->state.compare_exchange_weak(state.word, state.with_moving(true).word,
                                              std::memory_order_acq_rel));
  const uint32_t old_timeline = state.timeline();
  slot->value.store(value, std::memory_order_release);
  uint64_t moving = state.with_moving(true).word;
  const bool moved = slot->state.compare_exchange_strong(
      moving, state.with_moving(false).with_timeline(timeline).word, std::memory_order_acq_rel);
  timeline_notify(old_timeline);
  return moved;
}

const FenceSlot* fence_slot(sporkle_fence fence) noexcept {
  const HandleBits bits = decode_handle(fence);
  if (!bits.tagged || bits.type != static_cast<uint32_t>(HandleType::fence)) return nullptr;
  return fence_find(bits.slot);
}

Status fence_poll(sporkle_fence fence) noexcept {
  const FenceSlot* slot = fence_slot(fence);
  if (slot == nullptr) return SPORKLE_ERROR_INVALID_HANDLE;
  return fence_poll_slot(*slot, decode_handle(fence).generation, fence_counter);
}

Status fence_destroy(sporkle_fence fence, bool force) noexcept {
  if (fence_slot(fence) == nullptr) return SPORKLE_ERROR_INVALID_HANDLE;
  const HandleBits bits = decode_handle(fence);
  FenceSlot* slot = fence_find(bits.slot);
  for (;;) {
    const FenceState state{slot->state.load(std::memory_order_acquire)};
    if (state.generation() != bits.generation || state.kind() == FenceKind::free) {
      return SPORKLE_ERROR_INVALID_HANDLE;
    }
    if (state.owned() && !force) return SPORKLE_ERROR_INVALID_ARGUMENT;
    if (!retire_state(slot, state)) continue;
    const uint32_t timeline = state.timeline();
    recycle(bits.slot, state, state.owned());
    if (state.kind() == FenceKind::pending) timeline_notify(timeline);
    return SPORKLE_OK;
  }
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
  struct Job {
    uint32_t timeline;
    Status status;
  } job{timeline, status};
  fence_pool_visit(
      pool,
      [](void* data, FenceRef ref, FenceState state) {
        const Job* j = static_cast<const Job*>(data);
        if (state.timeline() != j->timeline || state.kind() != FenceKind::pending) return;
        if (fence_poll(fence_handle(ref)) == SPORKLE_NOT_READY) fence_fail(ref, j->status);
      },
      &job);
  timeline_notify(timeline);
}

void fence_pool_release(FencePool* pool, Status status) noexcept {
  fence_pool_visit(
      pool,
      [](void* data, FenceRef ref, FenceState state) {
        const Status code = *static_cast<const Status*>(data);
        if (state.kind() == FenceKind::pending) {
          fence_fail(ref, code);
          timeline_notify(state.timeline());
        }
        fence_destroy(fence_handle(ref), true);
      },
      &status);
  pool->taken.store(false);
}

}  // namespace sporkle
