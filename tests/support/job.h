// One problem prepared for asynchronous work: plan and buffers.
#pragma once

#include "support/tensors.h"
#include "support/world.h"

typedef struct Job {
  Tensors tensors;
  sporkle_plan plan;
  sporkle_buffer input, residual, output;
  sporkle_fence fence;
} Job;

// Usage of the buffers that job_prepare makes; 0 unless a test sets it.
extern uint32_t job_usage;

// Makes plan and buffers, copies and flushes the inputs.
void job_prepare(Job *job, World *world, const sporkle_conv2d_desc *desc, uint64_t seed);
sporkle_plan_bindings job_bindings(const Job *job);
void job_submit(Job *job);
// Invalidates the output and compares it with the oracle.
void job_check(Job *job);
// Whether the output buffer holds what job_prepare or job_clear wrote: nothing.
bool job_untouched(Job *job);
void job_clear(Job *job);
// Destroys what is not NULL.
void job_free(Job *job);

// Work that keeps the device busy for a while: null has its clock stopped, a
// real device gets long operations. Ended by hold_end, which waits for them.
typedef struct Hold {
  Job job;
  sporkle_fence fences[3];
  bool manual;
} Hold;

void hold_begin(Hold *hold, World *world);
void hold_end(Hold *hold, World *world);
