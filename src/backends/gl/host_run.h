// A synchronous convolution on ordinary memory: the CPU copies into staging
// memory, piece by piece of the batch, while the device transfers and computes
// the pieces before. The caller's output is written when all pieces have
// succeeded, because a failed call leaves it untouched.
#pragma once

#include <array>

#include "backends/gl/gl_plan.h"
#include "backends/gl/split.h"
#include "backends/gl/staging_pool.h"
#include "backends/gl/submission_thread.h"

namespace sporkle::gl {

class HostRun {
 public:
  HostRun(SubmissionThread& thread, StagingPool& staging, const Placement& placement,
          const HostTensors& tensors, bool timed) noexcept
      : thread_(thread), staging_(staging), placement_(placement), tensors_(tensors),
        timed_(timed) {}
  // Waits for what is in flight: it refers to this object.
  ~HostRun();

  // The whole plan as one operation, or `pieces` of it; fewer where the plan does
  // not divide. `alignment` of tensors in a buffer. Throws.
  void submit(const std::shared_ptr<DevicePlan>& plan);
  void submit_pieces(const std::shared_ptr<DevicePlan>& plan, uint32_t pieces,
                     const Limits& limits);
  // Waits and copies out. Throws when an operation failed.
  void finish();

  uint64_t device_ns() const noexcept;
  uint32_t pieces() const noexcept { return count_; }

 private:
  // Where one tensor lies: `step` bytes of the caller's per piece, `stride` of
  // the staging memory's.
  struct Lane {
    std::shared_ptr<GlMemory> memory;
    uint64_t step = 0, stride = 0, bytes = 0;
    uint64_t bytes_of(uint32_t piece) const noexcept {
      return std::min(step, bytes - piece * step);
    }
    MemoryRange range(uint32_t piece) const noexcept { return {memory, piece * stride}; }
  };

  void open_lanes(const Extent& whole, const Extent& piece, uint32_t count, uint64_t alignment);
  void fill(const Lane& lane, const float* source, uint32_t piece);
  void push(std::shared_ptr<DevicePlan> plan);

  SubmissionThread& thread_;
  StagingPool& staging_;
  const Placement& placement_;
  HostTensors tensors_;
  bool timed_;
  Lane input_, residual_, output_;
  std::array<RunSink, piece_limit> sinks_;
  uint32_t count_ = 0;      // operations in the queue or ended
  uint64_t last_value_ = 0; // of the timeline
  bool in_flight_ = false;
};

}  // namespace sporkle::gl
