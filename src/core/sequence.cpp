#include "core/sequence.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

#include "core/plan.h"

namespace sporkle {

namespace {

// Shape of a tensor of the sequence: images, channels, rows, columns.
struct Shape {
  int64_t n, c, h, w;
  bool operator==(const Shape&) const = default;
};

Shape input_shape(const ConvProblem& p) noexcept { return {p.n, p.c, p.h, p.w}; }
Shape output_shape(const ConvProblem& p) noexcept { return {p.n, p.k, p.out_h, p.out_w}; }

Shape tensor_shape(SequenceSteps steps, uint32_t tensor) noexcept {
  return tensor == 0 ? input_shape(steps[0].problem) : output_shape(steps[tensor - 1].problem);
}

void check_source(SequenceSteps steps, uint32_t step, uint32_t tensor, const char* field,
                  const Shape& wanted) {
  if (tensor > step) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "steps[%u].%s: tensor %u is not an earlier one", step,
         field, tensor);
  }
  const Shape have = tensor_shape(steps, tensor);
  if (have == wanted) return;
  fail(SPORKLE_ERROR_INVALID_ARGUMENT,
       "steps[%u].%s: tensor %u is %" PRId64 "x%" PRId64 "x%" PRId64 "x%" PRId64
       ", the step takes %" PRId64 "x%" PRId64 "x%" PRId64 "x%" PRId64,
       step, field, tensor, have.n, have.c, have.h, have.w, wanted.n, wanted.c, wanted.h,
       wanted.w);
}

void check_step(SequenceSteps steps, uint32_t index) {
  const SequenceStep& step = steps[index];
  check_source(steps, index, step.input, "input", input_shape(step.problem));
  if (step.problem.has_residual != (step.residual != sequence_none)) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "steps[%u].residual: %s SPORKLE_CONV2D_RESIDUAL", index,
         step.problem.has_residual ? "none, but desc.flags has" : "given, but desc.flags lacks");
  }
  if (step.problem.has_residual) {
    check_source(steps, index, step.residual, "residual", output_shape(step.problem));
  }
  try {
    check_weights(step.problem, step.weights, step.bias);
  } catch (const Error& error) {
    fail(error.status, "steps[%u].%.200s", index, error.reason.text);
  }
}

uint64_t round_up(uint64_t value, uint64_t alignment) {
  if (value > UINT64_MAX - (alignment - 1)) fail(SPORKLE_ERROR_OVERFLOW, "steps: arena");
  return (value + alignment - 1) / alignment * alignment;
}

bool live_together(const Placement& a, const Placement& b) noexcept {
  return a.born <= b.dies && b.born <= a.dies;
}

}  // namespace

Extent extent_of(const ConvProblem& problem) noexcept {
  return {problem.input_bytes(), problem.residual_bytes(), problem.output_bytes(),
          problem.flops(), 1};
}

Extent extent_of(SequenceSteps steps) {
  Extent extent{steps.front().problem.input_bytes(), 0, steps.back().problem.output_bytes(), 0,
                static_cast<uint32_t>(steps.size())};
  for (const SequenceStep& step : steps) {
    if (__builtin_add_overflow(extent.flops, step.problem.flops(), &extent.flops)) {
      fail(SPORKLE_ERROR_OVERFLOW, "steps: the number of FLOPs does not fit");
    }
  }
  return extent;
}

void check_sequence(SequenceSteps steps) {
  for (uint32_t i = 0; i < steps.size(); ++i) check_step(steps, i);
  for (uint32_t i = 0; i + 1 < steps.size(); ++i) {
    const bool read = std::any_of(steps.begin() + i + 1, steps.end(), [&](const auto& later) {
      return later.input == i + 1 || later.residual == i + 1;
    });
    if (read) continue;
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "steps[%u]: no later step reads its output", i);
  }
}

uint64_t place(std::span<Placement> tensors, uint64_t alignment) {
  uint64_t total = 0;
  for (size_t i = 0; i < tensors.size(); ++i) {
    Placement& tensor = tensors[i];
    if (tensor.bytes == 0) continue;
    if (tensor.heir_of != sequence_none) {
      tensor.offset = tensors[tensor.heir_of].offset;
      continue;
    }
    // The lowest gap: after each conflict, start behind it and look again.
    tensor.offset = 0;
    for (bool moved = true; moved;) {
      moved = false;
      for (size_t j = 0; j < i; ++j) {
        const Placement& other = tensors[j];
        if (other.bytes == 0 || !live_together(tensor, other)) continue;
        if (tensor.offset >= other.offset + other.bytes ||
            other.offset >= tensor.offset + tensor.bytes) {
          continue;
        }
        tensor.offset = round_up(other.offset + other.bytes, alignment);
        moved = true;
      }
    }
    uint64_t end;
    if (__builtin_add_overflow(tensor.offset, tensor.bytes, &end)) {
      fail(SPORKLE_ERROR_OVERFLOW, "steps: the tensors between them do not fit");
    }
    total = std::max(total, end);
  }
  return round_up(total, alignment);
}

std::pmr::vector<Placement> lifetimes(SequenceSteps steps, std::pmr::memory_resource* memory) {
  const auto count = static_cast<uint32_t>(steps.size());
  std::pmr::vector<Placement> tensors(count + 1, memory);
  for (uint32_t i = 0; i + 1 < count; ++i) {
    tensors[i + 1] = {steps[i].problem.output_bytes(), i, i, sequence_none, 0};
  }
  for (uint32_t i = 0; i < count; ++i) {
    tensors[steps[i].input].dies = i;
    if (steps[i].residual != sequence_none) tensors[steps[i].residual].dies = i;
  }
  for (uint32_t i = 0; i + 1 < count; ++i) {
    const uint32_t residual = steps[i].residual;
    if (residual == sequence_none || residual == steps[i].input || residual == 0) continue;
    if (tensors[residual].dies == i) tensors[i + 1].heir_of = residual;
  }
  return tensors;
}

}  // namespace sporkle
