#include "backends/gl/driver_thread.h"

#include <climits>
#include <cstdlib>
#include <unistd.h>

#include "base/process.h"

namespace sporkle::gl {

namespace {

constexpr uint32_t slot_limit = 512;
// A driver's exit handlers crash under a thread that is still computing, and
// one dispatch on a CPU renderer takes seconds.
constexpr uint64_t exit_patience_ns = 10000000000u;

constexpr uint32_t asleep = 1, one_wakeup = 2;

constinit DriverSlot slots[slot_limit];
constinit std::atomic<bool> exiting{false};
constinit std::atomic<uint64_t> guarded_epoch{0};
// Of all exit handlers together, each context having registered one.
constinit Deadline exit_deadline;

DriverSlot* take_slot() noexcept {
  for (DriverSlot& slot : slots) {
    uint32_t expected = DriverSlot::free;
    if (slot.state.compare_exchange_strong(expected, DriverSlot::running)) return &slot;
  }
  return nullptr;
}

[[noreturn]] void sleep_for_ever() noexcept {
  for (;;) pause();
}

void set_state(DriverSlot& slot, uint32_t state) noexcept {
  slot.state.store(state, std::memory_order_release);
  futex_wake(slot.state, INT_MAX);
}

// Waits until the thread is at rest or the deadline has passed.
void await_rest(DriverSlot& slot, Deadline deadline) noexcept {
  for (;;) {
    const uint32_t state = slot.state.load(std::memory_order_acquire);
    if (state != DriverSlot::running && state != DriverSlot::abandoned) return;
    if (deadline.passed()) return;
    futex_wait(slot.state, state, deadline);
  }
}

void stop_at_exit() noexcept {
  // A forked child has inherited the handler and none of the threads.
  if (guarded_epoch.load() != process_epoch()) return;
  if (!exiting.exchange(true)) exit_deadline = Deadline::after(exit_patience_ns);
  for (DriverSlot& slot : slots) {
    const uint32_t state = slot.state.load();
    if (state == DriverSlot::running || state == DriverSlot::abandoned) driver_wake(slot);
  }
  for (DriverSlot& slot : slots) await_rest(slot, exit_deadline);
}

}  // namespace

void driver_checkpoint(DriverSlot& slot) noexcept {
  // Counted before the state is looked at, as give_up() does it the other way
  // round: one of the two sees the other.
  slot.passes.fetch_add(1);
  const bool given_up = slot.state.load() == DriverSlot::abandoned;
  if (!given_up && !exiting.load(std::memory_order_relaxed)) return;
  set_state(slot, DriverSlot::parked);
  sleep_for_ever();
}

void driver_sleep(DriverSlot& slot, uint32_t seen, Deadline deadline) noexcept {
  uint32_t expected = seen;
  if (!slot.wakeups.compare_exchange_strong(expected, seen | asleep)) return;
  futex_wait(slot.wakeups, seen | asleep, deadline);
  slot.wakeups.fetch_and(~asleep);
}

void driver_wake(DriverSlot& slot) noexcept {
  const uint32_t before = slot.wakeups.fetch_add(one_wakeup);
  // Whoever clears the bit pays for the system call; the others need not. A
  // thread that is about to sleep again finds the word changed.
  if ((before & asleep) != 0 && (slot.wakeups.fetch_and(~asleep) & asleep) != 0) {
    futex_wake(slot.wakeups, 1);
  }
}

void driver_guard_exit() noexcept {
  guarded_epoch.store(process_epoch());
  std::atexit([] { stop_at_exit(); });
}

DriverThread::~DriverThread() {
  if (started()) finish(Deadline{});
}

bool DriverThread::start(std::pmr::memory_resource* memory, const char* name, Body body,
                         void* argument) {
  std::pmr::polymorphic_allocator<> allocator(memory);
  Thread* thread = allocator.new_object<Thread>();
  DriverSlot* slot = exiting.load() ? nullptr : take_slot();
  if (slot == nullptr) {
    allocator.delete_object(thread);
    return false;
  }
  memory_ = memory;
  thread_ = thread;
  slot_ = slot;
  body_ = body;
  argument_ = argument;
  if (thread->start(name, &DriverThread::enter, this)) return true;
  slot->state.store(DriverSlot::free);
  slot_ = nullptr;
  thread_ = nullptr;
  allocator.delete_object(thread);
  return false;
}

void DriverThread::enter(void* self) {
  auto* thread = static_cast<DriverThread*>(self);
  DriverSlot& slot = *thread->slot_;
  thread->body_(thread->argument_, slot);
  uint32_t expected = DriverSlot::running;
  if (!slot.state.compare_exchange_strong(expected, DriverSlot::finished)) {
    set_state(slot, DriverSlot::parked);
    sleep_for_ever();
  }
  futex_wake(slot.state, INT_MAX);
}

bool DriverThread::finish(Deadline deadline) noexcept {
  if (!started()) return true;
  if (!exiting.load()) await_rest(*slot_, deadline);
  uint32_t expected = DriverSlot::running;
  const bool given_up = slot_->state.compare_exchange_strong(expected, DriverSlot::abandoned) ||
                        expected == DriverSlot::parked;
  if (!given_up) {
    thread_->join();
    std::pmr::polymorphic_allocator<>(memory_).delete_object(thread_);
    slot_->state.store(DriverSlot::free);
  }
  thread_ = nullptr;
  slot_ = nullptr;
  return !given_up;
}

bool DriverThread::give_up(uint64_t passes) noexcept {
  if (!started() || slot_->passes.load() != passes) return false;
  uint32_t expected = DriverSlot::running;
  if (!slot_->state.compare_exchange_strong(expected, DriverSlot::abandoned)) return false;
  // It came back in this moment: its next checkpoint is near.
  if (slot_->passes.load() != passes) {
    while (slot_->state.load() == DriverSlot::abandoned) {
      futex_wait(slot_->state, DriverSlot::abandoned, Deadline::after(1000000));
    }
  }
  thread_ = nullptr;
  slot_ = nullptr;
  return true;
}

}  // namespace sporkle::gl
