// A plan of the null device: copies of weights and bias.
#pragma once

#include "backends/null/reference.h"
#include "base/memory.h"
#include "core/device.h"

namespace sporkle::null {

class NullPlan final : public DevicePlan {
 public:
  // Throws std::bad_alloc.
  NullPlan(const ConvProblem& problem, std::pmr::memory_resource* memory, const float* weights,
           const float* bias);

  const char* algorithm() const noexcept override { return "reference_f64"; }
  uint64_t packed_bytes() const noexcept override { return weights_.size() + bias_.size(); }
  uint64_t workspace_bytes() const noexcept override { return 0; }

  void compute(const HostTensors& tensors) const noexcept {
    reference_conv2d(problem(), weights_.floats(), bias_.floats(), tensors);
  }

 private:
  AlignedBlock weights_, bias_;
};

}  // namespace sporkle::null
