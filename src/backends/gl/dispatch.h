// Runs a recipe: the loop that recipe.h describes, and how long it takes.
#pragma once

#include "backends/gl/bound_state.h"
#include "backends/gl/gl_context.h"

namespace sporkle::gl {

// A tensor's place in a buffer object.
struct TensorPlace {
  GLuint name = 0;
  uint64_t offset = 0;
};

// Indexed by Tensor.
struct RecipeTensors {
  TensorPlace input, packed, residual, output, workspace, raw;
};

// What runs beside the recipe's main work.
struct Beside {
  void (*run)(void* data) noexcept = nullptr;
  void* data = nullptr;
};

// `programs` are the linked programs of recipe.programs, in that order. Emits no
// barrier before the first dispatch, and of the bindings what differs from `bound`.
// `beside` is called once, before the first dispatch that reads packed weights and
// behind its barrier: transforms are too short to hide anything.
void dispatch_recipe(const GladGLContext& gl, const Recipe& recipe, const GLuint* programs,
                     const RecipeTensors& tensors, BoundState& bound,
                     Beside beside = {}) noexcept;

// The index of that dispatch among the recipe's; their number when there is none.
uint32_t main_dispatch(const Recipe& recipe) noexcept;

// Whether a barrier is among the recipe's dispatches. It orders everything before it,
// copies included.
bool has_barrier(const Recipe& recipe) noexcept;

// The same where nothing is known of the bindings.
inline void dispatch_recipe(const GladGLContext& gl, const Recipe& recipe,
                            const GLuint* programs, const RecipeTensors& tensors) noexcept {
  BoundState bound;
  dispatch_recipe(gl, recipe, programs, tensors, bound);
}

// Packs weights on the device, for a recipe with `packing`: `packers` are the linked
// programs of recipe.packers. A barrier is issued behind it.
void dispatch_packing(const GladGLContext& gl, const Recipe& recipe, const GLuint* packers,
                      GLuint raw, uint64_t weights_bytes, uint64_t bias_bytes,
                      GLuint packed) noexcept;

// How a recipe is timed: batches of runs with a barrier after each dispatch, between two
// timestamps. Warm-up ends when two batches agree, not before `least_warm_ns` (two batches
// agree at an idle clock as well) and not after `warm_ns`.
struct TimingRules {
  uint64_t least_warm_ns = 10'000'000;
  uint64_t warm_ns = 60'000'000;
  uint64_t batch_ns = 500'000;
  uint32_t batches = 15;
  double steady = 0.02;          // relative difference of two batches that agree
  uint64_t patience_ns = 10'000'000'000;  // longer than this: the driver hangs
};

struct Timing {
  bool ended = false;  // false: the driver did not finish in time, or knows no timestamps
  uint64_t median_ns = 0, fastest_ns = 0, slowest_ns = 0;  // of one run
  uint64_t warm_ns = 0;                                    // wall time until steady
};

// `context`: where the caller may give this thread up and be gone, with the recipe.
Timing time_recipe(const GladGLContext& gl, const Recipe& recipe, const GLuint* programs,
                   const RecipeTensors& tensors, const TimingRules& rules,
                   const GlContext* context = nullptr) noexcept;

}  // namespace sporkle::gl
