// What the submission thread does while there is nothing to submit: it helps a caller
// to copy, stays awake for what is about to come, sleeps.
#include <algorithm>
#include <cstring>

#include "backends/gl/submission_thread.h"

namespace sporkle::gl {

namespace {

// How long the thread stays awake for new work after the last has ended, and
// after how many such spins in vain it does so no longer.
constexpr uint64_t linger_ns = 50000;
constexpr uint32_t vain_spin_limit = 4;

// A caller that has announced work copies its input first.
constexpr uint64_t expect_ns = 100000;

}  // namespace

void SubmissionThread::expect_work() noexcept {
  DriverSlot* slot = slot_.load(std::memory_order_acquire);
  // A thread that does not spin would sleep again before the work is there.
  if (slot == nullptr || !may_spin_) return;
  expected_until_ns_.store(now_ns() + expect_ns, std::memory_order_relaxed);
  driver_wake(*slot);
}

void SubmissionThread::copy(void* to, const void* from, uint64_t bytes) noexcept {
  if (bytes < SharedCopy::shared_min || !copies_.begin(to, from, bytes)) {
    std::memcpy(to, from, bytes);
    return;
  }
  DriverSlot* slot = slot_.load(std::memory_order_acquire);
  if (bytes >= SharedCopy::wake_min && slot != nullptr) driver_wake(*slot);
  copies_.finish();
}

void SubmissionThread::rest(DriverSlot& slot, uint32_t seen) noexcept {
  if (dead_) {
    driver_sleep(slot, seen, Deadline{});
    return;
  }
  if (copies_.help()) {
    last_help_ns_ = now_ns();
    return;
  }
  if (may_spin_) {
    engine_.announce(now_ns());
    if (engine_.stays_awake()) {
      cpu_pause();
      return;
    }
  }
  const bool idle = !engine_.busy();
  if (idle && linger(slot, seen)) return;
  driver_sleep(slot, seen, engine_.next_look());
  // Work follows work closely again.
  if (idle && now_ns() < engine_.last_end_ns() + 2 * linger_ns) vain_spins_ = 0;
}

// Stays awake for a moment after the last work has ended, and while a caller is about
// to submit: what is submitted back to back then costs no wake-up. Returns whether
// something came.
bool SubmissionThread::linger(DriverSlot& slot, uint32_t seen) noexcept {
  if (!may_spin_) return false;
  const uint64_t last = std::max(engine_.last_end_ns(), last_help_ns_);
  const uint64_t hoped = vain_spins_ < vain_spin_limit ? last + linger_ns : 0;
  const uint64_t begin = now_ns();
  for (uint64_t now = begin;; now = now_ns()) {
    const uint64_t expected = expected_until_ns_.load(std::memory_order_relaxed);
    if (now >= std::max(hoped, expected)) break;
    if (copies_.wanted()) return true;
    for (int i = 0; i < 4; ++i) cpu_pause();
    if (slot.wakeups.load(std::memory_order_relaxed) == seen) continue;
    vain_spins_ = 0;
    return true;
  }
  if (begin < hoped) ++vain_spins_;
  return false;
}

}  // namespace sporkle::gl
