// Preloaded before the sporkle program: a device that computes wrongly. The
// real library does all the work; one operation's output is then changed.
//
// SPOIL=KIND:N   spoils operation N (from 0) of plan_run, or of the executor:
//   wrong  the last output is off by 1
//   nan    the last output is NaN
//   keep   the output keeps what it held before
//   stop   nothing is spoiled; the process stops itself before the operation
#include <dlfcn.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sporkle.h"

enum { SLOTS = 256 };

static sporkle_slot slots[SLOTS];

// ISO C has no cast from an object pointer to a function pointer.
static void find_real(const char *name, void *out_function) {
  void *address = dlsym(RTLD_NEXT, name);
  if (!address) abort();
  memcpy(out_function, &address, sizeof address);
}

// The kind of spoiling when this is the operation to spoil, else "".
static const char *kind_of(long operation) {
  static char kind[8];
  const char *spoil = getenv("SPOIL");
  long chosen = -1;
  if (!spoil || sscanf(spoil, "%7[a-z]:%ld", kind, &chosen) != 2) abort();
  return chosen == operation ? kind : "";
}

// What the output held, when it has to be kept.
static float *before(const char *kind, const float *output, uint64_t bytes) {
  if (strcmp(kind, "stop") == 0) raise(SIGSTOP);
  if (strcmp(kind, "keep") != 0) return NULL;
  float *old = malloc(bytes);
  if (!old) abort();
  memcpy(old, output, bytes);
  return old;
}

static void after(const char *kind, float *old, float *output, uint64_t bytes) {
  float *last = output + bytes / sizeof *output - 1;
  if (strcmp(kind, "wrong") == 0) *last += 1.0f;
  if (strcmp(kind, "nan") == 0) *last = NAN;
  if (old) memcpy(output, old, bytes);
  free(old);
}

// plan_run does not say how large the output is, so plans are remembered.
static struct {
  sporkle_plan plan;
  uint64_t output_bytes;
} plans[64];
static int plan_count;

static uint64_t output_bytes_of(sporkle_plan plan) {
  for (int i = plan_count - 1; i >= 0; --i) {
    if (plans[i].plan == plan) return plans[i].output_bytes;
  }
  abort();
}

static void remember(sporkle_plan plan, const sporkle_conv2d_desc *last) {
  sporkle_conv2d_info info = SPORKLE_CONV2D_INFO_INIT;
  if (plan_count == 64 || sporkle_conv2d_describe(last, &info) != SPORKLE_OK) abort();
  plans[plan_count].plan = plan;
  plans[plan_count++].output_bytes = info.output_size;
}

SPORKLE_EXPORT sporkle_status sporkle_plan_create(sporkle_context context, uint32_t device,
                                                  const sporkle_conv2d_desc *desc,
                                                  const float *weights, const float *bias,
                                                  sporkle_plan *out_plan) {
  sporkle_status (*real)(sporkle_context, uint32_t, const sporkle_conv2d_desc *, const float *,
                         const float *, sporkle_plan *);
  find_real("sporkle_plan_create", &real);
  const sporkle_status status = real(context, device, desc, weights, bias, out_plan);
  if (status == SPORKLE_OK) remember(*out_plan, desc);
  return status;
}

SPORKLE_EXPORT sporkle_status sporkle_plan_sequence(sporkle_context context, uint32_t device,
                                                    const sporkle_sequence_step *steps,
                                                    uint32_t count, sporkle_plan *out_plan) {
  sporkle_status (*real)(sporkle_context, uint32_t, const sporkle_sequence_step *, uint32_t,
                         sporkle_plan *);
  find_real("sporkle_plan_sequence", &real);
  const sporkle_status status = real(context, device, steps, count, out_plan);
  if (status == SPORKLE_OK) remember(*out_plan, steps[count - 1].desc);
  return status;
}

SPORKLE_EXPORT sporkle_status sporkle_plan_run(sporkle_plan plan, const float *input,
                                               const float *residual, float *output,
                                               sporkle_conv2d_result *out_result) {
  static long operations;
  sporkle_status (*real)(sporkle_plan, const float *, const float *, float *,
                         sporkle_conv2d_result *);
  find_real("sporkle_plan_run", &real);
  const uint64_t bytes = output_bytes_of(plan);
  const char *kind = kind_of(operations++);
  float *old = before(kind, output, bytes);
  const sporkle_status status = real(plan, input, residual, output, out_result);
  after(kind, old, output, bytes);
  return status;
}

SPORKLE_EXPORT sporkle_status sporkle_executor_acquire(sporkle_executor executor,
                                                       uint64_t timeout_ns,
                                                       sporkle_slot *out_slot) {
  sporkle_status (*real)(sporkle_executor, uint64_t, sporkle_slot *);
  find_real("sporkle_executor_acquire", &real);
  const sporkle_status status = real(executor, timeout_ns, out_slot);
  if (status == SPORKLE_OK) slots[out_slot->index] = *out_slot;
  return status;
}

SPORKLE_EXPORT sporkle_status sporkle_executor_submit(sporkle_executor executor, uint32_t slot,
                                                      sporkle_plan plan,
                                                      sporkle_fence *out_fence) {
  static long operations;
  sporkle_status (*real)(sporkle_executor, uint32_t, sporkle_plan, sporkle_fence *);
  find_real("sporkle_executor_submit", &real);
  const char *kind = kind_of(operations++);
  float *old = before(kind, slots[slot].output, slots[slot].output_size);
  const sporkle_status status = real(executor, slot, plan, out_fence);
  if (status == SPORKLE_OK && kind[0] != '\0') {
    sporkle_fence_wait(*out_fence, SPORKLE_TIMEOUT_INFINITE);
  }
  after(kind, old, slots[slot].output, slots[slot].output_size);
  return status;
}
