// Threads that call into a graphics driver and may never come back from it.
//
// Each has a slot in static storage: a hung driver call can be abandoned
// without leaving the thread a pointer to freed memory, and process exit can
// stop every such thread at a safe point before the driver's own exit handlers
// run.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory_resource>

#include "base/futex.h"
#include "base/thread.h"

namespace sporkle::gl {

struct DriverSlot {
  enum State : uint32_t { free, running, finished, parked, abandoned };

  std::atomic<uint32_t> state{free};
  // The one word the thread sleeps on: {wake-ups 31 | asleep 1}. While the
  // thread is awake the low bit is clear.
  std::atomic<uint32_t> wakeups{0};
  // Checkpoints passed: stands still while the thread is inside the driver.
  std::atomic<uint64_t> passes{0};
};

// Called by the thread between driver calls: does not return when the process
// is exiting or the owner has given the thread up.
void driver_checkpoint(DriverSlot& slot) noexcept;

// Sleeps until wakeups differs from `seen`, or the deadline has passed. Called
// by the thread itself, like the load of `seen`.
void driver_sleep(DriverSlot& slot, uint32_t seen, Deadline deadline) noexcept;

// Makes the thread look again; cheap when it is awake.
void driver_wake(DriverSlot& slot) noexcept;

// Registers the exit handler behind those the drivers have registered so far,
// so that ours runs first.
void driver_guard_exit() noexcept;

class DriverThread {
 public:
  DriverThread() = default;
  DriverThread(const DriverThread&) = delete;
  DriverThread& operator=(const DriverThread&) = delete;
  ~DriverThread();

  using Body = void (*)(void* argument, DriverSlot& slot);

  // False when the system has no thread or slot left. Throws std::bad_alloc.
  bool start(std::pmr::memory_resource* memory, const char* name, Body body, void* argument);

  // Joins when the body returns by the deadline; else gives the thread up:
  // what it can reach must then stay allocated. Returns whether it joined.
  bool finish(Deadline deadline) noexcept;
  // Gives the thread up when it has passed no checkpoint since `passes` was read.
  // Returns whether it did; the thread is then inside the driver or parked.
  bool give_up(uint64_t passes) noexcept;

  bool started() const noexcept { return slot_ != nullptr; }
  DriverSlot& slot() noexcept { return *slot_; }

 private:
  static void enter(void* self);

  std::pmr::memory_resource* memory_ = nullptr;
  Thread* thread_ = nullptr;
  DriverSlot* slot_ = nullptr;
  Body body_ = nullptr;
  void* argument_ = nullptr;
};

}  // namespace sporkle::gl
