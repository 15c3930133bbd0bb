/* A preparation and the thread that ends it, seen from its job. */
#ifndef SPORKLE_TESTS_UNIT_PREPARATION_SHIM_H
#define SPORKLE_TESTS_UNIT_PREPARATION_SHIM_H

#include "sporkle.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct shim_preparation_seen {
  int ended_in_job;               /* the preparation, when its job has done all it does */
  sporkle_status fence_in_job;    /* a poll at that moment */
  sporkle_status settled;         /* what settle() threw, or SPORKLE_OK */
  sporkle_status fence_settled;   /* a poll behind settle() */
} shim_preparation_seen;

/* A job that succeeds, or fails with `failure`. */
void shim_preparation_run(sporkle_status failure, shim_preparation_seen *seen);

#ifdef __cplusplus
}
#endif

#endif
