// Sequence plans.
#include <cinttypes>
#include <cstdio>

#include "api/boundary.h"
#include "api/problem.h"
#include "core/plan.h"

using namespace sporkle;

namespace {

const sporkle_sequence_step step_defaults = SPORKLE_SEQUENCE_STEP_INIT;

uint32_t size_of(const void* step) noexcept {
  uint32_t size;
  std::memcpy(&size, step, sizeof size);
  return size;
}

SequenceStep read_step(const sporkle_sequence_step* steps, uint32_t index) {
  char name[24];
  std::snprintf(name, sizeof name, "steps[%u]", index);
  // The distance from one element to the next is what the caller compiled.
  const uint32_t size = size_of(steps);
  const void* at = reinterpret_cast<const char*>(steps) + uint64_t{index} * size;
  const sporkle_sequence_step step =
      read_struct(static_cast<const sporkle_sequence_step*>(at), step_defaults, name);
  if (size_of(at) != size) {
    fail(SPORKLE_ERROR_VERSION, "%s.struct_size: %u, but the first has %u", name, size_of(at), size);
  }
  if (step.reserved != 0) fail(SPORKLE_ERROR_INVALID_ARGUMENT, "%s.reserved: must be 0", name);
  try {
    return {read_problem(step.desc), step.weights, step.bias, step.input, step.residual};
  } catch (const Error& error) {
    fail(error.status, "%s.%.200s", name, error.reason.text);
  }
}

}  // namespace

sporkle_status sporkle_plan_sequence(sporkle_context context, uint32_t device,
                                     const sporkle_sequence_step* steps, uint32_t count,
                                     sporkle_plan* out_plan) {
  return boundary("sporkle_plan_sequence", [&]() -> Status {
    checked_out(out_plan, "out_plan") = nullptr;
    const Pin<ContextObject> pin(context, "context");
    if (steps == nullptr) fail(SPORKLE_ERROR_INVALID_ARGUMENT, "steps: null");
    if (count == 0 || count > sequence_limit) {
      fail(SPORKLE_ERROR_INVALID_ARGUMENT, "count: %u is not in [1, %u]", count, sequence_limit);
    }
    std::pmr::vector<SequenceStep> read(pin->context->memory());
    read.reserve(count);
    for (uint32_t i = 0; i < count; ++i) read.push_back(read_step(steps, i));
    check_sequence(read);
    *out_plan = create_plan(pin->context, device, PlanSource(read));
    return SPORKLE_OK;
  });
}
