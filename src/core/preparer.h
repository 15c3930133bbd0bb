// Plans made by a thread of the context, each with a fence.
#pragma once

#include <atomic>
#include <mutex>
#include <vector>

#include "base/memory.h"
#include "base/thread.h"
#include "core/plan_source.h"

namespace sporkle {

// The part of a plan that takes time. Written by one thread, which ends it once;
// read by any thread after settle().
class Preparation {
 public:
  // Copies the arrays of the source where `keep` is true.
  Preparation(const PlanSource& source, bool keep, std::pmr::memory_resource* memory)
      : kept_(source, keep, memory) {}

  // Only where the source was kept.
  PlanSource source() const noexcept { return kept_.source(); }

  void succeed(uint32_t device, std::shared_ptr<DevicePlan> plan) noexcept;
  void fail_with(const Error& error) noexcept;

  // Waits for the end. Throws what the preparation failed with.
  void settle() const;
  // The following only after settle().
  uint32_t device() const noexcept { return device_; }
  const std::shared_ptr<DevicePlan>& plan() const noexcept { return plan_; }

 private:
  void end() noexcept;

  KeptSource kept_;
  uint32_t device_ = 0;
  std::shared_ptr<DevicePlan> plan_;
  Error error_{SPORKLE_OK, {}};
  std::atomic<uint32_t> ended_{0};
};

// One thread, started by the first job; jobs in order.
class Preparer {
 public:
  // Makes the plan of a job; ends its preparation either way. Returns the fence's status.
  using Execute = Status (*)(void* user, Preparation& preparation, uint32_t device,
                             bool may_fall_back) noexcept;
  struct Job {
    std::shared_ptr<Preparation> preparation;
    uint32_t device = 0;
    bool may_fall_back = false;
    FenceRef fence;
  };

  Preparer(std::pmr::memory_resource* memory, Execute execute, void* user)
      : execute_(execute), user_(user), jobs_(memory) {}
  ~Preparer();

  // Arms the fence. Throws, and leaves the fence alone, when the thread cannot start or
  // the preparer has been closed.
  void submit(Job&& job);
  // Takes no more jobs and fails those that have not begun with
  // SPORKLE_ERROR_CANCELLED.
  void refuse() noexcept;
  // The same; waits for the job that runs.
  void close() noexcept;

 private:
  static void body(void* self);
  void work() noexcept;
  bool take(Job* job, bool* cancelled) noexcept;

  Execute execute_;
  void* user_;
  std::mutex mutex_;
  std::pmr::vector<Job> jobs_;  // oldest first
  bool closing_ = false, has_timeline_ = false;
  uint32_t timeline_ = 0;
  uint64_t submitted_ = 0, finished_ = 0;
  std::atomic<uint32_t> wakeups_{0};
  Thread thread_;
};

}  // namespace sporkle
