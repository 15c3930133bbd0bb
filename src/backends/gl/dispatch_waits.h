// Keeps dispatches that should run beside each other from waiting for each other. NVIDIA's
// driver lets every twentieth dispatch of a context wait for all before it, whatever lies
// between: flushes, barriers, other programs (580.159.04 on an H100:
// docs/measurements/2026-11-26-nvidia-h100/dispatch_waits.txt). Which ones do is learnt
// from an operation that took longer; from then on one of no work takes the turn of a
// dispatch that would wait. Pure.
#pragma once

#include <cstdint>

namespace sporkle::gl {

class DispatchWaits {
 public:
  static constexpr uint32_t period = 20;
  // So few neighbours beside each other are placed.
  static constexpr uint32_t neighbours_limit = 8;

  void count(uint64_t dispatches) noexcept { next_ += dispatches; }
  // The number of the next dispatch.
  uint64_t next() const noexcept { return next_; }

  // Of `behind` dispatches from the one numbered `first` on, each beside the one before
  // `first`, one has waited. They narrow down what is known, or begin anew.
  void learn(uint64_t first, uint32_t behind) noexcept {
    const uint32_t found = places(first, behind);
    known_ = (known_ & found) != 0 ? known_ & found : found;
  }
  // How many dispatches of no work make none of the `behind` next but one wait.
  uint32_t padding(uint32_t behind) const noexcept {
    for (uint32_t pad = 0; pad < period; ++pad) {
      if ((places(next_ + pad + 1, behind) & known_) == 0) return pad;
    }
    return 0;
  }

 private:
  static uint32_t places(uint64_t first, uint32_t behind) noexcept {
    uint32_t bits = 0;
    for (uint32_t i = 0; i < behind && i < neighbours_limit; ++i) {
      bits |= 1u << ((first + i) % period);
    }
    return bits;
  }

  uint64_t next_ = 0;
  uint32_t known_ = 0;  // bit i: a dispatch whose number leaves i over may wait
};

}  // namespace sporkle::gl
