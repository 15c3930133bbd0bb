// How a computation gets its threads: the library's own pool or the host's.
#pragma once

#include "sporkle.h"

namespace sporkle {

class ParallelFor {
 public:
  virtual ~ParallelFor() = default;

  // Most tasks that run at once, the caller's thread included; at least 1.
  virtual uint32_t threads() const noexcept = 0;

  // Whether work that takes one thread about this long gains from being handed out
  // now: waking a thread costs tens of microseconds, a thread that is awake less
  // than one. Asked once per piece of work.
  virtual bool worth(uint64_t ns) noexcept { return ns > wake_ns; }

  // Runs task(data, i) for every i in [0, count) and returns when all have
  // returned. Tasks may not throw. Nested calls run serially on the caller.
  virtual void run(uint32_t count, sporkle_task task, void* data) noexcept = 0;

 protected:
  // Work of less than this is not worth waking a thread for.
  static constexpr uint64_t wake_ns = 50000;
};

}  // namespace sporkle
