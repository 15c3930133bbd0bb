// Plans.
#include "core/plan.h"

#include <cstdio>

#include "api/boundary.h"
#include "api/problem.h"

using namespace sporkle;

sporkle_status sporkle_plan_create(sporkle_context context, uint32_t device,
                                   const sporkle_conv2d_desc* desc, const float* weights,
                                   const float* bias, sporkle_plan* out_plan) {
  return boundary("sporkle_plan_create", [&]() -> Status {
    checked_out(out_plan, "out_plan") = nullptr;
    const Pin<ContextObject> pin(context, "context");
    const ConvProblem problem = read_problem(desc);
    check_weights(problem, weights, bias);
    *out_plan = create_plan(pin->context, device, PlanSource(problem, weights, bias));
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_plan_prepare(sporkle_context context, uint32_t device,
                                    const sporkle_conv2d_desc* desc, const float* weights,
                                    const float* bias, sporkle_plan* out_plan,
                                    sporkle_fence* out_fence) {
  return boundary("sporkle_plan_prepare", [&]() -> Status {
    checked_out(out_plan, "out_plan") = nullptr;
    checked_out(out_fence, "out_fence") = nullptr;
    const Pin<ContextObject> pin(context, "context");
    const ConvProblem problem = read_problem(desc);
    check_weights(problem, weights, bias);
    *out_plan = prepare_plan(pin->context, device, PlanSource(problem, weights, bias), out_fence);
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_plan_destroy(sporkle_plan plan) {
  return boundary("sporkle_plan_destroy", [&]() -> Status {
    { const Pin<Plan> pin(plan, "plan"); }
    if (!object_destroy(plan, HandleType::plan)) {
      fail(SPORKLE_ERROR_INVALID_HANDLE, "plan: destroyed by another thread");
    }
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_plan_describe(sporkle_plan plan, sporkle_plan_info* out_info) {
  return boundary("sporkle_plan_describe", [&]() -> Status {
    const Pin<Plan> pin(plan, "plan");
    check_out_struct(out_info, "out_info");
    pin->settle();
    sporkle_plan_info info{};
    info.device = pin->device();
    info.packed_bytes = pin->prepared()->packed_bytes();
    info.workspace_bytes = pin->prepared()->workspace_bytes();
    std::snprintf(info.algorithm, sizeof info.algorithm, "%s", pin->prepared()->algorithm());
    write_struct(info, out_info);
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_plan_run(sporkle_plan plan, const float* input, const float* residual,
                                float* output, sporkle_conv2d_result* out_result) {
  return boundary("sporkle_plan_run", [&]() -> Status {
    const Pin<Plan> pin(plan, "plan");
    if (out_result != nullptr) check_out_struct(out_result, "out_result");
    sporkle_conv2d_result result{};
    pin->settle();
    pin->run({input, residual, output}, &result);
    if (out_result != nullptr) write_struct(result, out_result);
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_plan_submit(sporkle_plan plan, const sporkle_plan_bindings* bindings,
                                   sporkle_fence* out_fence) {
  return boundary("sporkle_plan_submit", [&]() -> Status {
    checked_out(out_fence, "out_fence") = nullptr;
    const Pin<Plan> pin(plan, "plan");
    const sporkle_plan_bindings defaults = SPORKLE_PLAN_BINDINGS_INIT;
    pin->settle();
    *out_fence = pin->submit_bindings(read_struct(bindings, defaults, "bindings"));
    return SPORKLE_OK;
  });
}
