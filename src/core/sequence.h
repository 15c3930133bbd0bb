// A chain of convolutions as one plan: checked steps, and where the tensors
// between them lie.
#pragma once

#include <memory_resource>
#include <span>
#include <vector>

#include "core/conv_problem.h"

namespace sporkle {

constexpr uint32_t sequence_limit = SPORKLE_SEQUENCE_LIMIT;
constexpr uint32_t sequence_none = SPORKLE_SEQUENCE_NONE;

// Tensor 0 is the input of the sequence, tensor i + 1 the output of step i, the
// last one the output of the sequence.
struct SequenceStep {
  ConvProblem problem;
  const float* weights;
  const float* bias;  // null without bias
  uint32_t input;     // number of an earlier tensor
  uint32_t residual;  // the same, or sequence_none
};
using SequenceSteps = std::span<const SequenceStep>;

// What one operation of a plan reads, writes and computes.
struct Extent {
  uint64_t input_bytes = 0, residual_bytes = 0, output_bytes = 0;
  uint64_t flops = 0;
  uint32_t convolutions = 1;
};
Extent extent_of(const ConvProblem& problem) noexcept;
// Throws OVERFLOW.
Extent extent_of(SequenceSteps steps);

// Whether tensor numbers, shapes and arrays fit together. Throws
// INVALID_ARGUMENT naming the step.
void check_sequence(SequenceSteps steps);

// A stretch of time, counted in steps, for which a tensor keeps its memory.
struct Placement {
  uint64_t bytes = 0;  // 0: lives elsewhere
  uint32_t born = 0, dies = 0;  // both inclusive
  // Takes over the memory of this tensor, which dies as this one is born; or
  // sequence_none.
  uint32_t heir_of = sequence_none;
  uint64_t offset = 0;  // the answer
};

// Gives tensors that live at the same time disjoint stretches of one arena.
// Offsets are multiples of `alignment`. Returns the bytes of the arena. Throws
// OVERFLOW.
uint64_t place(std::span<Placement> tensors, uint64_t alignment);

// One placement per tensor of the steps, each kept from the step that writes it
// to the last one that reads it. Input and output of the sequence live
// elsewhere. A sum takes the place of the residual that nobody reads after it.
std::pmr::vector<Placement> lifetimes(SequenceSteps steps, std::pmr::memory_resource* memory);

}  // namespace sporkle
