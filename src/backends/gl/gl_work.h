// What the submission thread runs: one convolution, or the steps of a sequence.
#pragma once

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
  DurationEstimate& duration() noexcept { return duration_; }

 private:
  DurationEstimate duration_;
};

}  // namespace sporkle::gl
