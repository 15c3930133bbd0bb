// Which convolutions blocked kernels take, and how.
#include <algorithm>

#include "backends/cpu/blocked_step.h"

namespace sporkle::cpu {

namespace {

// In units of a product: transforming a value, reading a transformed weight for the first
// time. Set so that ResNet-50's layers get on Zen 4 what was faster there, not fitted.
constexpr double transform_cost = 8, read_cost = 7, few_read_cost = 2;

bool is_winograd(const ConvProblem& p) noexcept {
  return p.kernel_h == 3 && p.kernel_w == 3 && p.stride_h == 1 && p.stride_w == 1 &&
         p.dilation_h == 1 && p.dilation_w == 1;
}

double direct_cost(const ConvProblem& p, double outputs, int64_t images) noexcept {
  const auto rows = [&](int64_t pad) {
    return 0.5 * static_cast<double>(pad) * static_cast<double>(pad + 1) /
           static_cast<double>(p.stride_h * p.dilation_h);
  };
  const double skipped = std::min(
      0.5, (rows(p.pad_top) + rows(p.pad_bottom)) / static_cast<double>(p.out_h * p.kernel_h));
  const double weights = outputs * static_cast<double>(p.c * p.kernel_h * p.kernel_w);
  return weights * (static_cast<double>(images * p.out_h * p.out_w) * (1 - skipped) + read_cost);
}

double winograd_cost(const ConvProblem& p, double outputs, int64_t images, int size) noexcept {
  const double positions = (size + 2) * (size + 2), inputs = static_cast<double>(p.c);
  const double tiles =
      static_cast<double>(images * divide_up(p.out_h, size) * divide_up(p.out_w, size));
  return positions * (tiles * (inputs * outputs + transform_cost * (inputs + outputs)) +
                      read_cost * inputs * outputs);
}

// The products transform the weights again for every group of tiles.
double few_cost(const PlanRequest& request, double outputs, int64_t images) noexcept {
  const ConvProblem& p = request.problem;
  const double inputs = static_cast<double>(p.c);
  const int64_t group = request.kernels.winograd_few.tiles;
  const int64_t tiles =
      divide_up(images * divide_up(p.out_h, 4) * divide_up(p.out_w, 4), group) * group;
  return 36 * static_cast<double>(tiles) *
             ((group < 4 ? 3.3 : 1.65) * inputs * outputs + transform_cost * (inputs + outputs)) +
         9 * few_read_cost * inputs * outputs;
}

}  // namespace

bool blocked_usable(const PlanRequest& request) noexcept {
  const ConvProblem& p = request.problem;
  Reason reason;
  if (request.kernels.blocked.rows == 0 || p.groups != 1 || p.stride_w > 2) return false;
  if (!padded_copy_usable(request, &reason)) return false;
  // Columns of zeros, and lanes without a channel, at most double a tensor.
  const int64_t reach = (p.out_w - 1) * p.stride_w + (p.kernel_w - 1) * p.dilation_w;
  return std::max(p.pad_left, reach - p.pad_left - p.w) <= p.w / 2 + 4;
}

std::unique_ptr<BlockedStep> create_blocked_step(const PlanRequest& request, int64_t images) {
  const ConvProblem& p = request.problem;
  const double outputs =
      static_cast<double>(divide_up(p.k, request.kernels.lanes) * request.kernels.lanes);
  if (is_winograd(p)) {
    const double direct = direct_cost(p, outputs, images);
    const double four = winograd_cost(p, outputs, images, 4);
    const double two = winograd_cost(p, outputs, images, 2);
    const double few = few_cost(request, outputs, images);
    if (std::min({four, two, few}) < direct) {
      const bool fewest = few < std::min(four, two);
      auto step = std::make_unique<BlockedWinograd>(request, fewest || four < two ? 4 : 2, fewest);
      if (step->usable()) return step;
    }
  }
  return std::make_unique<BlockedDirect>(request);
}

}  // namespace sporkle::cpu
