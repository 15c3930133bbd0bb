#include "backends/null/null_plan.h"

#include <cstring>

namespace sporkle::null {

NullPlan::NullPlan(const ConvProblem& problem, std::pmr::memory_resource* memory,
                   const float* weights, const float* bias)
    : NullWork(problem),
      weights_(memory, problem.weights_bytes()),
      bias_(memory, problem.bias_bytes()) {
  std::memcpy(weights_.data(), weights, weights_.size());
  if (bias_.size() > 0) std::memcpy(bias_.data(), bias, bias_.size());
}

NullSequence::NullSequence(SequenceSteps steps, std::pmr::memory_resource* memory, Stats* stats)
    : NullWork(extent_of(steps)), stats_(stats), steps_(memory), tensors_(lifetimes(steps, memory)) {
  steps_.reserve(steps.size());
  for (const SequenceStep& step : steps) {
    steps_.push_back({make_shared_in<NullPlan>(memory, step.problem, memory, step.weights,
                                               step.bias),
                      step.input, step.residual});
  }
  arena_ = AlignedBlock(memory, place(tensors_, AlignedBlock::alignment));
  stats_->add(Counter::workspace_bytes_added, arena_.size());
}

uint64_t NullSequence::packed_bytes() const noexcept {
  uint64_t sum = 0;
  for (const Step& step : steps_) sum += step.plan->packed_bytes();
  return sum;
}

void NullSequence::compute(const HostTensors& tensors) const noexcept {
  const auto between = [&](uint32_t tensor) {
    return reinterpret_cast<float*>(static_cast<char*>(arena_.data()) + tensors_[tensor].offset);
  };
  const auto source = [&](uint32_t tensor) -> const float* {
    return tensor == 0 ? tensors.input : between(tensor);
  };
  for (uint32_t i = 0; i < steps_.size(); ++i) {
    const Step& step = steps_[i];
    step.plan->compute({source(step.input),
                        step.residual == sequence_none ? nullptr : source(step.residual),
                        i + 1 == steps_.size() ? tensors.output : between(i + 1)});
  }
}

}  // namespace sporkle::null
