// An allocator for the library that can run out of memory, and counts.
#pragma once

#include <stdatomic.h>

#include "sporkle.h"

typedef struct SoakPurse {
  sporkle_allocator callbacks;
  atomic_llong live, blocks;
  atomic_int one_in;  // of that many requests one fails; 0: none
  atomic_ullong random;
} SoakPurse;

void soak_purse_init(SoakPurse *purse, uint64_t seed);
