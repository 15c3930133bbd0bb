// How many threads to use, and why.
#pragma once

#include <cstdint>

#include "base/options.h"

namespace sporkle::cpu {

constexpr uint32_t threads_limit = 1024;

struct ThreadCount {
  uint32_t threads = 1;
  uint32_t cores = 1;      // of the affinity mask
  char reason[200] = {};  // for example "2: affinity mask 2, no cgroup quota"
};

// SPORKLE_THREADS or the context's number, else the affinity mask limited by
// the cgroup quota. Throws Error when the number does not fit.
ThreadCount count_threads(const Options& options);

}  // namespace sporkle::cpu
