// The side of a contestant that runs in its own process.
#pragma once

#include <cstdint>

namespace bench {

// Ours: a plan; a plan that is reproducible; the one-call form; a plan before which
// one thread reads the weights, the least that a one-call form can do; a plan limited
// to AVX2. oneDNN: plain NCHW; the layouts it prefers; its Winograd, both with
// conversions timed. The machine: multiply-adds in registers, with the widest
// instruction set and with AVX2; one read of the weights by one thread, and of
// 128 MiB by all threads.
enum class Kind : int {
  sporkle, sporkle_reproducible, sporkle_call, sporkle_plan_read, sporkle_avx2, onednn_nchw,
  onednn_any, onednn_winograd, peak, peak_avx2, weights_read, memory_read
};
constexpr const char* kind_names[] = {
    "sporkle",     "sporkle_reproducible", "sporkle_call", "sporkle_plan_read",
    "sporkle_avx2", "onednn_nchw",         "onednn_any",   "onednn_winograd",
    "peak",        "peak_avx2",            "weights_read", "memory_read"};
constexpr int kind_count = 12;

inline bool is_peak(Kind kind) { return kind == Kind::peak || kind == Kind::peak_avx2; }
inline bool is_machine(Kind kind) { return kind >= Kind::peak; }
inline bool is_ours(Kind kind) { return kind <= Kind::sporkle_avx2; }
inline bool is_onednn(Kind kind) {
  return kind == Kind::onednn_nchw || kind == Kind::onednn_any || kind == Kind::onednn_winograd;
}

// What an entrant says once it is ready.
struct Ready {
  char algorithm[96];
  char failure[160];  // empty when the output is right
  bool absent;        // it does not take this problem, or this machine lacks it: no failure
  double rel_l2_error, max_rel_error;
  double work;  // FLOPs of one run, for the two reads its bytes
};

// Relative L2 error above which a figure is not printed.
constexpr double error_limit = 1e-5;

// Sets up and checks one problem, writes a Ready to `to`, then times one round
// for every byte read from `from` and writes its nanoseconds per run as double.
// Returns the exit status of the process.
int enter(Kind kind, const char* problem, int threads, int from, int to);

}  // namespace bench
