// What a plan does before its first call, so that the call does not pay for it: drivers make
// machine code of a program at its first dispatch. And a plan for a part of a batch.
#pragma once

#include "backends/gl/dispatch.h"
#include "backends/gl/submission_thread.h"

namespace sporkle::gl {

// A problem, and the recipe that computes it.
struct Part {
  ConvProblem problem;
  Recipe recipe;
};

// The first images of a problem, computed by the programs and packed weights of `whole`: each
// output has the same bits. False where its kernel does not take the part as it took the whole.
bool take_part(const Recipe& whole, const ConvProblem& problem, int64_t images,
               const Limits& limits, std::pmr::memory_resource* memory, Part* out);

// The least that runs every program of `whole`: one image, else the whole.
Part least_part(const Recipe& whole, const ConvProblem& problem, const Limits& limits,
                std::pmr::memory_resource* memory);

// One workgroup of every program, without waiting for the GPU: on the reserved workspace, and
// scratch memory for all tensors at once where they do not fit into that too. Where there is no
// memory for it the first call pays. Throws DEVICE_LOST.
void warm_up(SubmissionThread& thread, const Part& part, std::span<const GLuint> programs,
             const BufferObject& packed, std::pmr::memory_resource* memory);

// Of the texts of a recipe's programs.
uint64_t program_hash(const Recipe& recipe);

}  // namespace sporkle::gl
