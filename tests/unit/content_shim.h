/* A C window on the hash that stands for the content of weights. */
#ifndef SPORKLE_TESTS_UNIT_CONTENT_SHIM_H
#define SPORKLE_TESTS_UNIT_CONTENT_SHIM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct shim_digest {
  uint64_t low, high;
} shim_digest;

typedef struct shim_hash shim_hash;
/* A random key. Null: no random numbers. */
shim_hash *shim_hash_create(void);
void shim_hash_destroy(shim_hash *hash);
/* With the key of another one; `vectors` 0: without SIMD, 1: AVX2 at most. */
shim_hash *shim_hash_twin(const shim_hash *hash, int vectors);
/* The tasks of a parallel digest run last to first. */
shim_digest shim_hash_digest(const shim_hash *hash, const void *first, uint64_t first_bytes,
                             const void *second, uint64_t second_bytes, int parallel);

#ifdef __cplusplus
}
#endif

#endif
