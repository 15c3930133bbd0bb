#include "backends/gl/submission_thread.h"

#include <algorithm>
#include <climits>
#include <new>
#include <sched.h>
#include <sys/prctl.h>

#include "backends/gl/interop_thread.h"
#include "backends/gl/patience.h"
#include "core/expectation.h"

namespace sporkle::gl {

namespace {

constexpr uint64_t open_patience_ns = 20000000000u;
constexpr uint64_t close_patience_ns = 1500000000u;
constexpr unsigned long timer_slack_ns = 1000;

bool has_several_processors() noexcept {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) != 0 || CPU_COUNT(&set) > 1;
}

}  // namespace

SubmissionThread::SubmissionThread(const DeviceEnvironment& environment, const EglFunctions& egl,
                                   const EglDevice& device, const OpenRules& rules)
    : environment_(environment),
      queue_(environment),
      engine_(environment, egl, device, rules, queue_, {&SubmissionThread::reclaim, this}) {}

SubmissionThread::~SubmissionThread() {
  close(SPORKLE_ERROR_CANCELLED);
  delete_released();
}

void SubmissionThread::set_phase(Phase phase) noexcept {
  phase_.store(phase, std::memory_order_release);
  futex_wake(phase_, INT_MAX);
}

void SubmissionThread::start() {
  const std::lock_guard lock(lifecycle_);
  const uint32_t phase = phase_.load();
  if (phase == running || phase == hung || in_transit(phase)) return;
  if (phase == closed) fail(SPORKLE_ERROR_CANCELLED, "device: it has been closed");
  if (phase == silent) fail_silent();
  // A thread that failed to open has nothing left to do.
  thread_.finish(Deadline{});
  stop_.store(false);
  unmapping_.store(false);
  phase_.store(opening);
  try {
    if (thread_.start(environment_.memory, "sporkle-gl", &SubmissionThread::body, this)) return;
  } catch (const std::bad_alloc&) {
    phase_.store(asleep);
    throw;
  }
  phase_.store(asleep);
  fail(SPORKLE_ERROR_OUT_OF_MEMORY, "device: the system refuses a thread");
}

void SubmissionThread::await_open(Deadline deadline) {
  uint32_t phase = phase_.load(std::memory_order_acquire);
  while (in_transit(phase)) {
    if (deadline.passed()) {
      fail(SPORKLE_ERROR_DEVICE_UNAVAILABLE, "device: the OpenGL driver does not finish starting");
    }
    futex_wait(phase_, phase, deadline);
    phase = phase_.load(std::memory_order_acquire);
  }
  if (phase == running) return;
  if (phase == closed) fail(SPORKLE_ERROR_CANCELLED, "device: it has been closed");
  if (phase == silent) fail_silent();
  if (phase == hung) fail_hung();
  Error error;
  {
    // Another caller may have begun to open it again.
    const std::lock_guard lock(open_error_mutex_);
    error = open_error_;
  }
  fail(error.status, "device: %s", error.reason.text);
}

void SubmissionThread::need_open() {
  if (phase_.load(std::memory_order_acquire) == running) return;
  start();
  await_open(Deadline::after(open_patience_ns));
}

void SubmissionThread::suspend() noexcept {
  const std::lock_guard lock(lifecycle_);
  if (phase_.load() != running) return;
  stop_.store(true);
  driver_wake(thread_.slot());
  if (thread_.finish(Deadline::after(close_patience_ns))) {
    phase_.store(asleep);
  } else {
    queue_.refuse(SPORKLE_ERROR_DEVICE_UNAVAILABLE, "the OpenGL driver hangs");
    abandon(SPORKLE_ERROR_DEVICE_UNAVAILABLE, closed);
  }
}

void SubmissionThread::close(Status status) noexcept {
  const std::lock_guard lock(lifecycle_);
  if (phase_.load() == closed || phase_.load() == silent) return;
  queue_.refuse(status, "it has been closed");
  stop_.store(true);
  if (thread_.started()) {
    driver_wake(thread_.slot());
    // They are no fault of the driver, which gets its time afterwards.
    await_touches(nullptr);
    if (!thread_.finish(Deadline::after(close_patience_ns))) {
      abandon(status, closed);
      return;
    }
  }
  queue_.fail_all(status);
  set_phase(closed);
}

// Waits until `arrived(deadline)` says so. Every caller that waits for the
// thread watches it: there is no other thread to do it.
template <class Arrived>
void SubmissionThread::await_answer(Arrived arrived) noexcept {
  const uint64_t slice = std::max<uint64_t>(patience_ns_ / 8, 1);
  uint64_t passes = UINT64_MAX, since = now_ns();
  while (!arrived(patience_ns_ == 0 ? Deadline{} : Deadline::after(slice))) {
    const DriverSlot* slot = slot_.load(std::memory_order_acquire);
    const uint64_t seen = slot == nullptr ? UINT64_MAX : slot->passes.load();
    if (seen != passes || slot == nullptr) {
      passes = seen;
      since = now_ns();
    } else if (now_ns() - since >= patience_ns_) {
      give_up(passes);
    }
  }
}

