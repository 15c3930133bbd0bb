// How a computation gets its threads: the library's own pool or the host's.
#pragma once

#include "sporkle.h"

namespace sporkle {

class ParallelFor {
 public:
  virtual ~ParallelFor() = default;

  // Most tasks that run at once, the caller's thread included; at least 1.
  virtual uint32_t threads() const noexcept = 0;

  // Runs task(data, i) for every i in [0, count) and returns when all have
  // returned. Tasks may not throw. Nested calls run serially on the caller.
  virtual void run(uint32_t count, sporkle_task task, void* data) noexcept = 0;
};

}  // namespace sporkle
