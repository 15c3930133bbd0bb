// The groups of the conformance suite: one body for every backend, through the
// public header only. Each group is one process.
#pragma once

#include "support/test.h"

typedef struct Group {
  const char *name;
  const char *checked;  // what the group checks, printed when it has passed
  int (*run)(void);     // number of failed tests
} Group;

#define GROUP(function, group_name, ...)                                    \
  int function(void) {                                                      \
    const struct CMUnitTest tests[] = {__VA_ARGS__};                        \
    return cmocka_run_group_tests_name(group_name, tests, NULL, NULL);      \
  }

// Leaves the process with work in flight: see unload.c.
int conformance_leave(const char *device, const char *way);

// Uses the library as programs do, without a log callback: see quiet.c.
int conformance_normal_use(const char *device);

int group_context(void);
int group_options(void);
int group_devices(void);
int group_conv2d(void);
int group_bad_input(void);
int group_values(void);
int group_plan(void);
int group_sequence(void);
int group_buffers(void);
int group_buffer_misuse(void);
int group_visibility(void);
int group_pressure(void);
int group_fences(void);
int group_export_fd(void);
int group_debug(void);
int group_waits(void);
int group_executor(void);
int group_executor_group(void);
int group_stats(void);
int group_errors(void);
int group_misuse(void);
int group_structs(void);
int group_allocator(void);
int group_teardown(void);
int group_null_clock(void);
int group_null_faults(void);
int group_fork(void);
int group_threads(void);
int group_parallel_for(void);
int group_environment(void);
int group_cache(void);
int group_table(void);
int group_unload(void);
int group_quiet(void);
int group_reproducible(void);
