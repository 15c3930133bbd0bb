// Plans as core sees them: one convolution, or a sequence of them.
//
// A sequence runs in segments: all steps of a segment for some images, then
// for the next ones, so that what lies between the steps stays in the caches.
// Small layers gain by few images, layers with many weights by many.
#pragma once

#include <memory>
#include <vector>

#include "backends/cpu/conv_plan.h"
#include "base/memory.h"
#include "core/device.h"

namespace sporkle::cpu {

class CpuWork : public DevicePlan {
 public:
  using DevicePlan::DevicePlan;

  // As ConvPlan::execute.
  virtual void execute(const HostTensors& tensors, ParallelFor& parallel,
                       void* workspace) const noexcept = 0;
};

class CpuPlan final : public CpuWork {
 public:
  explicit CpuPlan(std::shared_ptr<ConvPlan> plan)
      : CpuWork(plan->problem()), plan_(std::move(plan)) {}

  const char* algorithm() const noexcept override { return plan_->algorithm(); }
  uint64_t packed_bytes() const noexcept override { return plan_->packed_bytes(); }
  uint64_t workspace_bytes() const noexcept override { return plan_->workspace_bytes(); }
  void execute(const HostTensors& tensors, ParallelFor& parallel,
               void* workspace) const noexcept override {
    plan_->execute(tensors, parallel, workspace);
  }

 private:
  std::shared_ptr<ConvPlan> plan_;
};

// What a sequence needs to prepare its steps.
struct SequenceRequest {
  SequenceSteps steps;
  const Kernels& kernels;
  uint32_t threads;
  uint64_t level2_bytes;
  std::pmr::memory_resource* memory;
  bool reproducible;
  // Chooses the algorithm of a step.
  std::shared_ptr<ConvPlan> (*prepare)(void* user, const PlanRequest& request);
  void* user;
};

class CpuSequence final : public CpuWork {
 public:
  // Throws std::bad_alloc, OVERFLOW, UNSUPPORTED.
  explicit CpuSequence(const SequenceRequest& request);

  const char* algorithm() const noexcept override { return algorithm_; }
  uint64_t packed_bytes() const noexcept override { return packed_bytes_; }
  uint64_t workspace_bytes() const noexcept override { return arena_bytes_ + scratch_bytes_; }
  void execute(const HostTensors& tensors, ParallelFor& parallel,
               void* workspace) const noexcept override;

 private:
  struct Step {
    std::shared_ptr<ConvPlan> plan;  // for the images of one pass
    uint32_t input, residual;
  };
  // Steps [first, last) for `images` images at a time.
  struct Segment {
    uint32_t first, last;
    int64_t images;
  };
  struct Tensor {
    int64_t image_floats = 0;
    uint64_t offset = 0;  // in the arena
    bool whole = true;    // holds every image, not those of one pass
  };

  void divide(const SequenceRequest& request);
  void place_tensors(const SequenceRequest& request);
  void prepare(const SequenceRequest& request);
  uint32_t segment_of(uint32_t step) const noexcept;

  int64_t images_;
  std::pmr::vector<Step> steps_;
  std::pmr::vector<Segment> segments_;
  std::pmr::vector<Tensor> tensors_;
  uint64_t arena_bytes_ = 0, scratch_bytes_ = 0, packed_bytes_ = 0;
  char algorithm_[64];
};

}  // namespace sporkle::cpu
