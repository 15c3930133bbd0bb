// The experiments of bench_fences. Contestants of one comparison take turns.
#pragma once

#include <ctime>

#include "raw_gl.h"
#include "records.h"
#include "work.h"

namespace fences {

struct Bench {
  Library& library;
  RawGl* raw;  // null where the device is not OpenGL
  Records& records;
  bool software;

  // Bars are for hardware.
  Bar bar(Bar wanted) const { return software ? Bar{} : wanted; }
};

// Cost of one call: poll, create and destroy, wait on finished work, submit.
void measure_calls(Bench& bench);
// Operations per second against depth; 10,000 in flight.
void measure_rates(Bench& bench);
// One dispatch and one wait; CPU time and lateness of a long wait.
void measure_waits(Bench& bench);
// CPU preparation beside GPU work.
void measure_pipelines(Bench& bench);
// What an open context costs that does nothing.
void measure_idle(Bench& bench);

inline double clock_ns(clockid_t clock) {
  timespec t;
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}
inline double wall_ns() { return clock_ns(CLOCK_MONOTONIC); }
// All threads of the process.
inline double cpu_ns() { return clock_ns(CLOCK_PROCESS_CPUTIME_ID); }

// The smallest convolution that is worth the name.
inline sporkle_conv2d_desc tiny_problem() { return problem(1, 4, 4, 8, 3); }

// The raw kernel of as many workgroups that takes as long on the device.
RawWork raw_like(Bench& bench, uint32_t groups, const Work& work);

// Ratio of the medians of two named results as a result of its own.
void add_ratio(Records& records, const char* name, const char* over, const char* under, Bar bar,
               const char* note = "");

}  // namespace fences
