#include "core/work_queue.h"

#include <utility>

#include "core/timeline.h"

namespace sporkle {

WorkQueue::WorkQueue(const DeviceEnvironment& environment, const char* thread_name,
                     Execute execute, void* user)
    : stats_(environment.stats),
      thread_name_(thread_name),
      execute_(execute),
      user_(user),
      timeline_(timeline_acquire()),
      submitted_(timelines[timeline_].counter.load()),
      finished_(submitted_),
      ring_(environment.memory) {
  try {
    ring_.resize(environment.queue_capacity);
  } catch (...) {
    timeline_release(timeline_);
    throw;
  }
}

WorkQueue::~WorkQueue() {
  close(SPORKLE_ERROR_CANCELLED);
  timeline_release(timeline_);
}

void WorkQueue::submit_all(std::span<Operation> operations) {
  {
    const std::lock_guard lock(mutex_);
    if (closing_) fail(close_status_, "device: it has been closed");
    if (operations.size() > ring_.size() - count_) {
      fail(SPORKLE_ERROR_POOL_EXHAUSTED, "submit: %u operations are already in flight", count_);
    }
    if (!thread_.started() && !thread_.start(thread_name_, &WorkQueue::body, this)) {
      fail(SPORKLE_ERROR_OUT_OF_MEMORY, "submit: the system refuses a thread");
    }
    for (Operation& operation : operations) {
      // Armed before the worker can see it.
      fence_arm(operation.fence, timeline_, ++submitted_, operation.fence_owned);
      ring_[(first_ + count_) % ring_.size()] = std::move(operation);
      ++count_;
    }
  }
  wakeups_.fetch_add(1, std::memory_order_release);
  futex_wake(wakeups_, 1);
}

void WorkQueue::insert_fence(FenceRef fence, bool owned) {
  const std::lock_guard lock(mutex_);
  if (closing_) fail(close_status_, "device: it has been closed");
  fence_arm(fence, timeline_, submitted_, owned);
}

bool WorkQueue::drain(Deadline deadline) noexcept {
  uint64_t value;
  {
    const std::lock_guard lock(mutex_);
    value = submitted_;
  }
  return timeline_wait(timeline_, value, deadline);
}

void WorkQueue::close(Status status) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (!closing_) close_status_ = status;
    closing_ = true;
  }
  wakeups_.fetch_add(1, std::memory_order_release);
  futex_wake(wakeups_, 1);
  thread_.join();
}

void WorkQueue::body(void* self) { static_cast<WorkQueue*>(self)->work(); }

bool WorkQueue::take(Operation* operation) noexcept {
  for (;;) {
    const uint32_t wakeups = wakeups_.load(std::memory_order_acquire);
    {
      const std::lock_guard lock(mutex_);
      if (count_ > 0) {
        *operation = std::move(ring_[first_]);
        first_ = (first_ + 1) % ring_.size();
        --count_;
        return true;
      }
      if (closing_) return false;
    }
    futex_wait(wakeups_, wakeups, Deadline{});
  }
}

void WorkQueue::finish(Operation* operation, Status status, uint64_t ns) noexcept {
  operation->note_end(status, ns);
  if (status < 0) {
    fence_fail(operation->fence, status);
    stats_->add(Counter::submit_failures, 1);
  }
  // The memory is let go before anyone can see the end: a buffer destroyed
  // after its fence is freed at once.
  *operation = Operation{};
  timeline_publish(timeline_, ++finished_);
}

void WorkQueue::work() noexcept {
  Operation operation;
  while (take(&operation)) {
    bool cancelled;
    {
      const std::lock_guard lock(mutex_);
      cancelled = closing_;
    }
    const uint64_t start = operation.meter == nullptr ? 0 : now_ns();
    const Status status = cancelled ? close_status_ : execute_(user_, operation);
    finish(&operation, status, start == 0 ? 0 : now_ns() - start);
  }
}

}  // namespace sporkle
