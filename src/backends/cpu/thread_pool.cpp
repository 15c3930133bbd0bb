#include "backends/cpu/thread_pool.h"

#include <algorithm>
#include <climits>
#include <cstdio>
#include <new>
#include <sched.h>

namespace sporkle::cpu {

namespace {

constexpr uint64_t spin_ns = 20000;
// Less work than this is not handed to a thread that is awake either.
constexpr uint64_t least_ns = 8000;
// After small work of another thread than before, callers count as several for so long.
constexpr uint64_t several_ns = 1000000;
// More threads than this have shares together.
constexpr uint32_t shares_limit = 16;

// Whether this thread is inside a task of some pool: nested runs are serial.
thread_local bool inside_task = false;

void run_serially(uint32_t count, sporkle_task task, void* data) noexcept {
  for (uint32_t i = 0; i < count; ++i) task(data, i);
}

// Those that this thread may run on.
uint32_t cores() noexcept {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return UINT32_MAX;
  return static_cast<uint32_t>(CPU_COUNT(&allowed));
}

// Waits for `done` without a system call, for a bounded time.
template <class Done>
bool spin(const Done& done) noexcept {
  const uint64_t end = now_ns() + spin_ns;
  do {
    for (int i = 0; i < 32; ++i) {
      if (done()) return true;
      cpu_pause();
    }
  } while (now_ns() < end);
  return false;
}

}  // namespace

// Linux may wake a worker on the core of the caller that woke it although others
// are idle (measured: both shared one core for as long as calls came, at half
// the speed). A worker that finds itself there moves, within the cores that it
// was started with.
class Place {
 public:
  Place() noexcept { known_ = sched_getaffinity(0, sizeof allowed_, &allowed_) == 0; }

  void leave(int core) noexcept {
    if (!known_ || core < 0 || core >= CPU_SETSIZE || sched_getcpu() != core) return;
    cpu_set_t others = allowed_;
    CPU_CLR(core, &others);
    if (CPU_COUNT(&others) > 0) sched_setaffinity(0, sizeof others, &others);
  }

 private:
  cpu_set_t allowed_;
  bool known_;
};

// Lives on its caller's stack; workers touch it only between join and leave.
struct ThreadPool::Job {
  uint32_t count;
  sporkle_task task;
  void* data;
  uint32_t shares;
  int core = sched_getcpu();  // of the caller
  // Each thread has a share of its own, the same one in every run, so that it finds
  // in its core's cache what it worked on in the last one; then it helps others.
  struct alignas(64) Share {
    std::atomic<uint32_t> next{0};
  } share[shares_limit];
  std::atomic<uint32_t> helpers{0};
  Job* newer = nullptr;
  Job* older = nullptr;

