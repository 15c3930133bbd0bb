// Plans made by a thread of the context, each with a fence.
#pragma once

#include <memory>

#include "base/memory.h"
#include "core/job_thread.h"
#include "core/plan_source.h"

namespace sporkle {

// The part of a plan that takes time. Written by one thread, which finishes it once;
// read by any thread after settle(). It ends with its fence, by the same counter: who
// has waited for the one finds the other ended.
class Preparation {
 public:
  // Copies the arrays of the source where `keep` is true.
  Preparation(const PlanSource& source, bool keep, std::pmr::memory_resource* memory)
      : kept_(source, keep, memory) {}

  // Only where the source was kept.
  PlanSource source() const noexcept { return kept_.source(); }

  void succeed(uint32_t device, std::shared_ptr<DevicePlan> plan) noexcept;
  void fail_with(const Error& error) noexcept;

  // Made by a JobThread, whose publish is its end. Before anybody else has the plan.
  void set_end(TimelinePoint end) noexcept { end_ = end; }
  bool ended() const noexcept;
  // Waits for the end. Throws what the preparation failed with.
  void settle() const;
  // The following only after settle().
  uint32_t device() const noexcept { return device_; }
  const std::shared_ptr<DevicePlan>& plan() const noexcept { return plan_; }

 private:
  KeptSource kept_;
  uint32_t device_ = 0;
  std::shared_ptr<DevicePlan> plan_;
  Error error_{SPORKLE_OK, {}};
  TimelinePoint end_;
};

struct PreparationJob {
  std::shared_ptr<Preparation> preparation;
  uint32_t device = 0;
  bool may_fall_back = false;
  FenceRef fence;
};
using Preparer = JobThread<PreparationJob>;

// What the context's preparer runs: makes the plan of a job and ends its
// preparation either way.
Status execute_preparation(void* context, PreparationJob& job, bool cancelled) noexcept;

}  // namespace sporkle
