// What the submission thread runs: one convolution, or the steps of a sequence.
#pragma once

#include <atomic>
#include <span>

#include "backends/gl/duration_estimate.h"
#include "core/device.h"

namespace sporkle::gl {

class GlPlan;

// A tensor of a step: one of the operation's, or at `offset` in the workspace.
struct StepTensor {
  enum class Source : uint8_t { none, input, residual, output, workspace };
  Source source = Source::none;
  uint64_t offset = 0;
};

struct GlStep {
  const GlPlan* plan;
  StepTensor input, residual, output;
};

class GlWork : public DevicePlan {
 public:
  using DevicePlan::DevicePlan;

  virtual std::span<const GlStep> steps() const noexcept = 0;
  // Bytes at the start of the workspace for tensors between steps; behind them
  // is what a step needs.
  virtual uint64_t arena_bytes() const noexcept { return 0; }
  virtual uint64_t generation() const noexcept = 0;

  // Time one operation is expected to take on the device. The submission
  // thread's once the plan has been made.
  Prediction predicted() const noexcept { return duration_.value(); }
  void observe(uint64_t least_ns, uint64_t most_ns) noexcept {
    duration_.observe(least_ns, most_ns);
    expect(duration_.value().ns);
  }

  // The same for other threads.
  uint64_t expected_ns() const noexcept { return expected_.load(std::memory_order_relaxed); }
  void expect(uint64_t ns) noexcept { expected_.store(ns, std::memory_order_relaxed); }

 protected:
  void guess_duration(uint64_t ns) noexcept {
    duration_ = DurationEstimate(ns);
    expect(ns);
  }

 private:
  DurationEstimate duration_;
  std::atomic<uint64_t> expected_{0};
};

}  // namespace sporkle::gl