  Job(uint32_t count, sporkle_task task, void* data, uint32_t threads) noexcept
      : count(count), task(task), data(data), shares(std::min(threads, shares_limit)) {
    for (uint32_t i = 0; i < shares; ++i) share[i].next.store(begin(i), std::memory_order_relaxed);
  }
  uint32_t begin(uint32_t i) const noexcept {
    return static_cast<uint32_t>(uint64_t{count} * i / shares);
  }
  bool left(uint32_t i) const noexcept {
    return share[i].next.load(std::memory_order_relaxed) < begin(i + 1);
  }
  bool exhausted() const noexcept {
    for (uint32_t i = 0; i < shares; ++i) {
      if (left(i)) return false;
    }
    return true;
  }
};

ThreadPool::ThreadPool(uint32_t threads, std::pmr::memory_resource* memory)
    : threads_(std::max(threads, 1u)), memory_(memory), crowded_(threads_ > cores()) {
  if (threads_ == 1) return;
  void* storage = memory_->allocate((threads_ - 1) * sizeof(Worker), alignof(Worker));
  workers_ = static_cast<Worker*>(storage);
  for (uint32_t i = 0; i + 1 < threads_; ++i) new (workers_ + i) Worker{this, {}};
}

ThreadPool::~ThreadPool() {
  close();
  if (workers_ == nullptr) return;
  for (uint32_t i = 0; i + 1 < threads_; ++i) workers_[i].~Worker();
  memory_->deallocate(workers_, (threads_ - 1) * sizeof(Worker), alignof(Worker));
}

// Several callers keep the cores busy by themselves: two of them that both divided work
// of 69 us on 2 cores were as fast as one, four in a host's parallel loop slower.
bool ThreadPool::has_several_callers(uint64_t now) noexcept {
  const void* const self = &inside_task;  // an address of its own in each thread
  if (caller_.load(std::memory_order_relaxed) != self) {
    caller_.store(self, std::memory_order_relaxed);
    changed_.store(now, std::memory_order_relaxed);
    return true;
  }
  // Another thread may have stored a later time.
  return static_cast<int64_t>(now - changed_.load(std::memory_order_relaxed)) <
         static_cast<int64_t>(several_ns);
}

// Small work wakes nobody, unless the last one was so recent that a worker would
// still be awake had it helped: then calls follow each other, and the next ones
// find it awake. With more threads than cores those awake hold the cores of others:
// 8 threads on 2 cores took 102 us for work of 69.
bool ThreadPool::worth(uint64_t ns) noexcept {
  if (ns > wake_ns) return true;
  if (ns < least_ns || threads_ == 1 || crowded_) return false;
  const uint64_t now = now_ns();
  if (has_several_callers(now)) return false;
  if (started_.load(std::memory_order_acquire) && sleepers_.load() + 1 < threads_) return true;
  return now - small_.exchange(now, std::memory_order_relaxed) < 2 * ns + spin_ns;
}

void ThreadPool::run(uint32_t count, sporkle_task task, void* data) noexcept {
  if (count <= 1 || threads_ == 1 || inside_task || closing_.load(std::memory_order_relaxed)) {
    return run_serially(count, task, data);
  }
  if (!started_.load(std::memory_order_acquire)) start_workers();
  Job job(count, task, data, threads_);
  open_job(&job);
  inside_task = true;
  work_on(&job, 0);
  inside_task = false;
  close_job(&job);
}

void ThreadPool::start_workers() noexcept {
  const std::lock_guard lock(mutex_);
  if (started_.load(std::memory_order_relaxed) || closing_.load(std::memory_order_relaxed)) return;
  for (uint32_t i = 0; i + 1 < threads_; ++i) {
    char name[32];
    std::snprintf(name, sizeof name, "sporkle-cpu-%u", i + 1);
    // With fewer threads than wanted everything still works.
    if (!workers_[i].thread.start(name, &ThreadPool::body, workers_ + i)) break;
  }
  started_.store(true, std::memory_order_release);
}

void ThreadPool::open_job(Job* job) noexcept {
  {
    const std::lock_guard lock(mutex_);
    job->older = jobs_;
    if (jobs_ != nullptr) jobs_->newer = job;
    jobs_ = job;
  }
  work_.fetch_add(1);
  const uint32_t wanted = std::min(job->count, threads_) - 1;
  if (sleepers_.load() > 0) futex_wake(work_, static_cast<int>(wanted));
}

void ThreadPool::close_job(Job* job) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (job->older != nullptr) job->older->newer = job->newer;
    if (job->newer != nullptr) job->newer->older = job->older;
    if (jobs_ == job) jobs_ = job->older;
  }
  // No one can join any more; those who have are at their last tasks.
  const auto alone = [job] { return job->helpers.load(std::memory_order_acquire) == 0; };
  if (spin(alone)) return;
  waiters_.fetch_add(1);
  for (;;) {
    const uint32_t seen = departures_.load();
    if (job->helpers.load() == 0) break;
    futex_wait(departures_, seen, Deadline{});
  }
  waiters_.fetch_sub(1);
}

void ThreadPool::work_on(Job* job, uint32_t thread) noexcept {
  for (uint32_t k = 0; k < job->shares; ++k) {
    const uint32_t share = (thread + k) % job->shares;
    while (job->left(share)) {
      const uint32_t i = job->share[share].next.fetch_add(1, std::memory_order_relaxed);
      if (i >= job->begin(share + 1)) break;
      job->task(job->data, i);
    }
  }
}

// The open job with tasks left that has the fewest helpers.
ThreadPool::Job* ThreadPool::join_job() noexcept {
  const std::lock_guard lock(mutex_);
  Job* best = nullptr;
  for (Job* job = jobs_; job != nullptr; job = job->older) {
    if (job->exhausted()) continue;
    if (best == nullptr || job->helpers.load() < best->helpers.load()) best = job;
  }
  if (best != nullptr) best->helpers.fetch_add(1);
  return best;
}

void ThreadPool::leave_job(Job* job) noexcept {
  // The job may be gone as soon as the count is down: only the pool is left.
  if (job->helpers.fetch_sub(1) != 1) return;
  departures_.fetch_add(1);
  if (waiters_.load() > 0) futex_wake(departures_, INT_MAX);
}

void ThreadPool::body(void* worker) {
  inside_task = true;
  const auto* self = static_cast<Worker*>(worker);
  self->pool->work(static_cast<uint32_t>(self - self->pool->workers_) + 1);
}

void ThreadPool::work(uint32_t thread) noexcept {
  Place place;
  for (;;) {
    // In this order: close() raises the count last, so that a count which includes
    // it is never slept on.
    const uint32_t seen = work_.load();
    if (closing_.load()) return;
    if (Job* job = join_job()) {
      place.leave(job->core);
      work_on(job, thread);
      leave_job(job);
      continue;
    }
    sleep_until_work(seen);
  }
}

void ThreadPool::sleep_until_work(uint32_t seen) noexcept {
  if (spin([&] { return work_.load(std::memory_order_relaxed) != seen; })) return;
  sleepers_.fetch_add(1);
  // A job opened before the count went up is seen by the comparison.
  if (work_.load() == seen) futex_wait(work_, seen, Deadline{});
  sleepers_.fetch_sub(1);
}

void ThreadPool::close() noexcept {
  {
    const std::lock_guard lock(mutex_);
    closing_.store(true);
  }
  work_.fetch_add(1);
  futex_wake(work_, INT_MAX);
  for (uint32_t i = 0; workers_ != nullptr && i + 1 < threads_; ++i) workers_[i].thread.join();
}

}  // namespace sporkle::cpu
