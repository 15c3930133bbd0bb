// Waiting for fences: poll, a short bounded spin, then sleep on a futex word.
#include "base/handle.h"
#include "core/fence_pool.h"
#include "core/timeline.h"

namespace sporkle {

namespace {

// Long enough to catch work that is about to end, short against a sleep.
constexpr int spin_rounds = 64;

struct Sleeper {
  explicit Sleeper(std::atomic<uint32_t>& count) : count_(count) { count_.fetch_add(1); }
  ~Sleeper() { count_.fetch_sub(1); }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;

 private:
  std::atomic<uint32_t>& count_;
};

Status spin(sporkle_fence fence) noexcept {
  Status status = fence_poll(fence);
  for (int i = 0; i < spin_rounds && status == SPORKLE_NOT_READY; ++i) {
    for (int j = 0; j < 8; ++j) cpu_pause();
    status = fence_poll(fence);
  }
  return status;
}

// One sleep on the fence's timeline. The state is read again after the sleeper
// is counted in: a fence that moved before that would be published elsewhere.
void sleep_once(sporkle_fence fence, const FenceSlot& slot, Deadline deadline) noexcept {
  const FenceState state{slot.state.load(std::memory_order_acquire)};
  Timeline& timeline = timelines[state.timeline()];
  const Sleeper sleeper(timeline.waiters);
  const uint32_t events = timeline.events.load(std::memory_order_acquire);
  const uint64_t value = slot.value.load(std::memory_order_acquire);
  if (slot.state.load(std::memory_order_acquire) != state.word) return;
  if (fence_poll(fence) != SPORKLE_NOT_READY) return;
  futex_wait(timeline.events, events, deadline, state.moving() ? futex_all : timeline_mask(value));
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
  while (status == SPORKLE_NOT_READY) {
    sleep_once(fence, *slot, deadline);
    status = fence_poll(fence);
    if (status == SPORKLE_NOT_READY && deadline.passed()) return SPORKLE_TIMEOUT;
  }
  return status;
}

Status fence_wait_many(const sporkle_fence* fences, uint32_t count, bool any, Deadline deadline,
                       uint32_t* out_index) noexcept {
  uint32_t index = 0;
  Status status = scan(fences, count, any, &index);
  while (status == SPORKLE_NOT_READY && !deadline.passed()) {
    const Sleeper sleeper(multi_waiters);
    const uint32_t events = multi_events.load(std::memory_order_acquire);
    status = scan(fences, count, any, &index);
    if (status != SPORKLE_NOT_READY) break;
    futex_wait(multi_events, events, deadline);
    status = scan(fences, count, any, &index);
  }
  if (status == SPORKLE_NOT_READY) return SPORKLE_TIMEOUT;
  if (out_index != nullptr) *out_index = index;
  return status;
}

}  // namespace sporkle
