// What a trial's convolution should give, in double precision, straight from the definition.
#include <algorithm>

#include "backends/gl/trial.h"

namespace sporkle::gl {

float trial_value(uint32_t index, uint32_t seed) noexcept {
  uint32_t v = index * 747796405u + seed * 2891336453u + 1u;
  v = ((v >> ((v >> 28) + 4u)) ^ v) * 277803737u;  // the PCG hash
  v = (v >> 22) ^ v;
  return static_cast<float>(v >> 8) * (1.0f / 8388608.0f) - 1.0f;
}

double trial_output(const ConvProblem& p, const float* weights, const float* bias,
                    uint64_t index) noexcept {
  const auto at = static_cast<int64_t>(index);
  const int64_t x = at % p.out_w, y = at / p.out_w % p.out_h;
  const int64_t k = at / (p.out_w * p.out_h) % p.k, n = at / (p.out_w * p.out_h * p.k);
  const int64_t first_c = k / p.group_k() * p.group_c();
  const float* w = weights + k * p.group_c() * p.kernel_h * p.kernel_w;
  double sum = bias != nullptr ? static_cast<double>(bias[k]) : 0.0;
  for (int64_t c = 0; c < p.group_c(); ++c) {
    for (int64_t r = 0; r < p.kernel_h; ++r) {
      const int64_t ih = y * p.stride_h - p.pad_top + r * p.dilation_h;
      if (ih < 0 || ih >= p.h) continue;
      for (int64_t s = 0; s < p.kernel_w; ++s) {
        const int64_t iw = x * p.stride_w - p.pad_left + s * p.dilation_w;
        if (iw < 0 || iw >= p.w) continue;
        const int64_t in = ((n * p.c + first_c + c) * p.h + ih) * p.w + iw;
        sum += static_cast<double>(w[(c * p.kernel_h + r) * p.kernel_w + s]) *
               static_cast<double>(trial_value(static_cast<uint32_t>(in), trial_input_seed));
      }
    }
  }
  if (p.has_residual) {
    sum += static_cast<double>(trial_value(static_cast<uint32_t>(index), trial_residual_seed));
  }
  if (p.activation == Activation::relu) return std::max(sum, 0.0);
  if (p.activation == Activation::clamp) {
    return std::clamp(sum, static_cast<double>(p.clamp_min), static_cast<double>(p.clamp_max));
  }
  return sum;
}

}  // namespace sporkle::gl
