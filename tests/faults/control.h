// The fault provider from a test's side, and what the fault tests share.
#pragma once

#include "support/job.h"

typedef struct Control {
  bool (*plan)(const char *text);
  void (*clear)(void);
  uint64_t (*struck)(const char *name);
  uint64_t (*calls)(const char *name);
  int64_t (*live_objects)(void);
  const char *(*last_function)(void);
} Control;

extern Control control;

// Skips the program, with the reason printed, where the provider does not stand
// before the driver.
void control_load(void);

// A function of the virtual GPU, gpu/control.h. Skips the program, with the reason
// printed, where there is none below the provider.
void gpu_take(const char *name, void *out_function);

// Plans faults, see provider/plan.h; fails the test on a mistake in the text.
void plan_faults(const char *text);

// Opens a world on the OpenGL device with faults planned beforehand (may be
// NULL). With `asynchronous` the driver's sync objects are born pending, so
// that the library uses completion words; those of llvmpipe never are.
void world_open_gl(World *world, const char *faults, bool asynchronous);
// As it, where the device may be refused. Returns whether there is one.
bool world_try_gl(World *world, const char *faults);
// Drops all faults, closes and checks that no object and no memory is left.
void world_close_gl(World *world);

// OpenGL objects that are alive, once what was released has been deleted.
int64_t settled_objects(void);
// Waits until no more are alive; less when something idle has been given back.
void expect_no_more_objects(int64_t before);

// Submits the job, and waits for its end with a bound.
sporkle_status job_run(Job *job);
void job_end_fence(Job *job);

// After a hang nobody waits for the device: until it has been opened again.
void await_device(World *world);

// Each fence fails with DEVICE_LOST within `limit_ns` of `start`; destroys them.
uint64_t expect_all_lost(sporkle_fence *fences, int count, uint64_t start, uint64_t limit_ns);

// Plan and buffers, submit, wait, map and compare; the first failure ends it. The
// tensors of the job are made already.
sporkle_status run_on_buffers(World *world, Job *job, uint64_t timeout_ns);

// The next submission is lost within 100 ms and takes no other device along;
// the device comes back.
void expect_loss(const char *faults);

extern const struct CMUnitTest sync_tests[], reset_tests[], memory_tests[], start_tests[],
    word_tests[], walk_tests[], virtual_tests[], hang_tests[], every_tests[], split_tests[],
    retry_tests[], beside_tests[], tune_tests[], store_tests[];
extern const size_t sync_test_count, reset_test_count, memory_test_count, start_test_count,
    word_test_count, walk_test_count, virtual_test_count, hang_test_count,
    every_test_count, split_test_count, retry_test_count, beside_test_count, tune_test_count,
    store_test_count;
