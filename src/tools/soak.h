// Threads that submit, poll, wait and destroy until the time is up, on one
// context after the other; every output is compared with double precision.
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "tools/oracle.h"
#include "tools/session.h"

typedef struct SoakOptions {
  SessionOptions session;
  int64_t seconds;
  uint64_t seed;
  int threads;
  bool faults;
  bool virtual_clock;  // seconds are those of the device's virtual clock
  bool memory;         // see tools/soak_memory.h
} SoakOptions;

// Counted by all threads.
typedef struct SoakCounts {
  atomic_llong submitted, verified, failed, destroyed_early;
  atomic_llong lost;   // fences that did not end
  atomic_llong extra;  // fences that ended over an output that is not there, or twice
  atomic_llong wrong;  // outputs that differ from the oracle
  atomic_llong broken; // calls with a status they may not have
  atomic_llong longest_wait_ns, longest_overrun_ns;
  atomic_llong faults;
} SoakCounts;

typedef struct SoakOutcome {
  SoakCounts counts;
  sporkle_device_info device;
  int rounds;
  double elapsed_s, virtual_s;
  double rss_slope_bytes_per_s;
  int open_fds_delta;
  char message[512];  // the first thing that went wrong
} SoakOutcome;

// Exit code: soak_verdict() of a run that came to its end.
int soak_run(const SoakOptions *options, SoakOutcome *out);

// Deadlines are kept within 10 ms where a processor is free. This limit is for machines
// of any load and sanitizers; 0.1 s is the largest overrun seen, without sanitizers.
static const int64_t SOAK_OVERRUN_LIMIT_NS = 2000000000;

// Resident memory may grow by the allocator's arenas: 48 to 69 kB/s over runs of 28 to 87 s
// were seen that the address sanitizer finds no leak in. This is fifteen times as much; shorter
// runs are not judged, because what grows once weighs more in them.
static const double SOAK_GROWTH_LIMIT = 1e6, SOAK_GROWTH_SECONDS = 60;
enum { SOAK_GROWTH_ROUNDS = 5 };

// TOOL_OK when nothing was lost, extra or wrong, no wait was later than that behind its
// deadline, no file was left open, memory did not grow beyond that and something was verified; else TOOL_WRONG_RESULT,
// and a message that says why where the counts do not.
int soak_verdict(const SoakOptions *options, SoakOutcome *out);
// What the median of a quantity is below with 99 % confidence, by `count` > 0 of its samples: on a
// busy machine a few of them say little, and a run of minutes is judged by its median.
double soak_median_at_most(const double *sorted, int count);

// ---- Between the parts

enum { SOAK_SLOTS = 24, SOAK_VARIANTS = 6 };

// The problem, and inputs with their right outputs.
typedef struct SoakCase {
  sporkle_conv2d_desc desc;
  size_t input_count, output_count;
  float *weights, *bias;
  float *inputs[SOAK_VARIANTS];
  float *outputs[SOAK_VARIANTS];
} SoakCase;

bool soak_case_create(uint64_t seed, SoakCase *out);
void soak_case_destroy(SoakCase *c);

typedef struct SoakRound SoakRound;

// One operation at a time, with memory of its own.
typedef struct SoakSlot {
  pthread_mutex_t lock;  // guards everything but `shown`
  sporkle_plan plan;
  sporkle_buffer input, output;
  sporkle_fence fence;  // NULL: nothing in flight
  int64_t submitted_ns;
  int variant;
  bool stands_in;        // the fence was inserted behind an operation whose own was destroyed
  _Atomic(void *) shown; // the fence, for threads that look without the lock
} SoakSlot;

struct SoakRound {
  const SoakOptions *options;
  const SoakCase *conv;
  SoakOutcome *out;
  Session session;
  SoakSlot slots[SOAK_SLOTS];
  uint64_t (*gpu_now)(void);  // of the virtual GPU, or NULL
  atomic_bool stop;
};

// One random action on one random slot.
void soak_act(SoakRound *round, uint64_t *random);
// Waits for all that is in flight and lets everything go.
void soak_drain(SoakRound *round);
// Notes a call that had no right to its status.
void soak_complain(SoakRound *round, const char *call, sporkle_status status);

// Makes an operation take 0.1 s on the device's virtual clock, or says why it has none.
bool soak_clock_start(SoakRound *round, char message[512]);
double soak_clock_s(const SoakRound *round);

// Whether faults can be injected into this device; a message says why not.
bool soak_faults_possible(const SoakRound *round, char message[512]);
// Injects faults until the round stops, and takes them back.
void soak_inject(SoakRound *round, uint64_t *random);
