// Plans of the null device: copies of weights and biases.
#pragma once

#include <memory>
#include <vector>

#include "backends/null/reference.h"
#include "base/memory.h"
#include "core/device.h"

namespace sporkle::null {

class NullWork : public DevicePlan {
 public:
  using DevicePlan::DevicePlan;

  const char* algorithm() const noexcept override { return "reference_f64"; }
  // One call at a time.
  virtual void compute(const HostTensors& tensors) const noexcept = 0;
};

class NullPlan final : public NullWork {
 public:
  // Throws std::bad_alloc.
  NullPlan(const ConvProblem& problem, std::pmr::memory_resource* memory, const float* weights,
           const float* bias);

  uint64_t packed_bytes() const noexcept override { return weights_.size() + bias_.size(); }
  uint64_t workspace_bytes() const noexcept override { return 0; }

  void compute(const HostTensors& tensors) const noexcept override {
    reference_conv2d(problem(), weights_.floats(), bias_.floats(), tensors);
  }

 private:
  AlignedBlock weights_, bias_;
};

class NullSequence final : public NullWork {
 public:
  // Throws std::bad_alloc, OVERFLOW.
  NullSequence(SequenceSteps steps, std::pmr::memory_resource* memory, Stats* stats);
  ~NullSequence() override { stats_->add(Counter::workspace_bytes_removed, arena_.size()); }

  uint64_t packed_bytes() const noexcept override;
  uint64_t workspace_bytes() const noexcept override { return arena_.size(); }
  void compute(const HostTensors& tensors) const noexcept override;

 private:
  struct Step {
    std::shared_ptr<NullPlan> plan;
    uint32_t input, residual;
  };

  Stats* const stats_;
  std::pmr::vector<Step> steps_;
  std::pmr::vector<Placement> tensors_;
  AlignedBlock arena_;
};

}  // namespace sporkle::null
