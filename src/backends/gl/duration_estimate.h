// How long an operation is expected to take on the device, learnt from what was
// seen. Pure arithmetic.
#pragma once

#include <algorithm>
#include <cstdint>

namespace sporkle::gl {

// A stretch of predicted device time and how far off it may be.
struct Prediction {
  uint64_t ns = 0;
  uint64_t deviation_ns = 0;

  void add(Prediction other) noexcept {
    ns += other.ns;
    deviation_ns += other.deviation_ns;
  }
  // Close enough that sleeping until shortly before the end is safe.
  bool trusted() const noexcept { return deviation_ns <= ns / 16; }
};

class DurationEstimate {
 public:
  DurationEstimate() = default;
  // A first guess, which may be off by any factor.
  explicit DurationEstimate(uint64_t guess_ns) noexcept : value_{guess_ns, guess_ns} {}

  Prediction value() const noexcept { return value_; }

  // An operation took between `least` and `most`: its end was seen by looking
  // now and then.
  void observe(uint64_t least, uint64_t most) noexcept {
    const uint64_t took = least + (most - least) / 2;
    const uint64_t away = took > value_.ns ? took - value_.ns : value_.ns - took;
    const uint64_t doubt = std::max(away, (most - least) / 2);
    // Far off: the guess or the clock rate was wrong, begin again from here.
    // Downwards faster: the first run of a program includes its compilation.
    if (away > value_.ns / 4) {
      value_.ns = took < value_.ns ? took : value_.ns / 2 + took / 2;
      value_.deviation_ns = std::max(value_.ns / 4, doubt);
      return;
    }
    value_.ns = value_.ns - value_.ns / 4 + took / 4;
    value_.deviation_ns = value_.deviation_ns - value_.deviation_ns / 4 + doubt / 4;
  }

 private:
  Prediction value_;
};

}  // namespace sporkle::gl
