#include "gl_reference.h"

#include <algorithm>
#include <cstring>
#include <memory_resource>
#include <thread>

#include "backends/cpu/conv_plan.h"
#include "backends/cpu/thread_pool.h"
#include "base/fp_environment.h"
#include "base/memory.h"

namespace bench {

using namespace sporkle;
using namespace sporkle::cpu;

namespace {

constexpr uint64_t level2_bytes = 1 << 20;

Isa best_isa() {
  Isa best{};
  for (uint32_t i = 0; i < static_cast<uint32_t>(Isa::count); ++i) {
    if (isa_usable(static_cast<Isa>(i))) best = static_cast<Isa>(i);
  }
  return best;
}

// The one with the least expected cost that multiplies every tap.
const char* cheapest_direct(const PlanRequest& request) {
  const char* name = "tapwise";
  double least = -1;
  for (const Implementation* implementation : implementations) {
    Reason reason;
    if (std::strstr(implementation->name, "winograd") != nullptr) continue;
    if (!implementation->can(request, &reason)) continue;
    const double cost = implementation->cost(request, request.problem.n);
    if (least >= 0 && cost >= least) continue;
    least = cost;
    name = implementation->name;
  }
  return name;
}

}  // namespace

const char* direct_reference(const ConvProblem& problem, const float* input, const float* weights,
                             float* output) {
  std::pmr::memory_resource* memory = std::pmr::new_delete_resource();
  const uint32_t threads = std::clamp(std::thread::hardware_concurrency(), 1u, 64u);
  ThreadPool pool(threads, memory);
  const PlanRequest request{problem, *kernels_compiled(best_isa()), threads, level2_bytes,
                            weights, nullptr,                       memory};
  const char* name = cheapest_direct(request);
  const auto plan = create_conv_plan(request, name);
  const AlignedBlock workspace(memory, plan->workspace_bytes());
  const FpEnvironmentScope scope;
  plan->execute({input, nullptr, output}, pool, workspace.data());
  return name;
}

}  // namespace bench
