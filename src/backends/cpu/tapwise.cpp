// The definition, row by row: only taps inside the input are computed. Slow,
// but exact about what padding means when weights are infinite or NaN, without
// scratch memory, and for every problem.
#include <algorithm>

#include "backends/cpu/conv_plan.h"
#include "backends/cpu/schedule.h"
#include "base/memory.h"

namespace sporkle::cpu {

namespace {

// Outputs of a row that are summed at once, on the stack.
constexpr int64_t strip_width = 256;

class TapwisePlan final : public ConvPlan {
 public:
  explicit TapwisePlan(const PlanRequest& request)
      : ConvPlan(request.problem),
        kernels_(request.kernels),
        weights_(request.memory, request.problem.weights_bytes()),
        bias_(request.memory, request.problem.bias_bytes()) {
    const ConvProblem& p = request.problem;
    std::copy_n(request.weights, p.weights_bytes() / sizeof(float), weights_.floats());
    if (request.bias != nullptr) std::copy_n(request.bias, p.k, bias_.floats());
  }

  const char* algorithm() const noexcept override { return "tapwise"; }
  uint64_t packed_bytes() const noexcept override { return weights_.size() + bias_.size(); }
  uint64_t workspace_bytes() const noexcept override { return 0; }
  void execute(const HostTensors& tensors, ParallelFor& parallel,
               void* workspace) const noexcept override;

 private:
  // Outputs [x, x + count) of row y of channel k in one image.
  struct Strip {
    int64_t image, k, y, x, count;
  };

  void run_row(const HostTensors& tensors, int64_t row) const noexcept;
  void sum(const float* input, const Strip& strip, float* sums) const noexcept;
  void add_row(const float* line, const float* weights, const Strip& strip,
               float* sums) const noexcept;
  void store(const HostTensors& tensors, const Strip& strip, float* sums) const noexcept;

  const Kernels& kernels_;
  AlignedBlock weights_, bias_;
};

void TapwisePlan::execute(const HostTensors& tensors, ParallelFor& parallel,
                          void*) const noexcept {
  const ConvProblem& p = problem();
  const uint64_t flops = p.flops();
  ParallelFor* pool = threads_for(kernels_, flops, parallel);
  for_ranges(pool, p.n * p.k * p.out_h, 16, [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; ++row) run_row(tensors, row);
  });
}

void TapwisePlan::run_row(const HostTensors& tensors, int64_t row) const noexcept {
  const ConvProblem& p = problem();
  Strip strip{row / p.out_h / p.k, row / p.out_h % p.k, row % p.out_h, 0, 0};
  const int64_t channel = strip.image * p.c + strip.k / p.group_k() * p.group_c();
  float sums[strip_width];
  for (; strip.x < p.out_w; strip.x += strip_width) {
    strip.count = std::min(strip_width, p.out_w - strip.x);
    std::fill(sums, sums + strip.count, 0.0f);
    sum(tensors.input + channel * p.h * p.w, strip, sums);
    store(tensors, strip, sums);
  }
}

void TapwisePlan::sum(const float* input, const Strip& strip, float* sums) const noexcept {
  const ConvProblem& p = problem();
  const float* weights = weights_.floats() + strip.k * p.group_c() * p.kernel_h * p.kernel_w;
  for (int64_t c = 0; c < p.group_c(); ++c) {
    for (int64_t r = 0; r < p.kernel_h; ++r, weights += p.kernel_w) {
      const int64_t row = strip.y * p.stride_h + r * p.dilation_h - p.pad_top;
      if (row >= 0 && row < p.h) add_row(input + (c * p.h + row) * p.w, weights, strip, sums);
    }
  }
}

void TapwisePlan::add_row(const float* line, const float* weights, const Strip& strip,
                          float* sums) const noexcept {
  const ConvProblem& p = problem();
  for (int64_t s = 0; s < p.kernel_w; ++s) {
    const int64_t first = strip.x * p.stride_w + s * p.dilation_w - p.pad_left;
    const int64_t begin = first >= 0 ? 0 : (-first + p.stride_w - 1) / p.stride_w;
    const int64_t inside = first >= p.w ? 0 : (p.w - first - 1) / p.stride_w + 1;
    const int64_t end = std::min(strip.count, inside);
    for (int64_t i = begin; i < end; ++i) sums[i] += weights[s] * line[first + i * p.stride_w];
  }
}

void TapwisePlan::store(const HostTensors& tensors, const Strip& strip,
                        float* sums) const noexcept {
  const ConvProblem& p = problem();
  const int64_t at = ((strip.image * p.k + strip.k) * p.out_h + strip.y) * p.out_w + strip.x;
  FinishArgs args{};
  set_activation(p, &args);
  for (int64_t i = 0; i < strip.count; ++i) {
    float value = sums[i];
    if (tensors.residual != nullptr) value += tensors.residual[at + i];
    if (p.has_bias) value += bias_.floats()[strip.k];
    // Comparisons are false for NaN, which therefore passes through.
    if (args.activate && value < args.low) value = args.low;
    if (args.activate && value > args.high) value = args.high;
    tensors.output[at + i] = value;
  }
}

bool can(const PlanRequest&, Reason*) noexcept { return true; }

// Far from what vectors and caches allow, and never worth measuring.
double cost(const PlanRequest& request, int64_t) noexcept { return 1e3 * products(request.problem); }

std::shared_ptr<ConvPlan> create(const PlanRequest& request, const char*) {
  return make_shared_in<TapwisePlan>(request.memory, request);
}

}  // namespace

const Implementation tapwise = {"tapwise", can, cost, create};

}  // namespace sporkle::cpu
