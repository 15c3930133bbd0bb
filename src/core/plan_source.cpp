#include "core/plan_source.h"

#include <cstring>

namespace sporkle {

uint64_t PlanSource::flops() const noexcept {
  uint64_t sum = 0;
  for (const SequenceStep& step : steps_) sum += step.problem.flops();
  return sum;
}

bool PlanSource::supported_by(const Device& device, Reason* reason) const noexcept {
  for (size_t i = 0; i < steps_.size(); ++i) {
    if (device.supports(steps_[i].problem, reason)) continue;
    if (sequence_ && reason != nullptr) {
      const Reason why = *reason;
      reason->set("steps[%zu]: %.200s", i, why.text);
    }
    return false;
  }
  return true;
}

std::shared_ptr<DevicePlan> PlanSource::prepare(Device& device) const {
  if (sequence_) return device.create_sequence(steps_);
  return device.create_plan(one_.problem, one_.weights, one_.bias);
}

KeptSource::KeptSource(const PlanSource& source, bool keep, std::pmr::memory_resource* memory)
    : steps_(memory), sequence_(source.sequence()) {
  if (!keep) return;
  steps_.assign(source.steps().begin(), source.steps().end());
  uint64_t bytes = 0;
  for (const SequenceStep& step : steps_) {
    bytes += step.problem.weights_bytes() + step.problem.bias_bytes();
  }
  arrays_ = AlignedBlock(memory, bytes);
  char* out = static_cast<char*>(arrays_.data());
  const auto copy = [&out](const float* from, uint64_t size) {
    std::memcpy(out, from, size);
    out += size;
    return reinterpret_cast<const float*>(out - size);
  };
  for (SequenceStep& step : steps_) {
    step.weights = copy(step.weights, step.problem.weights_bytes());
    if (step.bias != nullptr) step.bias = copy(step.bias, step.problem.bias_bytes());
  }
}

}  // namespace sporkle
