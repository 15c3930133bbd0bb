// An in-order queue of operations with one worker thread and one timeline, for
// devices whose work is done by a host thread.
#pragma once

#include <atomic>
#include <memory_resource>
#include <mutex>
#include <vector>

#include "base/thread.h"
#include "core/device.h"

namespace sporkle {

class WorkQueue {
 public:
  // Runs one operation on the worker thread; a negative status makes its fence
  // fail alone.
  using Execute = Status (*)(void* user, Operation& operation) noexcept;

  // Takes a timeline; the thread starts with the first submit.
  WorkQueue(const DeviceEnvironment& environment, const char* thread_name, Execute execute,
            void* user);
  ~WorkQueue();

  // As Device::submit_all. Throws SPORKLE_ERROR_POOL_EXHAUSTED when full.
  void submit_all(std::span<Operation> operations);
  void insert_fence(FenceRef fence, bool owned);
  bool drain(Deadline deadline) noexcept;

  // Lets the operation that runs end, fails the queued ones, joins the thread.
  void close(Status status) noexcept;

 private:
  static void body(void* self);
  void work() noexcept;
  bool take(Operation* operation) noexcept;
  void finish(Operation* operation, Status status, uint64_t ns) noexcept;

  Stats* stats_;
  const char* thread_name_;
  Execute execute_;
  void* user_;
  uint32_t timeline_;
  uint64_t submitted_;  // value of the newest operation; guarded by mutex_
  uint64_t finished_;   // value of the newest finished one; the worker's
  std::pmr::vector<Operation> ring_;
  uint32_t first_ = 0, count_ = 0;
  bool closing_ = false;
  Status close_status_ = SPORKLE_ERROR_CANCELLED;
  std::mutex mutex_;
  std::atomic<uint32_t> wakeups_{0};
  Thread thread_;
};

}  // namespace sporkle
