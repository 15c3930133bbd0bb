// When to ask whether work in flight has ended: sleep while it cannot be over,
// look often near the predicted end, spin for a bounded time around it. Pure.
//
// An end is never seen later than a sixteenth of the time elapsed after it
// happened (doubled for predictions that have proved right), and never later
// than late_limit_ns: a prediction that is too long would otherwise confirm
// itself, because the end is seen only when somebody looks.
#pragma once

#include <algorithm>
#include <cstdint>

#include "backends/gl/duration_estimate.h"

namespace sporkle::gl {

struct LookSchedule {
  static constexpr uint64_t step_min_ns = 20000;
  static constexpr uint64_t late_limit_ns = 25000000;
  // A spin begins this long before the predicted end ...
  static constexpr uint64_t lead_ns = 20000;
  // The thread is awake this long before it, to wake waiters.
  static constexpr uint64_t wake_ns = 60000;
  // ... and lasts at most this long behind it.
  static constexpr uint64_t trail_ns = 25000;
  // A sleep ends some 60 us late: shorter work is waited for awake throughout.
  static constexpr uint64_t short_ns = 100000;
  // A device that was idle takes 0.2 ms to begin, whatever was predicted: work up
  // to this long is waited for awake for awake_ns.
  static constexpr uint64_t short_after_idle_ns = 600000, awake_ns = 400000;

  // The work began at `begin`; it has been seen unfinished at `now`.
  static uint64_t next(uint64_t begin, Prediction predicted, uint64_t now) noexcept {
    const uint64_t elapsed = now > begin ? now - begin : 0;
    const uint64_t end = begin + predicted.ns;
    const uint64_t margin = wake_ns + predicted.deviation_ns;
    const uint64_t coarse = std::clamp(elapsed / 16, step_min_ns, late_limit_ns);
    const uint64_t fine = std::clamp(elapsed / 64, step_min_ns, late_limit_ns);
    if (predicted.trusted() && now + margin < end) {
      // Three looks on the way, at an eighth, a quarter, a half.
      const uint64_t doubled = std::max(2 * elapsed, predicted.ns / 8);
      const uint64_t limit = now + late_limit_ns;
      return std::min({begin + std::max(doubled, elapsed + step_min_ns), end - margin, limit});
    }
    // Waiters have been woken; what comes next is the spin.
    if (now < end && now + wake_ns >= end) return std::max(now + step_min_ns, end - lead_ns);
    const bool near = now + predicted.ns / 8 >= end && now <= end + predicted.ns / 8;
    return now + (near ? fine : coarse);
  }

  static bool spins(uint64_t begin, Prediction predicted, uint64_t now) noexcept {
    const uint64_t end = begin + predicted.ns;
    return now + lead_ns >= end && now <= end + trail_ns;
  }

  // Whether a sleep would outlast the work or begin to.
  static bool stays_awake(uint64_t begin, Prediction predicted, uint64_t now,
                          bool after_idle) noexcept {
    if (spins(begin, predicted, now)) return true;
    if (after_idle && predicted.ns <= short_after_idle_ns && now < begin + awake_ns) return true;
    return predicted.ns < short_ns && now < begin + predicted.ns;
  }
};

}  // namespace sporkle::gl
