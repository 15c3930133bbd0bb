// When to ask whether work in flight has ended: sleep while it cannot be over,
// look often near the predicted end, spin for a bounded time around it. Pure.
//
// Looks are planned so that an end is never seen later than a sixteenth of the
// time elapsed after it happened (doubled for predictions that have proved right),
// and never later than late_limit_ns: a prediction that is too long would otherwise
// confirm itself, because the end is seen only when somebody looks. How late the
// thread wakes comes on top.
#pragma once

#include <algorithm>
#include <cstdint>

#include "backends/gl/duration_estimate.h"

namespace sporkle::gl {

// How late threads wake up here: the one that looks, from a sleep of milliseconds and
// from a nap, and those that wait, when they are told.
struct Lateness {
  uint64_t sleep_ns = 10000, nap_ns = 10000, waiter_ns = 50000;
  // Sleeps below it are naps: the processor has not gone to sleep itself.
  static constexpr uint64_t nap_limit_ns = 200000;
};

struct LookSchedule {
  static constexpr uint64_t step_min_ns = 20000, nap_min_ns = 2000;
  static constexpr uint64_t late_limit_ns = 25000000;
  // A spin begins this long before the predicted end, earlier by how late the thread
  // may wake up ...
  static constexpr uint64_t lead_ns = 10000;
  // ... and lasts at most this long behind it.
  static constexpr uint64_t trail_ns = 25000;
  // Waiters are told earlier by the deviation of a trusted prediction, up to this.
  static constexpr uint64_t doubt_limit_ns = 20000;
  // A sleep ends some 60 us late: shorter work is waited for awake throughout.
  static constexpr uint64_t short_ns = 100000;
  // A device that was idle takes 0.2 ms to begin, whatever was predicted: work up
  // to this long is waited for awake for awake_ns.
  static constexpr uint64_t short_after_idle_ns = 600000, awake_ns = 400000;

  // The work began at `begin`; it has been seen unfinished at `now`.
  static uint64_t next(uint64_t begin, Prediction predicted, uint64_t now,
                       Lateness late = {}) noexcept {
    const uint64_t elapsed = now > begin ? now - begin : 0;
    const uint64_t end = begin + predicted.ns;
    if (predicted.trusted()) {
      const uint64_t telling = telling_ns(predicted, late);
      const uint64_t margin =
          std::max(late.sleep_ns + late.waiter_ns + predicted.deviation_ns, telling);
      if (now + margin < end) return on_the_way(begin, elapsed, end - margin);
      if (now + telling < end) return end - telling;
    }
    // Waiters have been told; what comes next is the spin.
    const bool told = predicted.trusted() || now + telling_ns({}, late) >= end;
    if (now < end && told) return std::max(now + nap_min_ns, end - lead_ns - late.nap_ns);
    const uint64_t coarse = std::clamp(elapsed / 16, step_min_ns, late_limit_ns);
    const uint64_t fine = std::clamp(elapsed / 64, step_min_ns, late_limit_ns);
    const bool near = now + predicted.ns / 8 >= end && now <= end + predicted.ns / 8;
    return now + (near ? fine : coarse);
  }

  // How long before the predicted end waiters are told.
  static uint64_t telling_ns(Prediction predicted, Lateness late) noexcept {
    const uint64_t doubt =
        predicted.trusted() ? std::min(predicted.deviation_ns, doubt_limit_ns) : 0;
    return late.nap_ns + late.waiter_ns + doubt;
  }

  static bool spins(uint64_t begin, Prediction predicted, uint64_t now,
                    Lateness late = {}) noexcept {
    const uint64_t end = begin + predicted.ns;
    return now + lead_ns + late.nap_ns >= end && now <= end + trail_ns;
  }

  // Whether a sleep would outlast the work or begin to.
  static bool stays_awake(uint64_t begin, Prediction predicted, uint64_t now,
                          bool after_idle, Lateness late = {}) noexcept {
    if (spins(begin, predicted, now, late)) return true;
    if (after_idle && predicted.ns <= short_after_idle_ns && now < begin + awake_ns) return true;
    return predicted.ns < short_ns && now < begin + predicted.ns;
  }

 private:
  // A look at a quarter and half of what is predicted, and at `last`.
  static uint64_t on_the_way(uint64_t begin, uint64_t elapsed, uint64_t last) noexcept {
    const uint64_t doubled = std::max(2 * elapsed, (last - std::min(begin, last)) / 4);
    const uint64_t limit = begin + elapsed + late_limit_ns;
    return std::min({begin + std::max(doubled, elapsed + step_min_ns), last, limit});
  }
};

}  // namespace sporkle::gl
