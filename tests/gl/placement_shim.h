/* A C window on the choice of placement. Kinds: upload, readback, shared. */
#ifndef SPORKLE_TESTS_GL_PLACEMENT_SHIM_H
#define SPORKLE_TESTS_GL_PLACEMENT_SHIM_H

#include <stdint.h>

#include "sporkle.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where the tuner puts input and output while it times candidates for a problem:
 * "mapped" or "local". */
void shim_trial_forms(const char *vendor, const char *renderer, int software,
                      const sporkle_conv2d_desc *desc, const char *out[2]);

/* GB/s, the same for every kind; [1] with client storage. */
typedef struct shim_rates {
  double cpu_write[2], cpu_read[2], gpu_read[2], gpu_write[2], copy[2];
  double local_read, local_write;
} shim_rates;

typedef struct shim_placement {
  const char *form[3];
  int client_storage[3];
  uint64_t block_bytes;
  int overruled;
} shim_placement;

/* The form of a buffer of that kind and size, by profile. */
const char *shim_form_of(const char *vendor, const char *renderer, int kind, uint64_t bytes);
const char *shim_platform(const char *vendor, const char *renderer, int integrated, int software);
shim_placement shim_place(const char *vendor, const char *renderer, int integrated, int software,
                          int storage, const shim_rates *measured);

#ifdef __cplusplus
}
#endif

#endif
