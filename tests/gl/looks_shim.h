/* A C window on the schedule of looks at work in flight. Times in ns. */
#ifndef SPORKLE_TESTS_GL_LOOKS_SHIM_H
#define SPORKLE_TESTS_GL_LOOKS_SHIM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Work that began at `begin` and is predicted to run for `predicted`; it has not
   ended at `now`. */
int shim_spins(uint64_t begin, uint64_t predicted, uint64_t now);
int shim_stays_awake(uint64_t begin, uint64_t predicted, uint64_t now, int after_idle);
uint64_t shim_next_look(uint64_t begin, uint64_t predicted, uint64_t deviation, uint64_t now);

#ifdef __cplusplus
}
#endif

#endif
