#include "backends/cpu/conv_plan.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace sporkle::cpu {

const Implementation* const implementations[implementation_count] = {
    &winograd_4x4,  &winograd_4x4_few, &winograd_2x2, &grouped_planes,
    &pointwise,     &channel_lanes,    &pixel_lanes,  &tapwise};

namespace {

constexpr uint32_t isa_count = static_cast<uint32_t>(Isa::count);

// Null: the instruction set has none.
constexpr const char* algorithm_names[implementation_count][isa_count] = {
    {nullptr, "winograd_4x4_avx2", "winograd_4x4_avx512", "winograd_4x4_neon"},
    {nullptr, "winograd_4x4_few_avx2", "winograd_4x4_few_avx512",
     "winograd_4x4_few_neon"},
    {nullptr, "winograd_2x2_avx2", "winograd_2x2_avx512", "winograd_2x2_neon"},
    {"grouped_planes_scalar", "grouped_planes_avx2", "grouped_planes_avx512",
     "grouped_planes_neon"},
    {"pointwise_scalar", "pointwise_avx2", "pointwise_avx512", "pointwise_neon"},
    {"channel_lanes_scalar", "channel_lanes_avx2", "channel_lanes_avx512", "channel_lanes_neon"},
    {"pixel_lanes_scalar", "pixel_lanes_avx2", "pixel_lanes_avx512", "pixel_lanes_neon"},
    {"tapwise", "tapwise", "tapwise", "tapwise"},
};

}  // namespace

const char* algorithm_name(const Implementation& implementation, Isa isa) noexcept {
  for (uint32_t i = 0; i < implementation_count; ++i) {
    if (implementations[i] == &implementation) {
      return algorithm_names[i][static_cast<uint32_t>(isa)];
    }
  }
  return implementation.name;
}

std::shared_ptr<ConvPlan> create_conv_plan(const PlanRequest& request, const char* name) {
  for (const Implementation* implementation : implementations) {
    if (std::strcmp(implementation->name, name) != 0) continue;
    Reason reason;
    if (!implementation->can(request, &reason)) {
      fail(SPORKLE_ERROR_UNSUPPORTED, "algorithm: %s: %s", name, reason.text);
    }
    auto plan =
        implementation->create(request, algorithm_name(*implementation, request.kernels.isa));
    if (plan != nullptr) return plan;
    fail(SPORKLE_ERROR_UNSUPPORTED, "algorithm: %s: not for these weights", name);
  }
  fail(SPORKLE_ERROR_INVALID_ARGUMENT, "algorithm: there is no \"%.40s\"", name);
}

namespace {

// A product of zero with an infinite or NaN weight would be NaN.
bool weights_finite(const PlanRequest& request) noexcept {
  const ConvProblem& p = request.problem;
  const int64_t count = p.k * p.group_c() * p.kernel_h * p.kernel_w;
  for (int64_t i = 0; i < count; ++i) {
    if (!std::isfinite(request.weights[i])) return false;
  }
  return true;
}

// Rows or columns of the padded copy that one output touches, all residues of
// the stride together; infinity when finding the residues takes too long.
double copy_extent(int64_t kernel, int64_t stride, int64_t dilation) noexcept {
  const auto phases = static_cast<double>(std::min(kernel, stride));
  if (static_cast<double>(kernel) * phases > 1e7) return INFINITY;
  const double reach = static_cast<double>(kernel - 1) * static_cast<double>(dilation) /
                       static_cast<double>(stride);
  return phases * (reach + 1);
}

}  // namespace

bool padded_copy_usable(const PlanRequest& request, Reason* reason) noexcept {
  constexpr double floats_limit = 16e6;
  const ConvProblem& p = request.problem;
  if (copy_extent(p.kernel_h, p.stride_h, p.dilation_h) *
          copy_extent(p.kernel_w, p.stride_w, p.dilation_w) > floats_limit) {
    reason->set("the dilated kernel is too large for a padded copy of the input");
    return false;
  }
  const bool padded = p.pad_top > 0 || p.pad_left > 0 || p.pad_bottom > 0 || p.pad_right > 0;
  if (padded && !weights_finite(request)) {
    reason->set("weights that are not finite would meet the zeros of a padded copy");
    return false;
  }
  return true;
}

}  // namespace sporkle::cpu
