#include "backends/cpu/algorithm_choice.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <span>

#include "base/clock.h"
#include "base/fp_environment.h"

namespace sporkle::cpu {

namespace {

// Estimates this much apart leave nothing to measure.
constexpr double close = 1.5;
// Every candidate runs this often, then more often for as long as this.
constexpr int rounds_least = 5, rounds_most = 24;
constexpr uint64_t measuring_ns = 30000000;
constexpr double behind = 1.3;       // a candidate this far behind the best is out
constexpr double even = 1.05;        // times this close are even
constexpr double even_costs = 1.05;  // and estimates
// Problems beyond these limits are not measured; a batch is cut to fit.
constexpr double flops_limit = 1e9;
constexpr uint64_t bytes_limit = uint64_t{128} << 20;

struct Candidate {
  const Implementation* implementation;
  double cost;
};

// Those that can, the cheapest first.
struct Candidates {
  Candidate list[implementation_count];
  uint32_t count = 0;
  Reason reason;

  Candidates(const PlanRequest& request, int64_t images) {
    for (const Implementation* implementation : implementations) {
      if (!implementation->can(request, &reason)) continue;
      list[count++] = {implementation, implementation->cost(request, images)};
    }
    std::stable_sort(list, list + count,
                     [](const Candidate& a, const Candidate& b) { return a.cost < b.cost; });
  }
};

std::shared_ptr<ConvPlan> create(const PlanRequest& request, const Implementation& which) {
  return which.create(request, algorithm_name(which, request.kernels.isa));
}

std::shared_ptr<ConvPlan> first_that_works(const PlanRequest& request,
                                           const Candidates& candidates) {
  for (uint32_t i = 0; i < candidates.count; ++i) {
    if (auto plan = create(request, *candidates.list[i].implementation)) return plan;
  }
  fail(SPORKLE_ERROR_UNSUPPORTED, "desc: %s", candidates.reason.text);
}

// The problem with as many images as can be measured; none: n = 0.
ConvProblem measurable(const ConvProblem& problem) noexcept {
  ConvProblem part = problem;
  part.has_residual = 0;
  part.n = 1;
  const double flops = static_cast<double>(part.flops());
  const uint64_t bytes = part.input_bytes() + part.output_bytes();
  const auto fitting = static_cast<int64_t>(flops_limit / flops);
  part.n = std::min({problem.n, fitting, static_cast<int64_t>(bytes_limit / bytes)});
  return part;
}

void fill_random(float* data, uint64_t count) noexcept {
  uint32_t state = 1;
  for (uint64_t i = 0; i < count; ++i) {
    state = state * 1664525u + 1013904223u;
    data[i] = static_cast<float>(static_cast<int32_t>(state)) * 0x1p-31f;
  }
}

// A candidate's plan and its least time so far.
struct Contestant {
  const Implementation* implementation;
  double cost;
  std::shared_ptr<ConvPlan> plan;
  uint64_t best = UINT64_MAX;
};

void run_once(Contestant& contestant, const HostTensors& tensors, ParallelFor& parallel,
              ScratchPool& scratch) {
  const ScratchLease workspace(scratch, contestant.plan->workspace_bytes());
  const uint64_t start = now_ns();
  contestant.plan->execute(tensors, parallel, workspace.data());
  contestant.best = std::min(contestant.best, now_ns() - start);
}

// They take turns, so that what disturbs the machine for a while disturbs all of
// them; the least time counts. Those far behind drop out.
const Implementation* fastest(std::span<Contestant> all, const HostTensors& tensors,
                              ParallelFor& parallel, ScratchPool& scratch) {
  const FpEnvironmentScope scope;
  const uint64_t end = now_ns() + measuring_ns;
  uint64_t best = UINT64_MAX;
  for (int round = 0; round < rounds_most; ++round) {
    if (round >= rounds_least && now_ns() > end) break;
    for (Contestant& contestant : all) {
      if (round >= rounds_least - 1 && static_cast<double>(contestant.best) >
                                           behind * static_cast<double>(best)) continue;
      run_once(contestant, tensors, parallel, scratch);
      // The first round warms the caches and wakes the threads.
      if (round == 0) contestant.best = UINT64_MAX;
      best = std::min(best, contestant.best);
    }
  }
  // What the clock leaves open the rule decides, where it has a preference.
  const Contestant* choice = nullptr;
  for (const Contestant& contestant : all) {
    const auto time = static_cast<double>(contestant.best);
    if (time > even * static_cast<double>(best)) continue;
    if (choice == nullptr ||
        (contestant.cost < even_costs * choice->cost && contestant.best < choice->best)) {
      choice = &contestant;
    }
  }
  return choice == nullptr ? nullptr : choice->implementation;
}

// The fastest of those that are close, or null when nothing is to be measured.
const Implementation* measure(const PlanRequest& request, const Candidates& candidates,
                              ParallelFor& parallel, ScratchPool& scratch) {
  const auto is_close = [&](uint32_t i) {
    return i < candidates.count && candidates.list[i].cost < close * candidates.list[0].cost;
  };
  const ConvProblem part = measurable(request.problem);
  if (!is_close(1) || part.n < 1) return nullptr;
  PlanRequest trial{part,         request.kernels, request.threads, request.level2_bytes,
                    request.weights, request.bias,    request.memory,  request.cores};
  const AlignedBlock input(request.memory, part.input_bytes());
  const AlignedBlock output(request.memory, part.output_bytes());
  fill_random(input.floats(), part.input_bytes() / sizeof(float));
  Contestant contestants[implementation_count];
  uint32_t count = 0;
  for (uint32_t i = 0; is_close(i); ++i) {
    const Implementation* implementation = candidates.list[i].implementation;
    auto plan = create(trial, *implementation);
    if (plan != nullptr) contestants[count++] = {implementation, candidates.list[i].cost, std::move(plan)};
  }
  return fastest({contestants, count}, {input.floats(), nullptr, output.floats()}, parallel,
                 scratch);
}

}  // namespace

const Implementation* ChoiceTable::find(const ConvProblem& problem) noexcept {
  const std::lock_guard lock(mutex_);
  for (uint32_t i = 0; i < std::min(count_, capacity); ++i) {
    if (std::memcmp(&entries_[i].problem, &problem, sizeof problem) == 0) {
      return entries_[i].implementation;
    }
  }
  return nullptr;
}

void ChoiceTable::keep(const ConvProblem& problem, const Implementation* implementation) noexcept {
  const std::lock_guard lock(mutex_);
  entries_[count_ % capacity] = {problem, implementation};
  // Counts on beyond the capacity: the oldest is overwritten.
  count_ = count_ + 1 < 2 * capacity ? count_ + 1 : capacity;
}

std::shared_ptr<ConvPlan> plan_by_rule(const PlanRequest& request) {
  // One image whatever the batch: its parts get the same algorithm.
  return first_that_works(request, Candidates(request, 1));
}

std::shared_ptr<ConvPlan> plan_by_time(const PlanRequest& request, ParallelFor& parallel,
                                       ScratchPool& scratch, ChoiceTable& table) {
  const Candidates candidates(request, request.problem.n);
  const Implementation* choice = table.find(request.problem);
  if (choice == nullptr) {
    try {
      choice = measure(request, candidates, parallel, scratch);
    } catch (const std::bad_alloc&) {
      choice = nullptr;
    }
    if (choice != nullptr) table.keep(request.problem, choice);
  }
  // Other weights may be out of reach of what was measured.
  Reason reason;
  if (choice != nullptr && choice->can(request, &reason)) {
    if (auto plan = create(request, *choice)) return plan;
  }
  return first_that_works(request, candidates);
}

}  // namespace sporkle::cpu
