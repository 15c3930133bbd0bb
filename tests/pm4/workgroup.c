#include "workgroup.h"

#include <string.h>
#include <ucontext.h>

#include "tools/random.h"

enum { STACK_BYTES = 64 * 1024 };

WorkItem work_item;

// Bounds that the linker gives to the section; all kernels' LDS lies in it.
extern uint32_t __start_lds[], __stop_lds[];

static struct {
  ucontext_t scheduler, items[WORKGROUP_MOST];
  bool ended[WORKGROUP_MOST];
  int running;
  void (*body)(const void *);
  const void *argument;
} fibres;

static _Alignas(64) char stacks[WORKGROUP_MOST][STACK_BYTES];

void workgroup_barrier(void) {
  swapcontext(&fibres.items[fibres.running], &fibres.scheduler);
}

static void fibre(void) {
  fibres.body(fibres.argument);
  fibres.ended[fibres.running] = true;
}

static void start(int threads) {
  for (int i = 0; i < threads; ++i) {
    getcontext(&fibres.items[i]);
    fibres.items[i].uc_stack.ss_sp = stacks[i];
    fibres.items[i].uc_stack.ss_size = STACK_BYTES;
    fibres.items[i].uc_link = &fibres.scheduler;
    makecontext(&fibres.items[i], fibre, 0);
    fibres.ended[i] = false;
  }
}

// Every work-item up to its next barrier or its end; how many ended.
static int run_round(int threads, uint64_t *state) {
  const int first = (int)(random_next(state) >> 33) % threads;
  const bool backwards = random_next(state) >> 63;
  int ended = 0;
  for (int i = 0; i < threads; ++i) {
    const int item = backwards ? (first + threads - i) % threads : (first + i) % threads;
    if (!fibres.ended[item]) {
      fibres.running = item;
      work_item.local = item;
      swapcontext(&fibres.scheduler, &fibres.items[item]);
    }
    ended += fibres.ended[item];
  }
  return ended;
}

static bool run_one(int threads, uint64_t *state, int64_t *barriers) {
  static const uint32_t nan = 0x7fa5a5a5u;
  for (uint32_t *word = __start_lds; word < __stop_lds; ++word) memcpy(word, &nan, sizeof nan);
  start(threads);
  for (;;) {
    const int ended = run_round(threads, state);
    if (ended == threads) return true;
    if (ended != 0) return false;
    ++*barriers;
  }
}

bool workgroups_run(void (*body)(const void *), const void *argument, const uint32_t groups[3],
                    int threads, uint64_t seed, WorkgroupCounts *counts) {
  uint64_t state = seed * 0x9e3779b97f4a7c15u | 1u;
  fibres.body = body;
  fibres.argument = argument;
  for (uint32_t z = 0; z < groups[2]; ++z) {
    for (uint32_t y = 0; y < groups[1]; ++y) {
      for (uint32_t x = 0; x < groups[0]; ++x) {
        work_item = (WorkItem){0, {(int)x, (int)y, (int)z}};
        if (!run_one(threads, &state, &counts->barriers)) return false;
        ++counts->workgroups;
      }
    }
  }
  return true;
}
