/* C windows on C++ internals, for the unit tests. */
#ifndef SPORKLE_TESTS_UNIT_SHIM_H
#define SPORKLE_TESTS_UNIT_SHIM_H

#include <stdint.h>

#include "sporkle.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Fences on a pool and a timeline of their own. */
typedef struct shim_fences shim_fences;
shim_fences *shim_fences_create(uint32_t capacity);
void shim_fences_destroy(shim_fences *fences);
/* A fence that signals at `value` (relative to the creation). Null: exhausted. */
sporkle_fence shim_fence_make(shim_fences *fences, uint64_t value, int owned);
void shim_fence_fail(sporkle_fence fence, sporkle_status status);
void shim_fence_move(shim_fences *fences, sporkle_fence fence, uint32_t timeline, uint64_t value);
/* timeline 0 or 1 of the pool. */
void shim_publish(shim_fences *fences, uint32_t timeline, uint64_t value);
/* Announces that the value of timeline 0 is reached within `ns`. */
void shim_expect(shim_fences *fences, uint64_t value, uint64_t ns);
/* Makes room for `slots` more fences that belong to executors. */
sporkle_status shim_fences_grow(shim_fences *fences, uint32_t slots);
/* The number of live fences, found by looking at every slot of the pool. */
uint32_t shim_fences_visit(shim_fences *fences);
uint32_t shim_fences_used(shim_fences *fences);
uint32_t shim_fence_slot_size(void);

/* The cache store; with a log its warnings go there. */
typedef struct shim_cache shim_cache;
shim_cache *shim_cache_create(const char *directory);
shim_cache *shim_cache_create_logging(const char *directory, sporkle_log_callback log, void *user);
void shim_cache_destroy(shim_cache *cache);
int shim_cache_put(shim_cache *cache, const char *kind, const char *key, const void *data,
                   uint64_t size);
/* Returns the size, or -1 when there is no sound entry. */
int64_t shim_cache_get(shim_cache *cache, const char *kind, const char *key, void *data,
                       uint64_t capacity);
uint64_t shim_cache_bytes(shim_cache *cache);
uint64_t shim_cache_clear(shim_cache *cache);
void shim_cache_limit(shim_cache *cache, uint64_t bytes);
/* Whether memory is refused to the store from now on. */
void shim_cache_refuse_memory(shim_cache *cache, int refuse);

/* Options and log. */
int shim_text_is_off(const char *text);
/* Lets the library look at the environment; the warnings go to the callback. */
void shim_warn_unknown(sporkle_log_callback log, void *user);
void shim_warn_once(sporkle_log_callback log, void *user, const char *cause, int times);

/* Enters the library as a context does; `reset` runs in a forked child, once. */
void shim_process_enter(void (*reset)(void));
uint64_t shim_process_epoch(void);

/* Handles. */
void *shim_encode(uint64_t generation, uint32_t slot, uint32_t type);
void shim_decode(const void *handle, uint64_t *generation, uint32_t *slot, uint32_t *type);

#ifdef __cplusplus
}
#endif

#endif
