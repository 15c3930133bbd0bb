/* C doors into driver_thread.h for exit.c. */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

/* A thread that stays in a call of its driver, or one that sleeps between two calls,
 * given up by its owner. Each registers its exit handler. 0 when there is no thread. */
int shim_start_hung(void);
int shim_start_asleep(void);

#ifdef __cplusplus
}
#endif
