// Which algorithm a plan uses: a rule, and where the rule is close a small
// measurement.
#pragma once

#include <mutex>

#include "backends/cpu/conv_plan.h"
#include "backends/cpu/scratch_pool.h"

namespace sporkle::cpu {

// What was measured, so that plans for the same problem measure once. Any thread.
class ChoiceTable {
 public:
  // Null when the problem was not measured.
  const Implementation* find(const ConvProblem& problem) noexcept;
  void keep(const ConvProblem& problem, const Implementation* implementation) noexcept;

 private:
  static constexpr uint32_t capacity = 128;
  struct Entry {
    ConvProblem problem;
    const Implementation* implementation;
  };
  std::mutex mutex_;
  uint32_t count_ = 0;
  Entry entries_[capacity];
};

// Prepares by the rule alone; the outcome depends on the problem and the
// instruction set, on nothing else. Throws as create_conv_plan().
std::shared_ptr<ConvPlan> plan_by_rule(const PlanRequest& request);

// Also runs what the rule finds close, on random tensors, and keeps the fastest.
// Falls back to the rule when memory for that is short.
std::shared_ptr<ConvPlan> plan_by_time(const PlanRequest& request, ParallelFor& parallel,
                                       ScratchPool& scratch, ChoiceTable& table);

}  // namespace sporkle::cpu