void SubmissionThread::await(uint64_t value) noexcept {
  await_answer([&](Deadline deadline) { return timeline_await(timeline(), value, deadline); });
}

uint64_t SubmissionThread::submit(Operation&& operation, RunSink* sink) {
  need_open();
  const uint64_t value = queue_.push(std::move(operation), sink);
  if (DriverSlot* slot = slot_.load(std::memory_order_acquire)) driver_wake(*slot);
  return value;
}

void SubmissionThread::submit_all(std::span<Operation> operations) {
  need_open();
  queue_.push_all(operations);
  if (DriverSlot* slot = slot_.load(std::memory_order_acquire)) driver_wake(*slot);
}

void SubmissionThread::submit(std::shared_ptr<Exchange> exchange) {
  need_open();
  queue_.push_exchange(std::move(exchange));
  if (DriverSlot* slot = slot_.load(std::memory_order_acquire)) driver_wake(*slot);
}

void SubmissionThread::run_call(Call* call) {
  need_open();
  flush_attached();
  queue_.push_call(call);
  if (DriverSlot* slot = slot_.load(std::memory_order_acquire)) driver_wake(*slot);
  await_answer([call](Deadline deadline) { return CommandQueue::wait_call(call, deadline); });
  if (call->status < 0) throw call->error;
}

void SubmissionThread::release(BufferObject* object) noexcept {
  BufferObject* head = released_.load(std::memory_order_relaxed);
  do {
    object->next = head;
  } while (!released_.compare_exchange_weak(head, object, std::memory_order_acq_rel));
  if (DriverSlot* slot = slot_.load(std::memory_order_acquire)) driver_wake(*slot);
}

void SubmissionThread::delete_released() noexcept {
  if (released_.load(std::memory_order_relaxed) == nullptr) return;
  BufferObject* object = released_.exchange(nullptr, std::memory_order_acq_rel);
  engine_.note_foreign_calls();
  while (object != nullptr) {
    BufferObject* next = object->next;
    engine_.delete_buffer(object);
    object = next;
  }
}

void SubmissionThread::set_idle_memory(const std::shared_ptr<IdleMemory>& idle) noexcept {
  const std::lock_guard lock(idle_mutex_);
  idle_ = idle;
}

void SubmissionThread::reclaim(void* self) noexcept {
  auto* thread = static_cast<SubmissionThread*>(self);
  std::shared_ptr<IdleMemory> idle;
  {
    const std::lock_guard lock(thread->idle_mutex_);
    idle = thread->idle_.lock();
  }
  if (idle != nullptr) idle->trim();
  thread->delete_released();
}

void SubmissionThread::run_calls(DriverSlot& slot) noexcept {
  for (Call* call = queue_.take_calls(); call != nullptr;) {
    Call* next = call->next;
    current_call_.store(call);
    try {
      call->run(call->data, engine_);
    } catch (const Error& error) {
      call->error = error;
      call->status = error.status;
    } catch (const std::bad_alloc&) {
      call->status = SPORKLE_ERROR_OUT_OF_MEMORY;
      call->error.status = call->status;
      call->error.reason.set("device: no memory");
    }
    engine_.note_foreign_calls();
    driver_checkpoint(slot);
    current_call_.store(next);
    CommandQueue::finish_call(call);
    call = next;
  }
}

void SubmissionThread::body(void* self, DriverSlot& slot) {
  static_cast<SubmissionThread*>(self)->work(slot);
}

void SubmissionThread::work(DriverSlot& slot) noexcept {
  Error error;
  const bool opened = engine_.open(&slot, &error);
  driver_guard_exit();
  driver_checkpoint(slot);
  if (!opened) {
    {
      const std::lock_guard lock(open_error_mutex_);
      open_error_ = error;
    }
    set_phase(failed);
    return;
  }
  // After the driver has started its own threads: they inherit the value.
  prctl(PR_SET_TIMERSLACK, timer_slack_ns, 0, 0, 0);
  facts_ = engine_.facts();
  hinted_ = engine_.hinted();
  generation_.store(engine_.generation(), std::memory_order_release);
  patience_ns_ = call_patience_ns(*environment_.options, facts_.software);
  // A software renderer wants the processors for itself.
  may_spin_ = !facts_.software && has_several_processors();
  slot_.store(&slot, std::memory_order_release);
  set_phase(running);
  for (;;) {
    // Before everything that is looked at: what changes afterwards changes this word
    // too, and the thread does not fall asleep over it.
    const uint32_t seen = slot.wakeups.load(std::memory_order_seq_cst);
    if (stop_.load(std::memory_order_acquire)) break;
    driver_checkpoint(slot);
    run_calls(slot);
    delete_released();
    if (!dead_) engine_.advance(slot, stop_);
    if (engine_.lost() && !dead_) {
      recover(slot);
      continue;
    }
    rest(slot, seen);
  }
  driver_checkpoint(slot);
  slot_.store(nullptr, std::memory_order_release);
  await_touches(&slot);
  driver_checkpoint(slot);
  engine_.close();
}

}  // namespace sporkle::gl
