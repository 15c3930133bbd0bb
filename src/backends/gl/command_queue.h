// What callers hand to the submission thread: operations in order, in a ring
// that also is the list of what is in flight, and calls that somebody waits
// for. Fixed capacity; nothing is allocated on the way.
#pragma once

#include <atomic>
#include <memory_resource>
#include <mutex>
#include <vector>

#include "backends/gl/duration_estimate.h"
#include "core/device.h"

namespace sporkle::gl {

class Engine;
struct Exchange;

// Result of an operation that somebody waits for without a fence.
struct RunSink {
  bool timed = false;  // device_ns is wanted
  Status status = SPORKLE_ERROR_INTERNAL;
  uint64_t device_ns = 0;
};

struct Entry {
  Operation operation;
  RunSink* sink = nullptr;
  // Instead of an operation: a hand-over to or from a caller's context.
  std::shared_ptr<Exchange> exchange;
  Status status = SPORKLE_OK;  // the submission thread's
  bool counted = false;        // its end is in the statistics
  Prediction predicted;
  int32_t timer = -1;
  // Number of the first dispatch that was emitted beside another one for it, and how many.
  uint64_t beside_first = 0;
  uint32_t beside_count = 0;
};

// A function that runs on the submission thread while its caller waits; lives
// on the caller's stack.
struct Call {
  void (*run)(void* data, Engine& engine) = nullptr;
  void* data = nullptr;
  Error error;
  Status status = SPORKLE_OK;
  std::atomic<uint32_t> done{0};
  Call* next = nullptr;
};

class CommandQueue {
 public:
  // Takes a timeline.
  explicit CommandQueue(const DeviceEnvironment& environment);
  ~CommandQueue();

  uint32_t timeline() const noexcept { return timeline_; }

  // From any thread. Returns the value that the timeline will reach.
  uint64_t push(Operation&& operation, RunSink* sink);
  // All or none; the thread sees them at once.
  void push_all(std::span<Operation> operations);
  uint64_t push_exchange(std::shared_ptr<Exchange> exchange);
  void insert_fence(FenceRef fence, bool owned);
  bool drain(Deadline deadline) noexcept;
  // Throws when the queue is closed.
  void push_call(Call* call);
  // Returns whether it has ended by the deadline.
  static bool wait_call(Call* call, Deadline deadline) noexcept;

  // The submission thread's side.
  uint64_t submitted() const noexcept { return submitted_.load(std::memory_order_acquire); }
  uint64_t completed() const noexcept { return completed_.load(std::memory_order_relaxed); }
  Entry& entry(uint64_t value) noexcept { return ring_[value % ring_.size()]; }
  // Ends everything up to `value`: failures first, then the counter.
  void complete(uint64_t value) noexcept;
  Call* take_calls() noexcept;
  static void finish_call(Call* call) noexcept;

  // Refuses what comes from now on; `reason` is kept.
  void refuse(Status status, const char* reason) noexcept;
  // Accepts again (a device that was recreated).
  void accept() noexcept;
  // Fails everything in flight, waiting calls included.
  void fail_all(Status status) noexcept;
  // The same, of a thread that was given up: it may still use the operations and
  // write their status, so both stay as they are.
  void abandon_all(Status status) noexcept;
  // Fails a chain of calls that the thread has taken.
  void fail_calls(Call* first, Status status) noexcept;

 private:
  void check_open() const;
  void check_room(uint64_t count) const;
  Entry& entry_for(uint64_t value) noexcept;
  Entry& next_entry();
  void store(Operation&& operation, RunSink* sink, uint64_t value) noexcept;
  uint64_t publish_entry() noexcept;
  void count_end(Entry* e, Status status) noexcept;
  static void tell_end(const Entry& e, Status status) noexcept;
  void publish(uint64_t value) noexcept;

  Stats* stats_;
  FencePool* fences_;
  uint32_t timeline_;
  // Written by the submission thread; a pusher must see entries emptied.
  std::atomic<uint64_t> completed_;
  // Written under the mutex, behind the entry.
  std::atomic<uint64_t> submitted_;
  std::pmr::vector<Entry> ring_;
  std::atomic<Call*> first_call_{nullptr};
  Call* last_call_ = nullptr;
  Status refusal_ = SPORKLE_OK;
  Reason refusal_reason_;
  std::mutex mutex_;
};

}  // namespace sporkle::gl
