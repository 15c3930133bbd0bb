// One context of `sporkle soak --memory`, the buffers that live on it, and its thread.
#pragma once

#include "tools/session.h"
#include "tools/soak_memory.h"
#include "tools/soak_purse.h"

enum { TENANT_MOST_BUFFERS = 600, TENANT_MOST_SAMPLES = 4096 };

typedef struct Held {
  sporkle_buffer buffer;
  uint64_t size, mark;
} Held;

typedef struct Tenant {
  // Set by the caller before it opens and, for start_ns, before it lives.
  const SoakOptions *options;
  const SoakCase *conv;
  int64_t start_ns;
  uint64_t random;
  pthread_t thread;

  SoakPurse purse;
  Session session;
  sporkle_plan plan;
  sporkle_buffer input, output;
  Held held[TENANT_MOST_BUFFERS];
  uint32_t count, target;
  SoakMemoryOutcome sum;
  double samples[SOAK_PHASES][TENANT_MOST_SAMPLES]; // steps per second
  int sample_count[SOAK_PHASES];
} Tenant;

// Context, plan and the buffers of its convolution. Returns a TOOL_* code; close
// it either way.
int tenant_open(Tenant *t);
// The body of its thread: phases in turn until the seconds are over or something broke.
void *tenant_live(void *tenant);
// Counts what is left over.
void tenant_close(Tenant *t);
