#include "cpu_shim.h"

#include <cstdio>
#include <cstring>
#include <memory_resource>

#include "backends/cpu/conv_plan.h"
#include "backends/cpu/thread_pool.h"
#include "base/fp_environment.h"
#include "base/memory.h"

using namespace sporkle;
using namespace sporkle::cpu;

namespace {

void compute(const shim_conv& conv) {
  std::pmr::memory_resource* memory = std::pmr::new_delete_resource();
  const ConvProblem problem = make_problem(*conv.desc);
  ThreadPool pool(conv.threads, memory);
  // A small cache makes small problems take several blocks.
  const PlanRequest request{problem, *kernels_compiled(static_cast<Isa>(conv.isa)), conv.threads,
                            256 << 10, conv.weights, conv.bias, memory};
  const auto plan = create_conv_plan(request, implementations[conv.algorithm]->name);
  const AlignedBlock workspace(memory, plan->workspace_bytes());
  const FpEnvironmentScope scope;
  plan->execute({conv.input, conv.residual, conv.output}, pool, workspace.data());
}

}  // namespace

const char* shim_isa(uint32_t index) {
  return index < static_cast<uint32_t>(Isa::count) ? isa_name(static_cast<Isa>(index)) : nullptr;
}

int shim_isa_usable(uint32_t index) { return isa_usable(static_cast<Isa>(index)) ? 1 : 0; }

const char* shim_algorithm(uint32_t index) {
  return index < implementation_count ? implementations[index]->name : nullptr;
}

sporkle_status shim_conv_run(const shim_conv* conv, char* text, uint64_t capacity) {
  try {
    compute(*conv);
    return SPORKLE_OK;
  } catch (const Error& error) {
    std::snprintf(text, capacity, "%s", error.reason.text);
    return error.status;
  }
}

double shim_conv_cost(uint32_t isa, const char* algorithm, const sporkle_conv2d_desc* desc,
                      const float* weights, int64_t images) {
  const ConvProblem problem = make_problem(*desc);
  const PlanRequest request{problem, *kernels_compiled(static_cast<Isa>(isa)), 1, 256 << 10,
                            weights, nullptr, std::pmr::new_delete_resource()};
  for (const Implementation* implementation : implementations) {
    Reason reason;
    if (std::strcmp(implementation->name, algorithm) != 0) continue;
    return implementation->can(request, &reason) ? implementation->cost(request, images) : -1;
  }
  return -1;
}

uint64_t shim_conv_workspace(uint32_t isa, const char* algorithm, const sporkle_conv2d_desc* desc,
                             const float* weights, uint32_t threads, uint64_t level2_bytes) {
  try {
    const ConvProblem problem = make_problem(*desc);
    const PlanRequest request{problem, *kernels_compiled(static_cast<Isa>(isa)), threads,
                              level2_bytes, weights, nullptr, std::pmr::new_delete_resource()};
    return create_conv_plan(request, algorithm)->workspace_bytes();
  } catch (const Error&) {
    return 0;
  }
}
