/* What cachegrind looks at: operations on the null device, on tensors larger than
 * the simulated last level. `own` only fills inputs and reads outputs, `mapped`
 * does so in an executor's slots around an operation, `staging` has ordinary
 * arrays and a copy in and a copy out besides, as a device without mapping needs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sporkle.h"

enum { side = 1024, operations = 4 };
static const uint64_t bytes = (uint64_t)side * side * 4;

/* Names that cachegrind's output is read by. */
__attribute__((noinline)) static void caller_fills(float *to, float value) {
  for (uint64_t i = 0; i < bytes / 4; ++i) to[i] = value;
}

__attribute__((noinline)) static int caller_reads(const float *from, float value) {
  int wrong = 0;
  for (uint64_t i = 0; i < bytes / 4; ++i) wrong += from[i] != value;
  return wrong;
}

__attribute__((noinline)) static void copy_tensor(float *to, const float *from) {
  memcpy(to, from, bytes);
}

static int check(sporkle_status status, const char *what) {
  if (status == SPORKLE_OK) return 1;
  fprintf(stderr, "cache_traffic: %s: %s\n", what, sporkle_status_name(status));
  exit(1);
}

static int one(sporkle_executor executor, sporkle_plan plan, const char *mode, float *x, float *y,
               float value) {
  sporkle_slot slot = SPORKLE_SLOT_INIT;
  check(sporkle_executor_acquire(executor, SPORKLE_TIMEOUT_INFINITE, &slot), "acquire");
  const int staging = strcmp(mode, "staging") == 0, works = strcmp(mode, "own") != 0;
  caller_fills(staging ? x : slot.input, value);
  if (staging) copy_tensor(slot.input, x);
  sporkle_fence fence = NULL;
  if (works) {
    check(sporkle_executor_submit(executor, slot.index, plan, &fence), "submit");
    check(sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE), "wait");
  }
  if (staging) copy_tensor(y, slot.output);
  const int wrong = caller_reads(staging ? y : slot.output, 2 * value);
  check(sporkle_executor_release(executor, slot.index), "release");
  return works && wrong != 0;
}

int main(int argc, char **argv) {
  const char *mode = argc > 1 ? argv[1] : "mapped";
  sporkle_context context;
  uint32_t device;
  check(sporkle_context_create(NULL, &context), "context");
  check(sporkle_device_find(context, "null", &device), "device");
  sporkle_conv2d_desc problem;
  sporkle_conv2d_desc_init(&problem);
  sporkle_conv2d_desc_set(&problem, 1, 1, side, side, 1, 1, 1, 0);
  const float weight = 2;
  sporkle_plan plan;
  check(sporkle_plan_create(context, device, &problem, &weight, NULL, &plan), "plan");
  sporkle_executor_desc desc;
  sporkle_executor_desc_init(&desc);
  desc.device = device;
  desc.slot_count = 2;
  desc.input_size = desc.output_size = bytes;
  sporkle_executor executor;
  check(sporkle_executor_create(context, &desc, &executor), "executor");
  float *x = calloc(1, bytes), *y = calloc(1, bytes);
  if (x == NULL || y == NULL) return 1;
  int wrong = 0;
  for (int i = 0; i < operations; ++i) wrong += one(executor, plan, mode, x, y, (float)(i + 1));
  free(x);
  free(y);
  sporkle_executor_destroy(executor);
  sporkle_plan_destroy(plan);
  sporkle_context_destroy(context);
  printf("%s: %d operations, %d wrong\n", mode, operations, wrong);
  return wrong != 0;
}
