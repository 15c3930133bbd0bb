// What the submission thread does while there is nothing to submit: it helps a caller
// to copy, stays awake for what is about to come, sleeps.
#include <algorithm>
#include <cstring>
#include <ctime>

#include "backends/gl/submission_thread.h"
#include "core/lateness.h"

namespace sporkle::gl {

namespace {

// How long the thread stays awake for new work after the last has ended, and
// after how many such spins in vain it does so no longer.
constexpr uint64_t linger_ns = 50000;
constexpr uint32_t vain_spin_limit = 4;

// A GPU that was idle for milliseconds begins 0.2 ms late: for a while after its last
// work it gets a timestamp to write now and then. The thread is woken as often for
// that, of the ten times that an idle device may cost.
constexpr uint64_t touch_interval_ns = 4000000;
constexpr uint32_t touch_limit = 6;

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

// Counted in before the look: either the thread sees the caller or the caller sees
// that the context goes away.
SubmissionThread::Touch::Touch(SubmissionThread& thread) : thread_(thread) {
  thread_.touches_under_way_.fetch_add(1, std::memory_order_seq_cst);
  if (!thread_.unmapping_.load(std::memory_order_seq_cst)) return;
  thread_.touches_under_way_.fetch_sub(1, std::memory_order_release);
  fail(SPORKLE_ERROR_CANCELLED, "device: it has been closed");
}

SubmissionThread::Touch::~Touch() {
  thread_.touches_under_way_.fetch_sub(1, std::memory_order_release);
}

void SubmissionThread::await_touches(DriverSlot* slot) noexcept {
  unmapping_.store(true, std::memory_order_seq_cst);
  constexpr timespec pause{0, 20000};
  while (touches_under_way_.load(std::memory_order_seq_cst) != 0) {
    nanosleep(&pause, nullptr);
    if (slot != nullptr) driver_checkpoint(*slot);
  }
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
    engine_.announce(now_ns(), late_);
    if (engine_.stays_awake()) {
      cpu_pause();
      return;
    }
  }
  const bool idle = !engine_.busy();
  if (idle && linger(slot, seen)) return;
  const Deadline look = idle ? touch_device() : engine_.next_look();
  const uint64_t before = now_ns();
  driver_sleep(slot, seen, look);
  if (!idle && slot.wakeups.load(std::memory_order_relaxed) == seen) note_waking(before, look);
  // Work follows work closely again.
  if (idle && now_ns() < engine_.last_end_ns() + 2 * linger_ns) vain_spins_ = 0;
}

// The sleep from `before` on has lasted until `look`, and a little longer.
void SubmissionThread::note_waking(uint64_t before, Deadline look) noexcept {
  const uint64_t now = now_ns();
  if (look.at > now) return;
  const bool nap = look.at < before + Lateness::nap_limit_ns;
  uint64_t& known = nap ? late_.nap_ns : late_.sleep_ns;
  known = lateness_after(known, now - look.at);
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

// Returns when to come back.
Deadline SubmissionThread::touch_device() noexcept {
  Deadline next;
  if (!may_spin_ || engine_.last_end_ns() == 0) return next;
  if (touched_after_ns_ != engine_.last_end_ns()) touches_ = 0;
  touched_after_ns_ = engine_.last_end_ns();
  const uint64_t now = now_ns();
  const auto due = [&] { return touched_after_ns_ + (touches_ + 1) * touch_interval_ns; };
  if (touches_ < touch_limit && now >= due()) {
    engine_.touch();
    ++touches_;
    // Woken late, and by something else: those missed are not made up for.
    while (touches_ < touch_limit && now >= due()) ++touches_;
  }
  if (touches_ < touch_limit) next.at = due();
  return next;
}

}  // namespace sporkle::gl
