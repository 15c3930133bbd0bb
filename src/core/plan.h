// Running problems: the one-call form and the object behind a sporkle_plan.
#pragma once

#include <mutex>

#include "core/buffer.h"
#include "core/context.h"
#include "core/plan_source.h"
#include "core/preparer.h"

namespace sporkle {

class Plan final : public Child {
 public:
  static constexpr HandleType handle_type = HandleType::plan;

  Plan(std::shared_ptr<Context> context, std::shared_ptr<Preparation> preparation);

  const char* kind_name() const noexcept override { return "plan"; }
  void dispose() noexcept override;

  // Waits until the plan has been prepared; throws what that failed with. Before anything
  // below.
  void settle() const { preparation_->settle(); }
  uint32_t device() const noexcept { return preparation_->device(); }
  const std::shared_ptr<DevicePlan>& prepared() const noexcept { return preparation_->plan(); }
  const Extent& extent() const noexcept { return prepared()->extent(); }

  void run(const HostTensors& tensors, sporkle_conv2d_result* result);

  // Returns the armed fence.
  sporkle_fence submit(MemoryRange input, MemoryRange residual, MemoryRange output);
  // For executor slots. Where the plan runs now: after a loss of its device it is
  // prepared again on it.
  struct Target {
    uint32_t device;
    std::shared_ptr<DevicePlan> plan;
  };
  Target current();
  // On the CPU instead, counted as a fallback for `reason`. Throws the error
  // where the CPU may not or cannot take it.
  Target on_cpu(const Error& error);
  const std::shared_ptr<Preparation>& preparation() const noexcept { return preparation_; }
  // The same as submit on buffers, all checked.
  sporkle_fence submit_bindings(const sporkle_plan_bindings& bindings);

 private:
  std::shared_ptr<DevicePlan> prepare_again(uint32_t device);

  const std::shared_ptr<Preparation> preparation_;
  std::mutex renewal_;  // guards the next three
  uint64_t resets_seen_;
  std::shared_ptr<DevicePlan> renewed_, spare_;
};

// Creates the plan and its handle; the source has been checked. Throws Error.
sporkle_plan create_plan(const std::shared_ptr<Context>& context, uint32_t device,
                         const PlanSource& source);

// The same by the context's preparer, which signals `out_fence`.
sporkle_plan prepare_plan(const std::shared_ptr<Context>& context, uint32_t device,
                          const PlanSource& source, sporkle_fence* out_fence);

// The one-call form. `result` may be null.
void run_conv2d(Context& context, uint32_t device, const ConvProblem& problem,
                const float* weights, const float* bias, const HostTensors& tensors,
                sporkle_conv2d_result* result);

// Checks the arrays of a call against the problem: null, alignment, overlap.
void check_weights(const ConvProblem& problem, const float* weights, const float* bias);
void check_tensors(const Extent& extent, const HostTensors& tensors);
void check_output_apart(const ConvProblem& problem, const HostTensors& tensors,
                        const float* weights, const float* bias);

}  // namespace sporkle
