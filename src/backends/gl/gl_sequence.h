// A sequence prepared for an OpenGL device: a plan per step, tensors between
// them in the workspace.
#pragma once

#include <algorithm>
#include <vector>

#include "backends/gl/gl_plan.h"

namespace sporkle::gl {

class GlSequence final : public GlWork {
 public:
  // `alignment`: of offsets in a storage buffer. `plans`: of the steps, in order.
  // Throws OVERFLOW, std::bad_alloc.
  GlSequence(SequenceSteps steps, std::pmr::vector<std::shared_ptr<GlPlan>> plans,
             uint64_t alignment, std::pmr::memory_resource* memory);

  const char* algorithm() const noexcept override { return algorithm_; }
  uint64_t packed_bytes() const noexcept override;
  uint64_t workspace_bytes() const noexcept override { return arena_bytes_ + scratch_bytes_; }
  bool usable() const noexcept override {
    return std::all_of(plans_.begin(), plans_.end(),
                       [](const auto& plan) { return plan->usable(); });
  }

  std::span<const GlStep> steps() const noexcept override { return steps_; }
  uint64_t arena_bytes() const noexcept override { return arena_bytes_; }
  uint64_t generation() const noexcept override;

 private:
  std::pmr::vector<std::shared_ptr<GlPlan>> plans_;
  std::pmr::vector<GlStep> steps_;
  uint64_t arena_bytes_ = 0, scratch_bytes_ = 0;
  char algorithm_[64];
};

}  // namespace sporkle::gl
