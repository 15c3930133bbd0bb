// The side of a contestant that runs in its own process.
#pragma once

#include <cstdint>

namespace bench {

enum class Kind : int { sporkle, onednn_nchw, onednn_any };
constexpr const char* kind_names[] = {"sporkle", "onednn_nchw", "onednn_any"};

// What an entrant says once it is ready.
struct Ready {
  char algorithm[96];
  char failure[160];  // empty when the output is right
  double rel_l2_error;
};

// Relative L2 error above which a figure is not printed.
constexpr double error_limit = 1e-5;

// Sets up and checks one problem, writes a Ready to `to`, then times one round
// for every byte read from `from` and writes its nanoseconds per run as double.
// Returns the exit status of the process.
int enter(Kind kind, const char* problem, int threads, int from, int to);

}  // namespace bench
