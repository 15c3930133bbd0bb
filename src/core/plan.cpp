#include "core/plan.h"

#include <cinttypes>
#include <cstdio>
#include <new>

#include "core/selector.h"

namespace sporkle {

namespace {

void fill_result(sporkle_conv2d_result* result, uint32_t device, const DevicePlan& plan,
                 uint64_t elapsed_ns, const RunReport& report) noexcept {
  if (result == nullptr) return;
  result->device = device;
  result->elapsed_ns = elapsed_ns;
  result->device_ns = report.device_ns;
  std::snprintf(result->algorithm, sizeof result->algorithm, "%s", plan.algorithm());
}

void run_prepared(Context& context, uint32_t device, const std::shared_ptr<DevicePlan>& plan,
                  const HostTensors& tensors, sporkle_conv2d_result* result) {
  RunReport report;
  report.timed = result != nullptr;
  const uint64_t start = now_ns();
  try {
    context.device(device).run(plan, tensors, &report);
  } catch (...) {
    context.stats().add(Counter::conv2d_errors, 1);
    throw;
  }
  fill_result(result, device, *plan, now_ns() - start, report);
  context.stats().add(Counter::conv2d_calls, plan->extent().convolutions);
  context.stats().add(Counter::conv2d_flops, plan->extent().flops);
}

void note_plan(Context& context, uint32_t device, const DevicePlan& plan) noexcept {
  const ConvProblem& p = plan.problem();
  sporkle_device_info info{};
  context.device(device).describe(&info);
  if (p.n == 0) {
    context.log().write(SPORKLE_LOG_INFO, "plan: %s on %s, %" PRIu64 " bytes of weights",
                        plan.algorithm(), info.spec, plan.packed_bytes());
    return;
  }
  context.log().write(SPORKLE_LOG_INFO,
                      "plan: %s on %s: g%" PRId64 "mb%" PRId64 "ic%" PRId64 "ih%" PRId64
                      "iw%" PRId64 "oc%" PRId64 "kh%" PRId64 "kw%" PRId64 "sh%" PRId64
                      "sw%" PRId64 ", %" PRIu64 " bytes of weights",
                      plan.algorithm(), info.spec, p.groups, p.n, p.c, p.h, p.w, p.k, p.kernel_h,
                      p.kernel_w, p.stride_h, p.stride_w, plan.packed_bytes());
}

std::shared_ptr<DevicePlan> prepare(Context& context, uint32_t device, const PlanSource& source) {
  auto plan = source.prepare(context.device(device));
  if (context.log().enabled(SPORKLE_LOG_INFO)) note_plan(context, device, *plan);
  context.stats().add(Counter::plans_created, 1);
  return plan;
}

// Runs `attempt(device)` on the chosen device, and once more on the CPU when
// the device fails and the selector may fall back.
template <class Attempt>
void with_fallback(Context& context, const Choice& choice, const PlanSource& source,
                   Attempt attempt) {
  constexpr uint32_t cpu = 0;
  try {
    attempt(choice.device);
    return;
  } catch (const Error& error) {
    if (error.status == SPORKLE_ERROR_DEVICE_LOST) context.plan_cache().drop_device(choice.device);
    if (!choice.may_fall_back || !error_allows_fallback(error.status)) throw;
    Reason reason;
    if (!source.supported_by(context.device(cpu), &reason)) throw;
    note_fallback(context, choice.device, error.reason.text);
  }
  attempt(cpu);
}

// Keeping a plan for the next call is a service: it may fail without harm.
void try_cache(Context& context, uint32_t device, const ContentDigest& content,
               const std::shared_ptr<DevicePlan>& plan) noexcept {
  try {
    context.plan_cache().insert(device, content, plan);
  } catch (const std::bad_alloc&) {
    context.log().write(SPORKLE_LOG_DEBUG, "plan cache: no memory to keep a plan");
  }
}

}  // namespace

Plan::Plan(std::shared_ptr<Context> context, std::shared_ptr<Preparation> preparation)
    : Child(handle_type, context,
            preparation->plan() == nullptr ? "in preparation" : preparation->plan()->algorithm()),
      preparation_(std::move(preparation)),
      resets_seen_(context->stats().read(Counter::device_resets)) {}

void Plan::dispose() noexcept {
  const std::shared_ptr<Context> keep = context_;
  keep->remove_child(this);
  std::pmr::polymorphic_allocator<>(keep->memory()).delete_object(this);
}

void Plan::run(const HostTensors& tensors, sporkle_conv2d_result* result) {
  check_tensors(extent(), tensors);
  run_prepared(context(), device(), prepared(), tensors, result);
}

sporkle_fence Plan::submit(MemoryRange input, MemoryRange residual, MemoryRange output) {
  Operation operation;
  operation.plan = prepared();
  operation.input = std::move(input);
  operation.residual = std::move(residual);
  operation.output = std::move(output);
  operation.fence = fence_take(context().live_fences(), false, "sporkle_plan_submit");
  const FenceRef fence = operation.fence;
  try {
    context().device(device()).submit(std::move(operation));
  } catch (...) {
    fence_abandon(fence, false);
    throw;
  }
  context().note_fence(fence, prepared()->algorithm(), "sporkle_plan_submit");
  context().stats().add(Counter::submits, 1);
  return fence_handle(fence);
}

std::shared_ptr<DevicePlan> Plan::prepare_again(uint32_t device) {
  return prepare(context(), device, preparation_->source());
}

Plan::Target Plan::current() {
  if (device() == 0) return {0, prepared()};
  const std::lock_guard lock(renewal_);
  const uint64_t resets = context().stats().read(Counter::device_resets);
  if (resets != resets_seen_) {
    renewed_ = prepare_again(device());
    resets_seen_ = resets;
  }
  return {device(), renewed_ == nullptr ? prepared() : renewed_};
}

Plan::Target Plan::on_cpu(const Error& error) {
  constexpr uint32_t cpu = 0;
  Reason reason;
  if (context().require_gpu() || device() == cpu ||
      !preparation_->source().supported_by(context().device(cpu), &reason)) {
    throw error;
  }
  note_fallback(context(), device(), error.reason.text);
  const std::lock_guard lock(renewal_);
  if (spare_ == nullptr) spare_ = prepare_again(cpu);
  return {cpu, spare_};
}

sporkle_plan create_plan(const std::shared_ptr<Context>& context, uint32_t device,
                         const PlanSource& source) {
  const Choice choice = select_device(*context, device, source);
  std::shared_ptr<Preparation> preparation;
  with_fallback(*context, choice, source, [&](uint32_t index) {
    auto plan = prepare(*context, index, source);
    // On a device that can be lost the plan keeps copies of weights and biases.
    preparation = make_shared_in<Preparation>(context->memory(), source, index != 0,
                                              context->memory());
    preparation->succeed(index, std::move(plan));
  });
  auto* plan = new_object<Plan>(context->memory(), context, std::move(preparation));
  return static_cast<sporkle_plan>(publish_child(plan));
}

Status execute_preparation(void* user, PreparationJob& job, bool cancelled) noexcept {
  Context& context = *static_cast<Context*>(user);
  Preparation& preparation = *job.preparation;
  Error error;
  try {
    if (cancelled) {
      fail(SPORKLE_ERROR_CANCELLED, "plan: its context was destroyed before it was prepared");
    }
    const PlanSource source = preparation.source();
    uint32_t used = 0;
    std::shared_ptr<DevicePlan> plan;
    with_fallback(context, {job.device, job.may_fall_back}, source, [&](uint32_t index) {
      plan = prepare(context, index, source);
      used = index;
    });
    preparation.succeed(used, std::move(plan));
    return SPORKLE_OK;
  } catch (const Error& thrown) {
    error = thrown;
  } catch (const std::bad_alloc&) {
    error.status = SPORKLE_ERROR_OUT_OF_MEMORY;
    error.reason.set("plan: no memory to prepare it");
  } catch (...) {
    error.reason.set("plan: unexpected exception");
  }
  preparation.fail_with(error);
  return error.status;
}

sporkle_plan prepare_plan(const std::shared_ptr<Context>& context, uint32_t device,
                          const PlanSource& source, sporkle_fence* out_fence) {
  const Choice choice = select_device(*context, device, source);
  auto preparation = make_shared_in<Preparation>(context->memory(), source, true,
                                                 context->memory());
  const FenceRef fence = fence_take(context->live_fences(), false, "sporkle_plan_prepare");
  void* handle = nullptr;
  try {
    handle = publish_child(new_object<Plan>(context->memory(), context, preparation));
    preparation->set_end(context->preparer().submit(
        {preparation, choice.device, choice.may_fall_back, fence}));
  } catch (...) {
    if (handle != nullptr) object_destroy(handle, HandleType::plan);
    fence_abandon(fence, false);
    throw;
  }
  context->note_fence(fence, "plan", "sporkle_plan_prepare");
  *out_fence = fence_handle(fence);
  return static_cast<sporkle_plan>(handle);
}

void run_conv2d(Context& context, uint32_t device, const ConvProblem& problem,
                const float* weights, const float* bias, const HostTensors& tensors,
                sporkle_conv2d_result* result) {
  check_weights(problem, weights, bias);
  check_tensors(extent_of(problem), tensors);
  check_output_apart(problem, tensors, weights, bias);
  const PlanSource source(problem, weights, bias);
  const Choice choice = select_device(context, device, source);
  constexpr uint32_t cpu = 0;
  const ContentDigest content =
      context.plan_cache().digest(problem, weights, bias, context.device(cpu).host_threads());
  with_fallback(context, choice, source, [&](uint32_t index) {
    auto plan = context.plan_cache().find(index, problem, content);
    if (plan != nullptr && !plan->usable()) {
      context.plan_cache().drop_device(index);
      plan = nullptr;
    }
    context.log().write(SPORKLE_LOG_DEBUG, "plan cache: %s", plan == nullptr ? "miss" : "hit");
    if (plan == nullptr) {
      plan = prepare(context, index, source);
      try_cache(context, index, content, plan);
    }
    run_prepared(context, index, plan, tensors, result);
  });
}

}  // namespace sporkle
