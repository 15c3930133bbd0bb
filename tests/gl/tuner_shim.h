/* The tuner and single kernels of the OpenGL backend, for tests. */
#ifndef SPORKLE_TESTS_GL_TUNER_SHIM_H
#define SPORKLE_TESTS_GL_TUNER_SHIM_H

#include <stdint.h>

#include "sporkle.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct shim_tuner shim_tuner;
enum { SHIM_BY_RULE, SHIM_BY_TIME, SHIM_REPRODUCIBLE, SHIM_NO_GRACE, SHIM_PROVEN };
enum { SHIM_NO_SPOIL, SHIM_SPOIL_COMPILE, SHIM_SPOIL_HANG, SHIM_SPOIL_RESULT, SHIM_ONLY };

/* A device with a cache directory, which with SHIM_BY_TIME times kernels although it is a
 * software driver (with SHIM_NO_GRACE for a twentieth of the wall time from the start on), and
 * with SHIM_PROVEN takes the rule's and verifies them; null when there is no device.
 * `spoil` says what happens to `variant` ("!name": to all others; may be null). */
shim_tuner *shim_tuner_open(const char *directory, int choice, int spoil, const char *variant);
void shim_tuner_close(shim_tuner *tuner);

typedef struct shim_tensors {
  const float *input, *weights, *bias, *residual;
  float *output;
} shim_tensors;

/* Makes a plan and runs it; `algorithm` has 48 bytes. */
sporkle_status shim_tuner_run(shim_tuner *tuner, const sporkle_conv2d_desc *desc,
                              const shim_tensors *tensors, char *algorithm);
/* Splits the batch of every run from now on; 1: not. */
void shim_tuner_split(shim_tuner *tuner, uint32_t pieces);
/* Warnings logged so far that contain `text`. */
int shim_tuner_warnings(const shim_tuner *tuner, const char *text);

/* Gives every tuned choice in the directory this content. Returns how many. */
int shim_tuner_overwrite(const char *directory, const char *content);
/* Makes every tuned choice one of another driver version, with this content. */
int shim_tuner_age(const char *directory, const char *content);

/* The catalogue. */
uint32_t shim_variant_count(void);
const char *shim_variant_name(uint32_t index);
/* Whether the variant takes the problem on the tuner's device. */
int shim_variant_accepts(shim_tuner *tuner, uint32_t index, const sporkle_conv2d_desc *desc);
/* Why it does not, on a device that has what OpenGL promises. */
void shim_variant_refusal(uint32_t index, const sporkle_conv2d_desc *desc, char *reason,
                          uint64_t capacity);
/* The rule's n-th choice, or null. */
const char *shim_rule_choice(shim_tuner *tuner, const sporkle_conv2d_desc *desc, uint32_t n);
/* The same on a device that lends so many bytes of workspace. */
const char *shim_rule_choice_within(const sporkle_conv2d_desc *desc, uint64_t workspace_bytes,
                                    uint32_t n);
/* The choice of a reproducible context; on hardware, or on a software driver. */
const char *shim_reproducible_choice(const sporkle_conv2d_desc *desc, int hardware);
/* Whether the programs of a reproducible context for this many images are those for desc->n. */
int shim_same_programs(uint32_t index, const sporkle_conv2d_desc *desc, int64_t images);
/* Nanoseconds that compiling the variant's programs is expected to take: at first, with all of
 * them there, after they took that (the packer is known then), twice as long, and half of that.
 * False: no such variant. */
int shim_compile_cost(const sporkle_conv2d_desc *desc, const char *variant, double *first,
                      double *known, double *met, double *slower, double *faster);

/* A day of trials of `longest_ns` at most, each begun as soon as it is allowed and
 * somebody asks, every `pause_ns`: the largest share of the time that was ever spent, looked at
 * from `from_ns` on. */
double shim_tuning_share(uint64_t longest_ns, uint64_t pause_ns, uint64_t from_ns);

#ifdef __cplusplus
}
#endif

#endif
