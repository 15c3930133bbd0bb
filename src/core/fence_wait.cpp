// Waiting for fences: poll, a short bounded spin, then sleep on a futex word.
#include "base/handle.h"
#include "core/fence_pool.h"
#include "core/timeline.h"

namespace sporkle {

namespace {

// Long enough to catch work that is about to end, short against a sleep.
constexpr int spin_rounds = 64;

Status spin(sporkle_fence fence) noexcept {
  Status status = fence_poll(fence);
  for (int i = 0; i < spin_rounds && status == SPORKLE_NOT_READY; ++i) {
    for (int j = 0; j < 8; ++j) cpu_pause();
    status = fence_poll(fence);
  }
  return status;
}

// Looks at all fences. Returns NOT_READY while the condition does not hold.
Status scan(const sporkle_fence* fences, uint32_t count, bool any, uint32_t* index) noexcept {
  Status first_failure = SPORKLE_OK;
  bool pending = false;
  for (uint32_t i = 0; i < count; ++i) {
    const Status status = fence_poll(fences[i]);
    if (status == SPORKLE_ERROR_INVALID_HANDLE) {
      *index = i;
      return status;
    }
    if (status == SPORKLE_NOT_READY) {
      pending = true;
    } else if (any) {
      *index = i;
      return status;
    } else if (status < 0 && first_failure == SPORKLE_OK) {
      first_failure = status;
      *index = i;
    }
  }
  return pending ? SPORKLE_NOT_READY : first_failure;
}

}  // namespace

Status fence_wait(sporkle_fence fence, Deadline deadline) noexcept {
  Status status = fence_poll(fence);
  if (status != SPORKLE_NOT_READY) return status;
  if (deadline.passed()) return SPORKLE_TIMEOUT;
  status = spin(fence);
  const FenceSlot* slot = fence_slot(fence);
  const uint64_t generation = decode_handle(fence).generation;
  while (status == SPORKLE_NOT_READY) {
    Protocol::sleep_for(*slot, generation, timelines, deadline);
    status = fence_poll(fence);
    if (status == SPORKLE_NOT_READY && deadline.passed()) return SPORKLE_TIMEOUT;
  }
  return status;
}

Status fence_wait_many(const sporkle_fence* fences, uint32_t count, bool any, Deadline deadline,
                       uint32_t* out_index) noexcept {
  uint32_t index = 0;
  Status status = scan(fences, count, any, &index);
  const auto pending = [&] {
    status = scan(fences, count, any, &index);
    return status == SPORKLE_NOT_READY;
  };
  while (status == SPORKLE_NOT_READY && !deadline.passed()) {
    Protocol::sleep_for_any(gathering, pending, deadline);
    if (status == SPORKLE_NOT_READY) pending();
  }
  if (status == SPORKLE_NOT_READY) return SPORKLE_TIMEOUT;
  if (out_index != nullptr) *out_index = index;
  return status;
}

}  // namespace sporkle
