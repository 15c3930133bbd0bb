/* A C window on what is known of dispatches that wait. */
#ifndef SPORKLE_TESTS_GL_DISPATCH_WAITS_SHIM_H
#define SPORKLE_TESTS_GL_DISPATCH_WAITS_SHIM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { shim_waits_period = 20 };

/* Nothing is known, and the next dispatch is number 0. */
void shim_waits_reset(void);
void shim_waits_count(uint64_t dispatches);
uint64_t shim_waits_next(void);
void shim_waits_learn(uint64_t first, uint32_t behind);
uint32_t shim_waits_padding(uint32_t behind);

#ifdef __cplusplus
}
#endif

#endif
