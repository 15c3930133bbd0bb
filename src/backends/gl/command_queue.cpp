#include "backends/gl/command_queue.h"

#include <climits>
#include <utility>

#include "backends/gl/interop_exchange.h"
#include "base/futex.h"
#include "core/timeline.h"

namespace sporkle::gl {

CommandQueue::CommandQueue(const DeviceEnvironment& environment)
    : stats_(environment.stats),
      fences_(environment.fences),
      timeline_(timeline_acquire()),
      completed_(timelines[timeline_].counter.load()),
      submitted_(completed_.load()),
      ring_(environment.memory) {
  try {
    ring_.resize(environment.queue_capacity);
  } catch (...) {
    timeline_release(timeline_);
    throw;
  }
}

CommandQueue::~CommandQueue() { timeline_release(timeline_); }

void CommandQueue::check_open() const {
  if (refusal_ != SPORKLE_OK) fail(refusal_, "device: %s", refusal_reason_.text);
}

void CommandQueue::check_room(uint64_t count) const {
  check_open();
  const uint64_t last = submitted_.load(std::memory_order_relaxed) + count;
  if (last - completed_.load(std::memory_order_acquire) <= ring_.size()) return;
  fail(SPORKLE_ERROR_POOL_EXHAUSTED, "submit: %zu operations are already in flight",
       ring_.size());
}

Entry& CommandQueue::next_entry() {
  check_room(1);
  return entry_for(submitted_.load(std::memory_order_relaxed) + 1);
}

Entry& CommandQueue::entry_for(uint64_t value) noexcept {
  Entry& target = ring_[value % ring_.size()];
  target.status = SPORKLE_OK;
  target.counted = false;
  target.timer = -1;
  target.beside_count = 0;
  return target;
}

uint64_t CommandQueue::publish_entry() noexcept {
  const uint64_t value = submitted_.load(std::memory_order_relaxed) + 1;
  submitted_.store(value, std::memory_order_release);
  return value;
}

uint64_t CommandQueue::push(Operation&& operation, RunSink* sink) {
  const std::lock_guard lock(mutex_);
  check_room(1);
  store(std::move(operation), sink, submitted() + 1);
  return publish_entry();
}

void CommandQueue::store(Operation&& operation, RunSink* sink, uint64_t value) noexcept {
  Entry& target = entry_for(value);
  if (operation.fence) fence_arm(operation.fence, timeline_, value, operation.fence_owned);
  target.operation = std::move(operation);
  target.sink = sink;
}

void CommandQueue::push_all(std::span<Operation> operations) {
  const std::lock_guard lock(mutex_);
  check_room(operations.size());
  uint64_t value = submitted();
  for (Operation& operation : operations) store(std::move(operation), nullptr, ++value);
  submitted_.store(value, std::memory_order_release);
}

uint64_t CommandQueue::push_exchange(std::shared_ptr<Exchange> exchange) {
  const std::lock_guard lock(mutex_);
  next_entry().exchange = std::move(exchange);
  return publish_entry();
}

void CommandQueue::insert_fence(FenceRef fence, bool owned) {
  const std::lock_guard lock(mutex_);
  check_open();
  fence_arm(fence, timeline_, submitted(), owned);
}

bool CommandQueue::drain(Deadline deadline) noexcept {
  return timeline_wait(timeline_, submitted(), deadline);
}

void CommandQueue::push_call(Call* call) {
  const std::lock_guard lock(mutex_);
  check_open();
  if (last_call_ == nullptr) {
    first_call_.store(call, std::memory_order_relaxed);
  } else {
    last_call_->next = call;
  }
  last_call_ = call;
}

Call* CommandQueue::take_calls() noexcept {
  // Asked for in every round of the thread, nearly always in vain.
  if (first_call_.load(std::memory_order_relaxed) == nullptr) return nullptr;
  const std::lock_guard lock(mutex_);
  last_call_ = nullptr;
  return first_call_.exchange(nullptr);
}

void CommandQueue::finish_call(Call* call) noexcept {
  // The call may be gone as soon as the store is seen; a wake-up on the word
  // of a dead frame is harmless.
  std::atomic<uint32_t>& word = call->done;
  word.store(1, std::memory_order_release);
  futex_wake(word, INT_MAX);
}

bool CommandQueue::wait_call(Call* call, Deadline deadline) noexcept {
  while (call->done.load(std::memory_order_acquire) == 0) {
    if (deadline.passed()) return false;
    futex_wait(call->done, 0, deadline);
  }
  return true;
}

// Before the fence ends: whoever has seen its end finds it counted.
void CommandQueue::count_end(Entry* e, Status status) noexcept {
  if (e->counted) return;
  e->counted = true;
  e->operation.note_end(status, 0);
  if (status >= 0 || e->sink != nullptr || e->exchange != nullptr) return;
  stats_->add(Counter::submit_failures, 1);
}

void CommandQueue::tell_end(const Entry& e, Status status) noexcept {
  if (status < 0 && e.operation.fence) fence_fail(e.operation.fence, status);
  if (e.sink != nullptr) e.sink->status = status;
  if (e.exchange != nullptr) e.exchange->finish(status);
}

void CommandQueue::complete(uint64_t value) noexcept {
  for (uint64_t v = completed() + 1; v <= value; ++v) {
    Entry& e = entry(v);
    if (e.operation.rescue(e.status)) e.status = SPORKLE_OK;
    count_end(&e, e.status);
    tell_end(e, e.status);
    // Let go before anyone can see the end, so that a buffer destroyed after
    // its fence is freed at once.
    e.operation = Operation{};
    e.exchange = nullptr;
    e.sink = nullptr;
  }
  publish(value);
}

void CommandQueue::publish(uint64_t value) noexcept {
  completed_.store(value, std::memory_order_release);
  timeline_publish(timeline_, value);
}

void CommandQueue::refuse(Status status, const char* reason) noexcept {
  const std::lock_guard lock(mutex_);
  refusal_ = status;
  refusal_reason_.set("%s", reason);
}

void CommandQueue::accept() noexcept {
  const std::lock_guard lock(mutex_);
  refusal_ = SPORKLE_OK;
}

void CommandQueue::fail_calls(Call* first, Status status) noexcept {
  for (Call* call = first; call != nullptr;) {
    Call* next = call->next;
    call->status = status;
    call->error.status = status;
    call->error.reason.set("device: %s", refusal_reason_.text);
    finish_call(call);
    call = next;
  }
}

void CommandQueue::fail_all(Status status) noexcept {
  fail_calls(take_calls(), status);
  const uint64_t last = submitted();
  for (uint64_t v = completed() + 1; v <= last; ++v) {
    Entry& e = entry(v);
    e.status = e.operation.rescue(status) ? SPORKLE_OK : status;
    count_end(&e, e.status);
  }
  // Fences inserted behind the operations have no entry of their own.
  if (completed() < last) fence_pool_fail_all(fences_, timeline_, status);
  complete(last);
}

void CommandQueue::abandon_all(Status status) noexcept {
  fail_calls(take_calls(), status);
  const uint64_t last = submitted();
  for (uint64_t v = completed() + 1; v <= last; ++v) count_end(&entry(v), status);
  if (completed() < last) fence_pool_fail_all(fences_, timeline_, status);
  for (uint64_t v = completed() + 1; v <= last; ++v) tell_end(entry(v), status);
  publish(last);
}

}  // namespace sporkle::gl
