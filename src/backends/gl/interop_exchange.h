// One hand-over between the library's context and a caller's of the same share
// group, at a fixed place in the order of operations.
#pragma once

#include <atomic>
#include <memory>

#include "backends/gl/gl_memory.h"
#include "base/clock.h"

namespace sporkle::gl {

struct Exchange {
  // Filled before it is queued.
  uint64_t generation = 0;          // of the context that the names belong to
  GLsync arrival = nullptr;         // what the library's commands wait for; taken over
  bool wants_departure = false;     // whether a sync behind the library's commands is made
  std::shared_ptr<GlMemory> upload;    // what the CPU has flushed goes to the device before
  std::shared_ptr<GlMemory> download;  // the device's content goes where the CPU reads

  // The submission thread's: emits it. Returns the status it ends with.
  Status emit(const GladGLContext& gl, uint64_t current_generation) noexcept;
  // Tells a waiting caller; the first status counts.
  void finish(Status result) noexcept;

  // The caller's: waits until it has been emitted or refused. False at the deadline.
  bool wait(Deadline deadline) noexcept;
  // Valid after wait() has returned true.
  Status status = SPORKLE_OK;
  GLsync departure = nullptr;

 private:
  std::atomic<uint32_t> done_{0};
};

}  // namespace sporkle::gl
