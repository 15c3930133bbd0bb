// A problem prepared for the CPU: packed weights, bias and the chosen
// algorithm. Immutable after creation; any number of calls may run at once,
// each with its own workspace.
#pragma once

#include <memory>
#include <memory_resource>

#include "backends/cpu/kernels.h"
#include "core/conv_problem.h"
#include "core/parallel.h"

namespace sporkle::cpu {

class ConvPlan {
 public:
  explicit ConvPlan(const ConvProblem& problem) : problem_(problem) {}
  ConvPlan(const ConvPlan&) = delete;
  ConvPlan& operator=(const ConvPlan&) = delete;
  virtual ~ConvPlan() = default;

  const ConvProblem& problem() const noexcept { return problem_; }
  virtual const char* algorithm() const noexcept = 0;
  virtual uint64_t packed_bytes() const noexcept = 0;
  // Scratch memory of one call.
  virtual uint64_t workspace_bytes() const noexcept = 0;

  // `workspace` is aligned to 64 and has workspace_bytes(). `parallel` runs no
  // more tasks at once than the plan was created for. The caller has set the
  // default floating-point environment.
  virtual void execute(const HostTensors& tensors, ParallelFor& parallel,
                       void* workspace) const noexcept = 0;

 private:
  ConvProblem problem_;
};

// What an implementation gets to judge and to prepare a problem.
struct PlanRequest {
  const ConvProblem& problem;
  const Kernels& kernels;
  uint32_t threads;       // most tasks at once
  uint64_t level2_bytes;  // cache of one core
  const float* weights;
  const float* bias;  // null without bias
  std::pmr::memory_resource* memory;
  // Where there are fewer of them than threads, that many parts keep all of them busy.
  uint32_t cores = UINT32_MAX;
};

// One way to compute. Listed in order of preference where costs are equal.
struct Implementation {
  const char* name;  // without the instruction set
  // Whether results would be right; `reason` says why not.
  bool (*can)(const PlanRequest& request, Reason* reason) noexcept;
  // Estimated time for one image in units of a product of a direct kernel when
  // `images` of them share the reading of the weights. Depends on nothing else but
  // the problem, its own number of images apart, and the instruction set.
  double (*cost)(const PlanRequest& request, int64_t images) noexcept;
  // Null when preparing shows that it cannot after all. Throws std::bad_alloc.
  std::shared_ptr<ConvPlan> (*create)(const PlanRequest& request, const char* algorithm);
};

constexpr uint32_t implementation_count = 8;
extern const Implementation* const implementations[implementation_count];

// Names with the instruction set appended, null where it has none of the kind; static storage.
const char* algorithm_name(const Implementation& implementation, Isa isa) noexcept;

// Prepares with the implementation of that name, for tests. Throws
// std::bad_alloc, UNSUPPORTED with its reason, INVALID_ARGUMENT for an unknown
// name. What plans use: algorithm_choice.h.
std::shared_ptr<ConvPlan> create_conv_plan(const PlanRequest& request, const char* name);

// Implementations, one per file.
extern const Implementation winograd_2x2, winograd_4x4, winograd_4x4_few;
extern const Implementation grouped_planes;
extern const Implementation pointwise, channel_lanes, pixel_lanes, tapwise;

// Whether products with the zeros of a padded copy stand for taps outside the
// input, and whether such a copy has a sensible size: what both kinds of tile
// kernels need.
bool padded_copy_usable(const PlanRequest& request, Reason* reason) noexcept;

// Products of one image.
inline double products(const ConvProblem& p) noexcept {
  return static_cast<double>(p.flops()) / (2.0 * static_cast<double>(p.n));
}
// Moving a value of the input to where the products read it, and an output from
// where they leave it, in units of a product. Measured on Zen 4 with AVX-512.
constexpr double copy_cost = 4, turn_cost = 32;

inline void set_activation(const ConvProblem& problem, FinishArgs* args) noexcept {
  args->activate = problem.activation != Activation::none;
  const bool clamp = problem.activation == Activation::clamp;
  args->low = clamp ? problem.clamp_min : 0.0f;
  args->high = clamp ? problem.clamp_max : __builtin_inff();
}

}  // namespace sporkle::cpu
