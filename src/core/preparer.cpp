#include "core/preparer.h"

#include <climits>
#include <utility>

#include "base/futex.h"
#include "core/timeline.h"

namespace sporkle {

void Preparation::end() noexcept {
  ended_.store(1, std::memory_order_release);
  futex_wake(ended_, INT_MAX);
}

void Preparation::succeed(uint32_t device, std::shared_ptr<DevicePlan> plan) noexcept {
  device_ = device;
  plan_ = std::move(plan);
  end();
}

void Preparation::fail_with(const Error& error) noexcept {
  error_ = error;
  end();
}

void Preparation::settle() const {
  while (ended_.load(std::memory_order_acquire) == 0) futex_wait(ended_, 0, Deadline{});
  if (error_.status < 0) throw error_;
}

Preparer::~Preparer() {
  close();
  if (has_timeline_) timeline_release(timeline_);
}

void Preparer::submit(Job&& job) {
  {
    const std::lock_guard lock(mutex_);
    if (closing_) fail(SPORKLE_ERROR_CANCELLED, "context: it is being destroyed");
    if (!has_timeline_) {
      timeline_ = timeline_acquire();
      submitted_ = finished_ = timelines[timeline_].counter.load();
      has_timeline_ = true;
    }
    if (!thread_.started() && !thread_.start("sporkle-plans", &Preparer::body, this)) {
      fail(SPORKLE_ERROR_OUT_OF_MEMORY, "plan: the system refuses a thread");
    }
    const FenceRef fence = job.fence;
    jobs_.push_back(std::move(job));
    fence_arm(fence, timeline_, ++submitted_, false);
  }
  wakeups_.fetch_add(1, std::memory_order_release);
  futex_wake(wakeups_, 1);
}

void Preparer::refuse() noexcept {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wakeups_.fetch_add(1, std::memory_order_release);
  futex_wake(wakeups_, 1);
}

void Preparer::close() noexcept {
  refuse();
  thread_.join();
}

void Preparer::body(void* self) { static_cast<Preparer*>(self)->work(); }

bool Preparer::take(Job* job, bool* cancelled) noexcept {
  for (;;) {
    const uint32_t wakeups = wakeups_.load(std::memory_order_acquire);
    {
      const std::lock_guard lock(mutex_);
      *cancelled = closing_;
      if (!jobs_.empty()) {
        *job = std::move(jobs_.front());
        jobs_.erase(jobs_.begin());
        return true;
      }
      if (closing_) return false;
    }
    futex_wait(wakeups_, wakeups, Deadline{});
  }
}

void Preparer::work() noexcept {
  Job job;
  bool cancelled = false;
  while (take(&job, &cancelled)) {
    Status status = SPORKLE_ERROR_CANCELLED;
    if (cancelled) {
      Error error{status, {}};
      error.reason.set("plan: its context was destroyed before it was prepared");
      job.preparation->fail_with(error);
    } else {
      status = execute_(user_, *job.preparation, job.device, job.may_fall_back);
    }
    if (status < 0) fence_fail(job.fence, status);
    job = Job{};
    timeline_publish(timeline_, ++finished_);
  }
}

}  // namespace sporkle
