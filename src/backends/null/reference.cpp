#include "backends/null/reference.h"

#include <algorithm>

namespace sporkle::null {

namespace {

// Outputs of a row that are summed at once, on the stack: nothing is allocated.
constexpr int64_t strip_width = 256;

struct Range {
  int64_t begin, end;
};

// Outputs of [begin, end) whose tap lies in an input of `size` elements.
Range inside(int64_t begin, int64_t end, int64_t size, int64_t stride, int64_t offset) noexcept {
  const int64_t first = offset >= 0 ? 0 : (-offset - 1) / stride + 1;
  const int64_t past = offset >= size ? 0 : (size - 1 - offset) / stride + 1;
  return {std::max(begin, first), std::min(end, past)};
}

void add_tap(double* sums, const float* input, int64_t count, int64_t stride,
             double weight) noexcept {
  if (stride == 1) {
    for (int64_t i = 0; i < count; ++i) sums[i] += weight * static_cast<double>(input[i]);
  } else {
    for (int64_t i = 0; i < count; ++i) sums[i] += weight * static_cast<double>(input[i * stride]);
  }
}

// Comparisons are false for NaN, which therefore passes through.
double activate(const ConvProblem& p, double value) noexcept {
  switch (p.activation) {
    case Activation::none: break;
    case Activation::relu: return value <= 0 ? 0 : value;
    case Activation::clamp:
      if (value < static_cast<double>(p.clamp_min)) return static_cast<double>(p.clamp_min);
      if (value > static_cast<double>(p.clamp_max)) return static_cast<double>(p.clamp_max);
      break;
  }
  return value;
}

// One row of one output channel, `weights` and `input` at its group's start.
struct Row {
  const ConvProblem& p;
  const float* input;
  const float* weights;
  double bias;
  int64_t y;

  void sum(int64_t x_begin, int64_t x_end, double* sums) const noexcept {
    std::fill(sums, sums + (x_end - x_begin), bias);
    const float* weight = weights;
    for (int64_t c = 0; c < p.group_c(); ++c) {
      for (int64_t r = 0; r < p.kernel_h; ++r, weight += p.kernel_w) {
        const int64_t row = y * p.stride_h + r * p.dilation_h - p.pad_top;
        if (row < 0 || row >= p.h) continue;
        add_row(input + (c * p.h + row) * p.w, weight, x_begin, x_end, sums);
      }
    }
  }

 private:
  void add_row(const float* line, const float* weight, int64_t x_begin, int64_t x_end,
               double* sums) const noexcept {
    for (int64_t s = 0; s < p.kernel_w; ++s) {
      const int64_t offset = s * p.dilation_w - p.pad_left;
      const Range x = inside(x_begin, x_end, p.w, p.stride_w, offset);
      if (x.begin >= x.end) continue;
      add_tap(sums + (x.begin - x_begin), line + x.begin * p.stride_w + offset, x.end - x.begin,
              p.stride_w, static_cast<double>(weight[s]));
    }
  }
};

void store_strip(const ConvProblem& p, const double* sums, int64_t count, const float* residual,
                 float* output) noexcept {
  for (int64_t i = 0; i < count; ++i) {
    const double value = residual == nullptr ? sums[i] : sums[i] + static_cast<double>(residual[i]);
    output[i] = static_cast<float>(activate(p, value));
  }
}

void compute_row(const Row& row, int64_t at, const HostTensors& tensors) noexcept {
  double sums[strip_width];
  for (int64_t x = 0; x < row.p.out_w; x += strip_width) {
    const int64_t end = std::min(x + strip_width, row.p.out_w);
    row.sum(x, end, sums);
    store_strip(row.p, sums, end - x, tensors.residual ? tensors.residual + at + x : nullptr,
                tensors.output + at + x);
  }
}

}  // namespace

void reference_conv2d(const ConvProblem& p, const float* weights, const float* bias,
                      const HostTensors& tensors) noexcept {
  const int64_t filter = p.group_c() * p.kernel_h * p.kernel_w;
  for (int64_t n = 0; n < p.n; ++n) {
    for (int64_t k = 0; k < p.k; ++k) {
      const int64_t channel = n * p.c + k / p.group_k() * p.group_c();
      const double start = bias == nullptr ? 0.0 : static_cast<double>(bias[k]);
      for (int64_t y = 0; y < p.out_h; ++y) {
        const Row row{p, tensors.input + channel * p.h * p.w, weights + k * filter, start, y};
        compute_row(row, ((n * p.k + k) * p.out_h + y) * p.out_w, tensors);
      }
    }
  }
}

}  // namespace sporkle::null
