#include "tools/soak_purse.h"

#include <stdlib.h>
#include <string.h>

#include "tools/random.h"

static void *purse_alloc(void *user, uint64_t size, uint64_t alignment) {
  SoakPurse *purse = user;
  const int one_in = atomic_load(&purse->one_in);
  if (one_in > 0) {
    uint64_t state = atomic_fetch_add(&purse->random, 0x9e3779b97f4a7c15u) | 1u;
    if (random_next(&state) % (uint64_t)one_in == 0) return NULL;
  }
  if (size > UINT64_C(1) << 40) return NULL;
  const uint64_t step = alignment < sizeof(void *) ? sizeof(void *) : alignment;
  void *block = aligned_alloc(step, (size + step - 1) / step * step);
  if (block == NULL) return NULL;
  atomic_fetch_add(&purse->live, (long long)size);
  atomic_fetch_add(&purse->blocks, 1);
  return block;
}

static void purse_free(void *user, void *pointer, uint64_t size, uint64_t alignment) {
  SoakPurse *purse = user;
  (void)alignment;
  atomic_fetch_sub(&purse->live, (long long)size);
  atomic_fetch_sub(&purse->blocks, 1);
  free(pointer);
}

void soak_purse_init(SoakPurse *purse, uint64_t seed) {
  memset(purse, 0, sizeof *purse);
  purse->callbacks = (sporkle_allocator){purse_alloc, purse_free, purse};
  atomic_store(&purse->random, seed);
}
