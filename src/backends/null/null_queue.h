// The null device's queue: operations end in submission order on a virtual
// clock, or fail as planned.
//
// With the automatic clock the worker ends operations one after the other and
// the clock follows. With the manual clock an operation ends when the clock
// has been advanced to its end; a synchronous one advances the clock by
// itself, because its caller is not there to do so.
#pragma once

#include <atomic>
#include <deque>
#include <memory_resource>
#include <mutex>

#include "backends/null/faults.h"
#include "base/thread.h"
#include "core/device.h"

namespace sporkle::null {

constexpr uint64_t add_saturating(uint64_t a, uint64_t b) noexcept {
  return b > UINT64_MAX - a ? UINT64_MAX : a + b;
}

class NullQueue {
 public:
  explicit NullQueue(const DeviceEnvironment& environment);
  ~NullQueue();

  // As Device.
  void submit_all(std::span<Operation> operations);
  void run(const std::shared_ptr<DevicePlan>& plan, const HostTensors& tensors);
  void insert_fence(FenceRef fence, bool owned);
  bool drain(Deadline deadline) noexcept;
  void close(Status status) noexcept;

  // sporkle_null_control.
  void set_manual(bool manual) noexcept;
  void advance(uint64_t ns) noexcept;  // returns when what was due has ended
  void set_operation_time(uint64_t ns) noexcept;
  void plan_fault(Fault fault, uint64_t first, uint64_t count);
  void recover() noexcept;

  struct Snapshot {
    uint64_t virtual_ns, operations;
    bool manual;
  };
  Snapshot snapshot() const noexcept;

 private:
  // A synchronous operation, on its caller's stack.
  struct Run {
    std::shared_ptr<DevicePlan> plan;
    HostTensors tensors;
    Status status = SPORKLE_OK;
    bool done = false;
  };
  struct Entry {
    Operation operation;
    Run* run = nullptr;
    uint64_t number = 0;  // counts from 0: what planned faults refer to
    uint64_t value = 0;   // on the timeline
    uint64_t end_ns = 0;  // on the virtual clock
    uint64_t duration_ns = 0;
  };
  using Lock = std::unique_lock<std::mutex>;

  void check_usable() const;
  void start_worker();
  Entry& push();
  void take_back(std::span<Operation> operations) noexcept;
  bool head_due() const noexcept;
  bool head_hangs() const noexcept;
  void changed() noexcept;
  void sleep(Lock& lock, Deadline deadline) noexcept;
  void await(Lock& lock, Run* run);
  void wait_for_room(Lock& lock);
  bool abandon(const Run* run) noexcept;

  static void body(void* self);
  void work() noexcept;
  bool take(Entry* entry) noexcept;
  Status execute(const Entry& entry) const noexcept;
  void release(Entry* entry, Status status) noexcept;
  void end_all(Status status) noexcept;

  Stats* stats_;
  FencePool* fences_;
  uint32_t capacity_;
  uint32_t timeline_;

  mutable std::mutex mutex_;  // guards everything below
  std::pmr::deque<Entry> entries_;
  FaultPlan faults_;
  uint64_t submitted_;       // timeline value of the newest entry
  uint64_t operations_ = 0;  // number of the next entry
  uint64_t now_ns_ = 0;
  uint64_t last_end_ns_ = 0;
  uint64_t operation_ns_ = 1000;
  const Run* executing_ = nullptr;  // the synchronous operation the worker is at
  bool manual_ = false;
  bool busy_ = false;    // the worker is at an entry that it has taken
  bool losing_ = false;  // the worker is failing everything
  bool lost_ = false;
  bool closing_ = false;
  Status close_status_ = SPORKLE_ERROR_CANCELLED;
  std::atomic<uint32_t> changes_{0};  // futex word, grows with every change above
  Thread thread_;
};

}  // namespace sporkle::null
