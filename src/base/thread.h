// A library thread: named, signals blocked, default floating-point environment.
#pragma once

#include <cstdint>
#include <pthread.h>

namespace sporkle {

class Thread {
 public:
  Thread() = default;
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;
  ~Thread() { join(); }

  // Starts `body(argument)` on a new thread; nothing is allocated beyond the
  // stack. The name is cut to 15 characters. The first start in the process
  // pins the module that contains the library, so that code cannot be unmapped
  // under a running thread. Returns false when the system refuses a thread.
  bool start(const char* name, void (*body)(void*), void* argument) noexcept;

  // Waits for the body to return; does nothing when not started. In a forked
  // child the thread does not exist and is forgotten.
  void join() noexcept;

  bool started() const noexcept { return started_; }

 private:
  static void* enter(void* self);

  pthread_t id_{};
  bool started_ = false;
  uint64_t epoch_ = 0;
  char name_[16] = {};
  void (*body_)(void*) = nullptr;
  void* argument_ = nullptr;
};

}  // namespace sporkle
