// A model of memory that the fence protocol runs on, one shared access at a
// time, under the control of an explorer.
//
// Stores of a thread go through a first-in-first-out buffer that empties when
// the explorer says so (the total store order of x86); read-modify-writes, full
// fences and futex calls empty it first. Futexes never wake for no reason: the
// worst case for a protocol that may lose a wake-up.
//
// A thread's private state is the results of its accesses so far. To go one
// access further its code is run again from the start of the current call, is
// fed what it saw before, and is left by longjmp after the new access: model
// code may hold nothing with a destructor.
#pragma once

#include <atomic>
#include <csetjmp>
#include <cstdint>
#include <cstring>

#include "core/fence_protocol.h"

namespace explorer {

constexpr int thread_limit = 6;
constexpr int log_limit = 120;
constexpr int buffer_limit = 6;

struct Buffered {
  uint32_t cell, bytes;
  uint64_t value;
};

struct Thread {
  uint32_t pc = 0;          // call of its program
  uint32_t log_size = 0;    // accesses of the current call
  uint32_t buffered = 0;
  uint32_t sleep_cell = 0;  // + 1; 0: awake
  uint32_t sleep_mask = 0;
  uint32_t late = 0;        // 1: the deadline of the current call has passed
  uint64_t begin = 0;       // what the checks noted when the call began
  uint64_t log[log_limit];
  Buffered buffer[buffer_limit];
};

enum class Access : uint8_t { load, store, add, exchange, fence, sleep, wake, flush, expire };

// One access as a trace shows it.
struct Step {
  int thread;
  Access access;
  uint32_t cell;
  uint64_t value, result;
};

// Runs one thread of a state at a time. `memory` is the shared memory's bytes.
class Machine {
 public:
  void attach(void* memory, uint32_t bytes, Thread* threads, int count) {
    memory_ = static_cast<char*>(memory);
    bytes_ = bytes;
    threads_ = threads;
    count_ = count;
  }
  // Lets `thread` make one access of `body`; returns whether the body returned.
  bool step(int thread, void (*body)(void*), void* data);
  // Moves the oldest buffered store of a thread to memory.
  void flush_one(int thread);
  // The deadline of a thread's current call passes.
  void expire(int thread);
  bool late() const { return threads_[now_].late != 0; }
  bool awake(int thread) const { return threads_[thread].sleep_cell == 0; }
  const Step& last() const { return last_; }

  uint64_t access(Access kind, const void* cell, uint32_t bytes, uint64_t a, uint64_t b);
  // Calls note(data) once, together with the access before it, and keeps its result.
  uint64_t once(uint64_t (*note)(void*), void* data);

 private:
  uint64_t perform(Access kind, uint32_t cell, uint32_t bytes, uint64_t a, uint64_t b);
  uint64_t read(uint32_t cell, uint32_t bytes) const;
  void write(uint32_t cell, uint32_t bytes, uint64_t value);
  void drain(Thread& thread);
  void wake(uint32_t cell, uint32_t mask);

  char* memory_ = nullptr;
  uint32_t bytes_ = 0;
  Thread* threads_ = nullptr;
  int count_ = 0, now_ = 0;
  uint32_t position_ = 0;
  bool moved_ = false;
  std::jmp_buf leave_;
  Step last_{};
};

extern Machine machine;

template <class F>
uint64_t once(F&& note) {
  return machine.once([](void* f) -> uint64_t { return (*static_cast<F*>(f))(); }, &note);
}

template <class T>
class Atomic {
 public:
  constexpr Atomic(T value) : value_(value) {}

  T load(std::memory_order) const { return go(Access::load, 0, 0); }
  void store(T value, std::memory_order) { go(Access::store, value, 0); }
  // Without a result: nobody uses it, and it would tell states apart that are alike.
  void fetch_add(T value, std::memory_order) { go(Access::add, value, 0); }
  void fetch_sub(T value, std::memory_order) { go(Access::add, T{0} - value, 0); }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order) {
    const T found = go(Access::exchange, expected, desired);
    if (found == expected) return true;
    expected = found;
    return false;
  }
  T peek() const { return value_; }  // for the checks

 private:
  T go(Access kind, uint64_t a, uint64_t b) const {
    return static_cast<T>(machine.access(kind, this, sizeof(T), a, b));
  }
  T value_;
};

struct Memory {
  template <class T>
  using Atomic = explorer::Atomic<T>;
  struct Deadline {};  // when it passes, if ever, is the explorer's choice

  static void full_fence() { machine.access(Access::fence, nullptr, 0, 0, 0); }
  static void sleep(const Atomic<uint32_t>& word, uint32_t seen, Deadline, uint32_t mask) {
    machine.access(Access::sleep, &word, sizeof word, seen, mask);
  }
  static void wake(const Atomic<uint32_t>& word, uint32_t mask) {
    machine.access(Access::wake, &word, sizeof word, mask, 0);
  }
};

}  // namespace explorer
