// A thread of the context that runs jobs in order, each with a fence on a
// timeline of its own. Started by the first job.
#pragma once

#include <atomic>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include "base/thread.h"
#include "core/fence_pool.h"
#include "core/timeline.h"

namespace sporkle {

// A value that a timeline will reach.
struct TimelinePoint {
  uint32_t timeline = 0;
  uint64_t value = 0;  // 0: has been reached
};

// A Job is movable, default-constructible and has a FenceRef `fence`.
template <class Job>
class JobThread {
 public:
  // Runs a job, or ends it unrun when `cancelled`. Returns how its fence ends.
  using Execute = Status (*)(void* user, Job& job, bool cancelled) noexcept;

  JobThread(std::pmr::memory_resource* memory, const char* name, Execute execute, void* user)
      : name_(name), execute_(execute), user_(user), jobs_(memory) {}
  ~JobThread() {
    close();
    if (has_timeline_) timeline_release(timeline_);
  }

  // Arms the job's fence; returns what it waits for. Throws, and leaves the fence alone,
  // when the thread cannot start or has been closed.
  TimelinePoint submit(Job&& job) {
    TimelinePoint end;
    {
      const std::lock_guard lock(mutex_);
      start();
      const FenceRef fence = job.fence;
      jobs_.push_back(std::move(job));
      end = {timeline_, ++submitted_};
      fence_arm(fence, end.timeline, end.value, false);
    }
    wake();
    return end;
  }

  // The same for a fence that is pending elsewhere and moves here. False, and
  // nothing has happened, when that is not possible.
  bool take_over(Job&& job) noexcept {
    {
      const std::lock_guard lock(mutex_);
      try {
        start();
        jobs_.reserve(jobs_.size() + 1);
      } catch (const Error&) {
        return false;
      } catch (const std::bad_alloc&) {
        return false;
      }
      if (!fence_move(job.fence, timeline_, submitted_ + 1)) return false;
      jobs_.push_back(std::move(job));
      ++submitted_;
    }
    wake();
    return true;
  }

  // Takes no more jobs and cancels those that have not begun.
  void refuse() noexcept {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
    }
    wake();
  }
  // The same; waits for the job that runs.
  void close() noexcept {
    refuse();
    thread_.join();
  }

 private:
  void start() {
    if (closing_) fail(SPORKLE_ERROR_CANCELLED, "context: it is being destroyed");
    if (!has_timeline_) {
      timeline_ = timeline_acquire();
      submitted_ = finished_ = timelines[timeline_].counter.load();
      has_timeline_ = true;
    }
    if (thread_.started() || thread_.start(name_, &JobThread::body, this)) return;
    fail(SPORKLE_ERROR_OUT_OF_MEMORY, "context: the system refuses a thread");
  }

  void wake() noexcept {
    wakeups_.fetch_add(1, std::memory_order_release);
    futex_wake(wakeups_, 1);
  }

  static void body(void* self) { static_cast<JobThread*>(self)->work(); }

  bool take(Job* job, bool* cancelled) noexcept {
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

  void work() noexcept {
    Job job;
    bool cancelled = false;
    while (take(&job, &cancelled)) {
      const Status status = execute_(user_, job, cancelled);
      if (status < 0) fence_fail(job.fence, status);
      // What it holds is let go before anyone can see the end.
      job = Job{};
      timeline_publish(timeline_, ++finished_);
    }
  }

  const char* name_;
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
