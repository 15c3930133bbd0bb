/* A C window on the copy that two threads divide. */
#ifndef SPORKLE_TESTS_SHARED_COPY_SHIM_H
#define SPORKLE_TESTS_SHARED_COPY_SHIM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct shim_copy shim_copy;

shim_copy *shim_copy_create(void);
void shim_copy_destroy(shim_copy *copy);
/* 0: another caller's copy is under way. */
int shim_copy_begin(shim_copy *copy, void *to, const void *from, uint64_t bytes);
void shim_copy_finish(shim_copy *copy);
/* Whether there was something to help with. */
int shim_copy_help(shim_copy *copy);
int shim_copy_wanted(shim_copy *copy);

#ifdef __cplusplus
}
#endif

#endif
