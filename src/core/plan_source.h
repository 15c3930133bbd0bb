// What a plan is made of, and what a device is chosen for.
#pragma once

#include <memory>

#include "base/memory.h"
#include "core/device.h"

namespace sporkle {

// One convolution or the steps of a sequence. Refers to the caller's arrays.
class PlanSource {
 public:
  PlanSource(const ConvProblem& problem, const float* weights, const float* bias) noexcept
      : one_{problem, weights, bias, 0, sequence_none}, steps_(&one_, 1), sequence_(false) {}
  explicit PlanSource(SequenceSteps steps) noexcept : steps_(steps), sequence_(true) {}
  PlanSource(const PlanSource&) = delete;
  PlanSource& operator=(const PlanSource&) = delete;

  bool sequence() const noexcept { return sequence_; }
  SequenceSteps steps() const noexcept { return steps_; }
  uint64_t flops() const noexcept;
  bool supported_by(const Device& device, Reason* reason) const noexcept;
  std::shared_ptr<DevicePlan> prepare(Device& device) const;

 private:
  SequenceStep one_{};
  SequenceSteps steps_;
  bool sequence_;
};

// A source with arrays of its own.
class KeptSource {
 public:
  // Copies nothing when `keep` is false: the source is then empty.
  KeptSource(const PlanSource& source, bool keep, std::pmr::memory_resource* memory);

  PlanSource source() const noexcept {
    if (sequence_) return PlanSource(steps_);
    return PlanSource(steps_[0].problem, steps_[0].weights, steps_[0].bias);
  }

 private:
  std::pmr::vector<SequenceStep> steps_;
  AlignedBlock arrays_;
  bool sequence_;
};

}  // namespace sporkle
