// A sequence whose tensors between the steps lie in the layout of the kernels.
// Some images at a time go through all steps, so that the tensors stay in the
// caches.
#pragma once

#include <vector>

#include "backends/cpu/blocked_step.h"
#include "backends/cpu/cpu_sequence.h"

namespace sporkle::cpu {

class BlockedSequence final : public CpuWork {
 public:
  // Whether every step can, and it pays.
  static bool usable(const SequenceRequest& request) noexcept;
  // Throws std::bad_alloc, OVERFLOW.
  explicit BlockedSequence(const SequenceRequest& request);

  const char* algorithm() const noexcept override { return algorithm_; }
  uint64_t packed_bytes() const noexcept override { return packed_bytes_; }
  uint64_t workspace_bytes() const noexcept override { return arena_bytes_ + scratch_bytes_; }
  void execute(const HostTensors& tensors, ParallelFor& parallel,
               void* workspace) const noexcept override;

 private:
  struct Step {
    std::unique_ptr<BlockedStep> work;
    uint32_t input, residual;
  };
  struct Tensor {
    BlockedShape shape;
    uint64_t offset = 0;  // in the arena
  };

  void run_pass(const HostTensors& tensors, ParallelFor& parallel, void* workspace) const noexcept;
  void shape_tensors(const SequenceRequest& request);
  void place_tensors(const SequenceRequest& request);
  float* origin(const Tensor& tensor, void* workspace) const noexcept;
  void clear_columns(const Tensor& tensor, float* at) const noexcept;
  void enter(const float* input, float* to, ParallelFor& parallel) const noexcept;
  void leave(const float* from, float* output, ParallelFor& parallel) const noexcept;

  const Kernels& kernels_;
  int64_t images_, passes_;  // images that go through all steps together, and how often
  std::pmr::vector<Step> steps_;
  std::pmr::vector<Tensor> tensors_;
  uint64_t arena_bytes_ = 0, scratch_bytes_ = 0, packed_bytes_ = 0;
  char algorithm_[64];
};

}  // namespace sporkle::cpu
