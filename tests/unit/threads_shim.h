/* A C window on the CPU device's threads. */
#ifndef SPORKLE_TESTS_UNIT_THREADS_SHIM_H
#define SPORKLE_TESTS_UNIT_THREADS_SHIM_H

#include <stdint.h>

#include "sporkle.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct shim_threads shim_threads;
shim_threads *shim_threads_create(uint32_t threads);
void shim_threads_destroy(shim_threads *pool);
int shim_threads_worth(shim_threads *pool, uint64_t ns);
void shim_threads_run(shim_threads *pool, uint32_t count, sporkle_task task, void *data);

#ifdef __cplusplus
}
#endif

#endif
