#include "backends/gl/gl_sequence.h"

#include <algorithm>
#include <cstdio>

namespace sporkle::gl {

GlSequence::GlSequence(SequenceSteps steps, std::pmr::vector<std::shared_ptr<GlPlan>> plans,
                       uint64_t alignment, std::pmr::memory_resource* memory)
    : GlWork(extent_of(steps)), plans_(std::move(plans)), steps_(memory) {
  auto tensors = lifetimes(steps, memory);
  arena_bytes_ = place(tensors, alignment);
  const auto last = static_cast<uint32_t>(steps.size());
  const auto tensor = [&](uint32_t index) -> StepTensor {
    using Source = StepTensor::Source;
    if (index == sequence_none) return {};
    if (index == 0) return {Source::input, 0};
    if (index == last) return {Source::output, 0};
    return {Source::workspace, tensors[index].offset};
  };
  steps_.reserve(last);
  uint64_t estimate = 0;
  for (uint32_t i = 0; i < last; ++i) {
    steps_.push_back({plans_[i].get(), tensor(steps[i].input), tensor(steps[i].residual),
                      tensor(i + 1)});
    scratch_bytes_ = std::max(scratch_bytes_, plans_[i]->workspace_bytes());
    estimate += plans_[i]->predicted().ns;
  }
  guess_duration(estimate);
  std::snprintf(algorithm_, sizeof algorithm_, "sequence of %u", last);
}

uint64_t GlSequence::packed_bytes() const noexcept {
  uint64_t sum = 0;
  for (const auto& plan : plans_) sum += plan->packed_bytes();
  return sum;
}

// Of the oldest step: a device lost while they were made leaves no usable plan.
uint64_t GlSequence::generation() const noexcept {
  uint64_t oldest = plans_.front()->generation();
  for (const auto& plan : plans_) oldest = std::min(oldest, plan->generation());
  return oldest;
}

}  // namespace sporkle::gl
