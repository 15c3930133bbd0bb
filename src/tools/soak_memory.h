// `sporkle soak --memory`: buffers of random sizes and lifetimes on one context
// per thread while convolutions run, in three phases that repeat:
//   calm      few buffers alive
//   pressure  hundreds alive, their number rising and falling
//   scarce    the allocator fails at random and sizes come that nobody has
#pragma once

#include "tools/soak.h"

enum { SOAK_CALM, SOAK_PRESSURE, SOAK_SCARCE, SOAK_PHASES };
enum { SOAK_CONTEXTS = 16 };

typedef struct SoakMemoryOutcome {
  sporkle_device_info device;
  double seconds;
  long long created, destroyed, refused, verified;
  long long wrong;      // outputs that differ, marks that somebody else overwrote
  long long broken;     // statuses that a call may not have
  long long leaked;     // bytes and objects left at the end, by allocator and counters
  double worst_ratio;   // mapped over live bytes, while 40 MiB or more are alive
  unsigned long long most_live, most_mapped, map_calls, stalls;
  double rates[SOAK_PHASES];  // steps per second, the median over the phases
  // Each phase under pressure over the calm ones before and after it, the median: what else
  // the machine does comes and goes over longer times.
  double pressure_over_calm;
  double pressure_at_most;    // what that median is below with 99 % confidence
  char message[512];          // the first thing that went wrong
} SoakMemoryOutcome;

// A step makes or lets go a buffer and runs a convolution. Returns TOOL_OK when
// mapped bytes stayed below 1.8 times the live ones, nothing was wrong, broken or
// leaked, and phases under pressure reached 80 % of their calm neighbours in the
// median, as far as so many tell.
int soak_memory_run(const SoakOptions *options, SoakMemoryOutcome *out);
void soak_memory_print(const SoakOptions *options, const SoakMemoryOutcome *out, int code,
                       bool json);
