// What sporkle_null_control does to the queue: its clock, its faults.
#include "backends/null/null_queue.h"

namespace sporkle::null {

void NullQueue::set_manual(bool manual) noexcept {
  const Lock lock(mutex_);
  manual_ = manual;
  changed();
}

void NullQueue::advance(uint64_t ns) noexcept {
  Lock lock(mutex_);
  now_ns_ = add_saturating(now_ns_, ns);
  changed();
  while (!closing_ && (busy_ || (head_due() && !head_hangs()))) sleep(lock, Deadline{});
}

void NullQueue::set_operation_time(uint64_t ns) noexcept {
  const Lock lock(mutex_);
  operation_ns_ = ns;
}

void NullQueue::plan_fault(Fault fault, uint64_t first, uint64_t count) {
  const Lock lock(mutex_);
  const uint64_t oldest = entries_.empty() ? operations_ : entries_.front().number;
  // The worker may still be at the entry before the oldest one.
  faults_.add(fault, add_saturating(operations_, first), count, oldest > 0 ? oldest - 1 : 0);
}

void NullQueue::recover() noexcept {
  Lock lock(mutex_);
  while (losing_) sleep(lock, Deadline{});
  lost_ = false;
  faults_.clear();
  changed();
}

NullQueue::Snapshot NullQueue::snapshot() const noexcept {
  const Lock lock(mutex_);
  return {now_ns_, operations_, manual_};
}

}  // namespace sporkle::null
