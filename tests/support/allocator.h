// An allocator that counts, checks what is given back, and fails on demand.
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "support/test.h"

typedef struct CountingAllocator {
  sporkle_allocator callbacks;
  atomic_llong allocations;  // attempts, failed ones included
  atomic_llong live;         // allocations not given back
  atomic_llong live_bytes, peak_bytes;
  atomic_llong errors;       // misaligned requests, wrong sizes on free
  atomic_llong fail_at;      // attempt (from 1) that fails; 0: none
  atomic_bool persistent;    // all from fail_at on
  // Called first with each size, where a test sets it before it opens the context.
  void (*before)(void *user, uint64_t size);
  void *before_user;
} CountingAllocator;

void counting_allocator_init(CountingAllocator *allocator);

// The `attempt`-th allocation from now (from 1) fails; 0: none does.
void counting_allocator_fail(CountingAllocator *allocator, int64_t attempt, bool persistent);
