// Fence slots: where they live, how they are taken and given back.
//
// Slots are found through a directory in static storage and are never returned
// to the system. A pool is type-stable as well: it keeps its slots for ever
// and is reused by later contexts, so that a fence may be destroyed while its
// context goes away.
#pragma once

#include <cstdint>
#include <memory_resource>

#include "base/clock.h"
#include "base/error.h"
#include "core/timeline.h"

namespace sporkle {

class Log;
class FencePool;

sporkle_fence fence_handle(FenceRef ref) noexcept;

// Two chunks of 64 slots, 1 KiB each.
constexpr uint32_t fence_capacity_default = 128;
constexpr uint32_t fence_capacity_limit = 1u << 18;

// Takes a pool for a new context, with `capacity` fences. Throws Error.
FencePool* fence_pool_acquire(uint32_t capacity);

// Ends every fence of the pool (a pending one fails with `status`), makes their
// handles stale and gives the pool back.
void fence_pool_release(FencePool* pool, Status status) noexcept;

// Makes room for the fences of an executor's slots beside the user's own, and
// takes it back. Throws Error.
void fence_pool_reserve(FencePool* pool, uint32_t count);
void fence_pool_unreserve(FencePool* pool, uint32_t count) noexcept;

// Takes a slot that no one can see yet. Throws SPORKLE_ERROR_POOL_EXHAUSTED, which
// debug mode reports as the fault of `function`.
// `owned`: for an executor's slot, from what fence_pool_reserve set aside.
FenceRef fence_take(FencePool* pool, bool owned, const char* function);

// Makes the slot pending: it signals when `timeline` reaches `value`. `owned`:
// the user may not destroy it.
void fence_arm(FenceRef ref, uint32_t timeline, uint64_t value, bool owned) noexcept;

// Gives back a slot that was taken and not armed.
void fence_abandon(FenceRef ref, bool owned) noexcept;

// Writes a failure into a pending fence; the caller publishes the counter
// afterwards. Does nothing when the fence is gone.
void fence_fail(FenceRef ref, Status status) noexcept;

// Moves a pending fence to another queue (failover), once in its life. Returns
// false when the fence is gone, final, or has been moved before.
bool fence_move(FenceRef ref, uint32_t timeline, uint64_t value) noexcept;

// The four user operations. None allocates.
Status fence_poll(sporkle_fence fence) noexcept;
Status fence_wait(sporkle_fence fence, Deadline deadline) noexcept;
// `out_waited`: whether all were alive when the wait began.
Status fence_wait_many(const sporkle_fence* fences, uint32_t count, bool any, Deadline deadline,
                       uint32_t* out_index, bool* out_waited) noexcept;
// `force` also destroys a fence that a slot owns.
Status fence_destroy(sporkle_fence fence, bool force) noexcept;

// Fails every pending fence of the pool on `timeline`: a lost device.
void fence_pool_fail_all(FencePool* pool, uint32_t timeline, Status status) noexcept;

// Fills the fields about fences.
void fence_pool_snapshot(const FencePool* pool, sporkle_stats* out) noexcept;

// Calls visit(data, ref, state) for every live fence of the pool.
void fence_pool_visit(FencePool* pool, void (*visit)(void*, FenceRef, FenceState),
                      void* data) noexcept;

// The slot behind a handle that decodes as a fence, or null. Slots are never
// unmapped; the generation says whether the handle is still current.
const FenceSlot* fence_slot(sporkle_fence fence) noexcept;

// Whether the handle is that of a fence which lives or has lived.
bool fence_has_lived(sporkle_fence fence) noexcept;

// Whether the fence belongs to the parent of a forked process: it never ends
// here.
bool fence_is_foreign(sporkle_fence fence) noexcept;

// Called in a forked child, behind timelines_reset_after_fork: locks inherited in an
// unknown state are reset. The parent's pools stay taken, and the timelines on which
// its fences are pending are kept, so that its handles keep their last answer.
void fence_pools_reset_after_fork() noexcept;

// Counts a wait that reached its deadline.
void fence_count_timeout(sporkle_fence fence) noexcept;

}  // namespace sporkle
