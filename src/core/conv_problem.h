// The one description of a convolution problem: checked sizes and what follows
// from them. Everything behind the C interface works on this.
#pragma once

#include <cstdint>

#include "base/error.h"
#include "sporkle.h"

namespace sporkle {

enum class Activation : int32_t { none = 0, relu = 1, clamp = 2 };

// All sizes are elements. A value of this type is valid: every size is
// positive, every product below fits, and out_h and out_w are at least 1.
// Plain data with no padding bytes, so that two problems compare by memcmp.
struct ConvProblem {
  int64_t n, c, h, w, k;
  int64_t kernel_h, kernel_w;
  int64_t stride_h, stride_w;
  int64_t pad_top, pad_left, pad_bottom, pad_right;
  int64_t dilation_h, dilation_w;
  int64_t groups;
  int64_t out_h, out_w;
  Activation activation;
  float clamp_min, clamp_max;
  uint32_t has_bias, has_residual;
  uint32_t reserved;

  int64_t group_c() const { return c / groups; }
  int64_t group_k() const { return k / groups; }
  uint64_t input_bytes() const { return 4u * static_cast<uint64_t>(n) * c * h * w; }
  uint64_t weights_bytes() const {
    return 4u * static_cast<uint64_t>(k) * group_c() * kernel_h * kernel_w;
  }
  uint64_t bias_bytes() const { return has_bias ? 4u * static_cast<uint64_t>(k) : 0; }
  uint64_t output_bytes() const { return 4u * static_cast<uint64_t>(n) * k * out_h * out_w; }
  uint64_t residual_bytes() const { return has_residual ? output_bytes() : 0; }
  // 2 * n * k * out_h * out_w * group_c * kernel_h * kernel_w, padding counted.
  uint64_t flops() const {
    return 2u * static_cast<uint64_t>(n) * k * out_h * out_w * group_c() * kernel_h * kernel_w;
  }
};

static_assert(sizeof(ConvProblem) == 18 * 8 + 24, "memcmp needs a struct without padding");

// Checks a descriptor (already normalised to the full struct) and derives the
// rest. Throws Error naming the field.
ConvProblem make_problem(const sporkle_conv2d_desc& desc);

// One tensor set on the host. residual is null exactly when the problem has none.
struct HostTensors {
  const float* input;
  const float* residual;
  float* output;
};

}  // namespace sporkle
