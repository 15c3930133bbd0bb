/* A C window on the table of handles, and on the moment at which it grows. */
#ifndef SPORKLE_TESTS_UNIT_OBJECTS_SHIM_H
#define SPORKLE_TESTS_UNIT_OBJECTS_SHIM_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Enters the library as a context does. */
void shim_objects_enter(void);
/* A live object's handle, or null when there is none left. */
void *shim_object_make(void);
int shim_object_lives(const void *handle);
int shim_object_destroy(void *handle);

/* The calling thread's next mmap in the library's code calls `held` first. */
void shim_hold_next_mmap(void (*held)(void));

#ifdef __cplusplus
}
#endif

#endif
