// The library's own threads.
//
// The caller of run() works on its own job from the start; idle workers join
// it. A job never waits for a worker that has not joined. Several callers share
// the idle workers, and each works on its own job only.
#pragma once

#include <atomic>
#include <memory_resource>
#include <mutex>

#include "base/futex.h"
#include "base/thread.h"
#include "core/parallel.h"

namespace sporkle::cpu {

class ThreadPool final : public ParallelFor {
 public:
  // `threads` counts the caller; the others start with the first parallel run.
  // Throws std::bad_alloc.
  ThreadPool(uint32_t threads, std::pmr::memory_resource* memory);
  ~ThreadPool() override;

  uint32_t threads() const noexcept override { return threads_; }
  bool worth(uint64_t ns) noexcept override;
  void run(uint32_t count, sporkle_task task, void* data) noexcept override;

  // Joins the workers; later runs are serial.
  void close() noexcept;

 private:
  struct Job;
  struct Worker {
    ThreadPool* pool = nullptr;
    Thread thread;
  };

  bool has_several_callers(uint64_t now) noexcept;
  void start_workers() noexcept;
  void open_job(Job* job) noexcept;
  void close_job(Job* job) noexcept;
  static void work_on(Job* job, uint32_t thread) noexcept;
  Job* join_job() noexcept;
  void leave_job(Job* job) noexcept;
  static void body(void* worker);
  void work(uint32_t thread) noexcept;
  void sleep_until_work(uint32_t seen) noexcept;

  uint32_t threads_;
  std::pmr::memory_resource* memory_;
  Worker* workers_ = nullptr;  // threads_ - 1 of them
  std::atomic<bool> started_{false};
  std::atomic<bool> closing_{false};
  std::mutex mutex_;     // guards jobs_ and joining
  Job* jobs_ = nullptr;  // open jobs, newest first
  // Futex words: new work for workers; a helper left its job, for callers.
  std::atomic<uint32_t> work_{0};
  std::atomic<uint32_t> sleepers_{0};
  std::atomic<uint32_t> departures_{0};
  std::atomic<uint32_t> waiters_{0};
  bool crowded_;  // more threads than cores
  // Small work: when it last found no thread awake, who brought the last one, when that
  // was another one than before.
  std::atomic<uint64_t> small_{0};
  std::atomic<const void*> caller_{nullptr};
  std::atomic<uint64_t> changed_{0};
};

}  // namespace sporkle::cpu
