// Waiting for fences: poll, a short bounded spin, then sleep on a futex word. A
// waiter that is woken because the end is near spins once more.
#include <algorithm>

#include "base/handle.h"
#include "core/expectation.h"
#include "core/fence_lookup.h"
#include "core/fence_pool.h"
#include "core/timeline.h"

namespace sporkle {

namespace {

// Long enough to hear from the queue that the work is short, short against a
// sleep.
constexpr uint64_t spin_ns = 12000;

// Until when the fence is expected to end, or 0.
uint64_t expected_until(const FenceSlot& slot) noexcept {
  const FenceState state{slot.state.load(std::memory_order_acquire)};
  const Expectation& expectation = expectations[state.timeline()];
  const uint64_t until = expectation.until.load(std::memory_order_acquire);
  const uint64_t value = expectation.value.load(std::memory_order_relaxed);
  return slot.value.load(std::memory_order_relaxed) <= value ? until : 0;
}

Status spin(sporkle_fence fence, const FenceSlot& slot, uint64_t least_ns,
            Deadline deadline) noexcept {
  const uint64_t start = now_ns();
  const uint64_t least = start + least_ns, most = start + expected_awake_limit_ns;
  for (;;) {
    const Status status = fence_poll(fence);
    if (status != SPORKLE_NOT_READY) return status;
    const uint64_t limit = std::min(most, std::max(least, expected_until(slot)));
    if (now_ns() >= std::min(limit, deadline.at)) return status;
    cpu_pause();
  }
}

Status scan(const sporkle_fence* fences, uint32_t count, bool any, uint32_t* index) noexcept {
  return Protocol::look(count, any, [&](uint32_t i) { return fence_poll(fences[i]); }, index);
}

// As spin(), for several fences.
Status spin_many(const sporkle_fence* fences, uint32_t count, bool any, uint64_t least_ns,
                 Deadline deadline, uint32_t* index) noexcept {
  const uint64_t start = now_ns();
  const uint64_t most = start + expected_awake_limit_ns;
  for (;;) {
    const Status status = scan(fences, count, any, index);
    if (status != SPORKLE_NOT_READY) return status;
    uint64_t limit = start + least_ns;
    for (uint32_t i = 0; i < count; ++i) {
      limit = std::max(limit, expected_until(*fence_slot(fences[i])));
    }
    if (now_ns() >= std::min({limit, most, deadline.at})) return status;
    cpu_pause();
  }
}

}  // namespace

Status fence_wait(sporkle_fence fence, Deadline deadline) noexcept {
  Status status = fence_poll(fence);
  if (status != SPORKLE_NOT_READY) return status;
  const auto look = [&] { return fence_poll(fence); };
  if (deadline.passed()) return Protocol::at_deadline(look);
  const FenceSlot* slot = fence_slot(fence);
  status = spin(fence, *slot, spin_ns, deadline);
  const uint64_t generation = decode_handle(fence).generation;
  while (status == SPORKLE_NOT_READY) {
    const FenceState state{slot->state.load(std::memory_order_acquire)};
    const uint64_t asleep = now_ns();
    Protocol::sleep_for(*slot, generation, timelines, deadline);
    timeline_note_waking(state.timeline(), asleep);
    status = spin(fence, *slot, 0, deadline);
    if (status == SPORKLE_NOT_READY && deadline.passed()) return Protocol::at_deadline(look);
  }
  return status;
}

Status fence_wait_many(const sporkle_fence* fences, uint32_t count, bool any, Deadline deadline,
                       uint32_t* out_index, bool* out_waited) noexcept {
  uint32_t index = 0;
  Status status = scan(fences, count, any, &index);
  *out_waited = status == SPORKLE_NOT_READY;
  const auto look = [&] { return scan(fences, count, any, &index); };
  const auto pending = [&] { return (status = look()) == SPORKLE_NOT_READY; };
  uint64_t least = spin_ns;
  if (status == SPORKLE_NOT_READY && deadline.passed()) status = Protocol::at_deadline(look);
  while (status == SPORKLE_NOT_READY) {
    status = spin_many(fences, count, any, least, deadline, &index);
    least = 0;
    if (status == SPORKLE_NOT_READY && !deadline.passed()) {
      Protocol::sleep_for_any(gathering, pending, deadline);
      if (status == SPORKLE_NOT_READY) pending();
    }
    if (status == SPORKLE_NOT_READY && deadline.passed()) {
      status = Protocol::at_deadline(look);
    }
  }
  if (status == SPORKLE_TIMEOUT) return status;
  if (out_index != nullptr) *out_index = index;
  return status;
}

}  // namespace sporkle
