#include "backends/null/null_queue.h"

#include <algorithm>
#include <climits>
#include <utility>

#include "backends/null/null_plan.h"
#include "backends/null/reference.h"
#include "core/timeline.h"

namespace sporkle::null {

namespace {

// Real time after which a synchronous call gives a hung device up.
constexpr uint64_t hang_patience_ns = 2'000'000'000;

}  // namespace

NullQueue::NullQueue(const DeviceEnvironment& environment)
    : stats_(environment.stats),
      fences_(environment.fences),
      capacity_(environment.queue_capacity),
      timeline_(0),
      entries_(environment.memory),
      submitted_(0) {
  // Last, because nothing would give it back if a later member failed.
  timeline_ = timeline_acquire();
  submitted_ = timelines[timeline_].counter.load();
}

NullQueue::~NullQueue() {
  close(SPORKLE_ERROR_CANCELLED);
  timeline_release(timeline_);
}

void NullQueue::check_usable() const {
  if (closing_) fail(close_status_, "device: it has been closed");
  if (lost_) fail(SPORKLE_ERROR_DEVICE_LOST, "device: it was reset and has not been recovered");
}

void NullQueue::start_worker() {
  if (thread_.started() || thread_.start("sporkle-null", &NullQueue::body, this)) return;
  fail(SPORKLE_ERROR_OUT_OF_MEMORY, "device: the system refuses a thread");
}

// The newest entry, numbered and placed on both clocks.
NullQueue::Entry& NullQueue::push() {
  Entry& entry = entries_.emplace_back();
  entry.number = operations_++;
  entry.value = ++submitted_;
  // At least 1 ns, so that nothing ends on a manual clock that stands still.
  const uint64_t duration = std::max<uint64_t>(operation_ns_, 1);
  last_end_ns_ = add_saturating(std::max(now_ns_, last_end_ns_), duration);
  entry.duration_ns = duration;
  entry.end_ns = last_end_ns_;
  return entry;
}

void NullQueue::submit_all(std::span<Operation> operations) {
  const Lock lock(mutex_);
  check_usable();
  if (entries_.size() + operations.size() > capacity_) {
    fail(SPORKLE_ERROR_POOL_EXHAUSTED, "device: %u operations are already in flight", capacity_);
  }
  start_worker();
  size_t queued = 0;
  try {
    for (; queued < operations.size(); ++queued) push().operation = std::move(operations[queued]);
  } catch (...) {
    take_back(operations.first(queued));
    throw;
  }
  // The fences last: arming does not throw.
  for (size_t i = entries_.size() - queued; i < entries_.size(); ++i) {
    const Operation& operation = entries_[i].operation;
    fence_arm(operation.fence, timeline_, entries_[i].value, operation.fence_owned);
  }
  changed();
}

// Undoes the newest pushes, into `operations`.
void NullQueue::take_back(std::span<Operation> operations) noexcept {
  for (size_t i = operations.size(); i > 0; --i) {
    operations[i - 1] = std::move(entries_.back().operation);
    last_end_ns_ -= entries_.back().duration_ns;
    entries_.pop_back();
    --operations_;
    --submitted_;
  }
}

void NullQueue::insert_fence(FenceRef fence, bool owned) {
  const Lock lock(mutex_);
  check_usable();
  fence_arm(fence, timeline_, submitted_, owned);
}

void NullQueue::run(const std::shared_ptr<DevicePlan>& plan, const HostTensors& tensors) {
  Run run{plan, tensors};
  Lock lock(mutex_);
  wait_for_room(lock);
  start_worker();
  Entry& entry = push();
  entry.run = &run;
  if (manual_) now_ns_ = std::max(now_ns_, entry.end_ns);
  changed();
  await(lock, &run);
  if (run.status == SPORKLE_OK) return;
  fail(run.status, run.status == SPORKLE_ERROR_OPERATION_FAILED
                       ? "device: the operation failed alone, as planned"
                       : "device: it was lost or closed before the operation ended");
}

void NullQueue::wait_for_room(Lock& lock) {
  const Deadline patience = Deadline::after(hang_patience_ns);
  for (check_usable(); entries_.size() >= capacity_; check_usable()) {
    if (patience.passed()) {
      fail(SPORKLE_ERROR_DEVICE_LOST, "device: %u operations in flight do not end", capacity_);
    }
    sleep(lock, patience);
  }
}

// Returns when the run is done; throws when the device hangs for too long.
void NullQueue::await(Lock& lock, Run* run) {
  Deadline patience;
  while (!run->done) {
    if (!head_hangs() || executing_ == run) {
      patience = Deadline{};
    } else if (patience.infinite()) {
      patience = Deadline::after(hang_patience_ns);
    }
    if (patience.passed() && abandon(run)) {
      fail(SPORKLE_ERROR_DEVICE_LOST, "device: it hangs; gave up after 2 s");
    }
    sleep(lock, patience);
  }
}

// The entry keeps its place and number; nothing is computed for it.
bool NullQueue::abandon(const Run* run) noexcept {
  for (Entry& entry : entries_) {
    if (entry.run != run) continue;
    entry.run = nullptr;
    return true;
  }
  return false;
}

bool NullQueue::drain(Deadline deadline) noexcept {
  uint64_t value;
  {
    const Lock lock(mutex_);
    value = submitted_;
  }
  return timeline_wait(timeline_, value, deadline);
}

void NullQueue::close(Status status) noexcept {
  {
    const Lock lock(mutex_);
    if (!closing_) close_status_ = status;
    closing_ = true;
    changed();
  }
  thread_.join();
}

void NullQueue::changed() noexcept {
  changes_.fetch_add(1, std::memory_order_release);
  futex_wake(changes_, INT_MAX);
}

void NullQueue::sleep(Lock& lock, Deadline deadline) noexcept {
  const uint32_t seen = changes_.load(std::memory_order_acquire);
  lock.unlock();
  futex_wait(changes_, seen, deadline);
  lock.lock();
}

bool NullQueue::head_due() const noexcept {
  return !entries_.empty() && (!manual_ || entries_.front().end_ns <= now_ns_);
}

bool NullQueue::head_hangs() const noexcept {
  return head_due() && faults_.covers(Fault::hang, entries_.front().number);
}

void NullQueue::body(void* self) { static_cast<NullQueue*>(self)->work(); }

// Returns false when the queue closes.
bool NullQueue::take(Entry* entry) noexcept {
  Lock lock(mutex_);
  while (!closing_ && (!head_due() || head_hangs())) sleep(lock, Deadline{});
  if (closing_) return false;
  *entry = std::move(entries_.front());
  entries_.pop_front();
  now_ns_ = std::max(now_ns_, entry->end_ns);
  executing_ = entry->run;
  busy_ = true;
  losing_ = lost_ = faults_.covers(Fault::reset, entry->number);
  return true;
}

void NullQueue::work() noexcept {
  Entry entry;
  while (take(&entry)) {
    if (losing_) {
      stats_->add(Counter::device_resets, 1);
      release(&entry, SPORKLE_ERROR_DEVICE_LOST);
      end_all(SPORKLE_ERROR_DEVICE_LOST);
    } else {
      const uint64_t value = entry.value;
      release(&entry, execute(entry));
      timeline_publish(timeline_, value);
    }
    const Lock lock(mutex_);
    busy_ = losing_ = false;
    changed();
  }
  end_all(close_status_);
}

Status NullQueue::execute(const Entry& entry) const noexcept {
  {
    const Lock lock(mutex_);
    if (faults_.covers(Fault::fail, entry.number)) return SPORKLE_ERROR_OPERATION_FAILED;
  }
  const Operation& op = entry.operation;
  if (entry.run != nullptr) {
    static_cast<const NullWork&>(*entry.run->plan).compute(entry.run->tensors);
  } else if (op.plan != nullptr) {
    static_cast<const NullWork&>(*op.plan).compute(
        {op.input.floats(), op.residual.memory ? op.residual.floats() : nullptr,
         op.output.floats()});
  }
  return SPORKLE_OK;
}

// Ends one entry except for the timeline. The memory is let go before anyone
// can see the end: a buffer destroyed after its fence is freed at once.
void NullQueue::release(Entry* entry, Status status) noexcept {
  const bool rescued = entry->operation.rescue(status);
  const FenceRef fence = entry->operation.fence;
  Run* run = entry->run;
  const bool ran = status == SPORKLE_OK || status == SPORKLE_ERROR_OPERATION_FAILED;
  if (!rescued) entry->operation.note_end(status, ran ? entry->duration_ns : 0);
  *entry = Entry{};
  if (fence && status < 0) {
    stats_->add(Counter::submit_failures, 1);
    fence_fail(fence, status);
  }
  const Lock lock(mutex_);
  executing_ = nullptr;
  if (run == nullptr) return;
  run->status = status;
  run->done = true;
  changed();
}

// Fails everything in the queue and every fence that is still pending.
void NullQueue::end_all(Status status) noexcept {
  Lock lock(mutex_);
  while (!entries_.empty()) {
    Entry entry = std::move(entries_.front());
    entries_.pop_front();
    lock.unlock();
    release(&entry, status);
    lock.lock();
  }
  fence_pool_fail_all(fences_, timeline_, status);
  timeline_publish(timeline_, submitted_);
}

}  // namespace sporkle::null
