/* A C window on the heap that divides one block of memory. */
#ifndef SPORKLE_TESTS_UNIT_HEAP_SHIM_H
#define SPORKLE_TESTS_UNIT_HEAP_SHIM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct shim_heap shim_heap;
shim_heap *shim_heap_create(uint64_t bytes);
void shim_heap_destroy(shim_heap *heap);
/* The chunk, or null. */
void *shim_heap_take(shim_heap *heap, uint64_t bytes, uint64_t *offset, uint64_t *size);
void shim_heap_give(shim_heap *heap, void *chunk);
uint64_t shim_heap_taken(shim_heap *heap);

#ifdef __cplusplus
}
#endif

#endif
