// Problems and the one-call form.
#include "api/boundary.h"
#include "api/problem.h"
#include "core/plan.h"
#include "core/selector.h"

using namespace sporkle;

sporkle_status sporkle_conv2d_describe(const sporkle_conv2d_desc* desc,
                                       sporkle_conv2d_info* out_info) {
  return boundary("sporkle_conv2d_describe", [&]() -> Status {
    check_out_struct(out_info, "out_info");
    const ConvProblem problem = read_problem(desc);
    sporkle_conv2d_info info{};
    info.out_h = problem.out_h;
    info.out_w = problem.out_w;
    info.input_size = problem.input_bytes();
    info.weights_size = problem.weights_bytes();
    info.bias_size = problem.bias_bytes();
    info.output_size = problem.output_bytes();
    info.flops = problem.flops();
    write_struct(info, out_info);
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_conv2d_select(sporkle_context context, uint32_t device,
                                     const sporkle_conv2d_desc* desc, uint32_t* out_device) {
  return boundary("sporkle_conv2d_select", [&]() -> Status {
    const Pin<ContextObject> pin(context, "context");
    const ConvProblem problem = read_problem(desc);
    const Choice choice = select_device(*pin->context, device, PlanSource(problem, nullptr, nullptr));
    if (out_device != nullptr) *out_device = choice.device;
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_conv2d(sporkle_context context, uint32_t device,
                              const sporkle_conv2d_desc* desc, const float* input,
                              const float* weights, const float* bias, const float* residual,
                              float* output, sporkle_conv2d_result* out_result) {
  return boundary("sporkle_conv2d", [&]() -> Status {
    const Pin<ContextObject> pin(context, "context");
    if (out_result != nullptr) check_out_struct(out_result, "out_result");
    const ConvProblem problem = read_problem(desc);
    sporkle_conv2d_result result{};
    run_conv2d(*pin->context, device, problem, weights, bias, {input, residual, output}, &result);
    if (out_result != nullptr) write_struct(result, out_result);
    return SPORKLE_OK;
  });
}
