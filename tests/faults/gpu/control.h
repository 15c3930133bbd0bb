// The virtual GPU from a test's side; functions are found by dlsym.
//
// It has one queue and a clock of its own, in ns from 0. A dispatch takes its
// cost on that clock and has its effect at its end; everything else takes none.
// Two dispatches are `gpu_gap_ns` apart.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { gpu_gap_ns = 1000, gpu_record_limit = 32768 };

typedef enum GpuClock {
  GPU_IMMEDIATE,  // every command ends when it is recorded, as llvmpipe's do
  GPU_JUMP,       // stands; a sync object is pending for N polls, then the clock jumps to its end
  GPU_SCALED,     // runs N times as fast as real time
  GPU_MANUAL      // stands until gpu_advance
} GpuClock;

// Starts in the mode that TEST_GPU names, "immediate", "jump=N", "scaled=N" or
// "manual"; without it scaled=1.
void gpu_set_clock(GpuClock clock, uint64_t number);
// Runs what ends until then.
void gpu_advance(uint64_t ns);
uint64_t gpu_now(void);

// What dispatches of convolutions cost that are recorded from now on.
void gpu_set_cost(uint64_t fixed_ns, uint64_t per_group_ns);
// And the next `count` of them, before that holds again.
void gpu_set_next_costs(const uint64_t *ns, uint32_t count);

// And the next `count` of the direct kernel with so many channels and pixels per thread.
void gpu_set_costs_of(int channels, int pixels, uint64_t count, uint64_t ns);
// While a compiler works a GPU's clock falls: from now on dispatches after a program was linked
// take `factor` times as long, until the device has worked for `busy_ns`; fills of scratch
// tensors, which take none else, take gpu_fill_ns of work. 0: not.
enum { gpu_fill_ns = 50000 };
void gpu_set_clock_fall(uint64_t busy_ns, uint64_t factor);

// Dispatches of convolutions since gpu_forget(), in order of the queue; those
// that have ended.
void gpu_forget(void);
uint64_t gpu_queued(void);
uint64_t gpu_ended(void);
// When the index-th of them begins and ends; UINT64_MAX when it is not queued yet.
uint64_t gpu_begin_ns(uint64_t index);
uint64_t gpu_end_ns(uint64_t index);
// Dispatches since the start whose reads or writes met a write of an earlier one, or whose
// writes met a read, with no barrier between; and accesses outside of a binding.
uint64_t gpu_hazards(void);
uint64_t gpu_stray_accesses(void);
// Copies by shaders since the start.
uint64_t gpu_shader_copies(void);
// From now on every period-th dispatch waits for those before it: `ns` where work lies before
// it with no barrier between. How often that was since. 0: never.
void gpu_set_waits(uint64_t period, uint64_t ns);
uint64_t gpu_waits(void);
// Timestamps asked for since the start.
uint64_t gpu_timestamps(void);
