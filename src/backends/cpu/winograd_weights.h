// The transformation of the weights of F(m x m, 3 x 3), in float64.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "backends/cpu/winograd_kernels.h"

namespace sporkle::cpu {

// Those of kernel_winograd_math.inc but infinity, by size.
constexpr double winograd_points[winograd_sizes][5] = {{0, 1, -1}, {0, 0.625, -0.625, 1.5, -1.5}};

// 1 over the product of the differences of point i with the other points; 1 for infinity.
inline double weight_scale(int size, int i) noexcept {
  const double* p = winograd_points[size / 2 - 1];
  double product = 1;
  for (int j = 0; j < size + 1; ++j) {
    if (j != i && i <= size) product *= p[i] - p[j];
  }
  return 1 / product;
}

// {1, p, p^2} times its scale for each point, {0, 0, 1} for infinity.
struct WeightRows {
  double row[6][3];
};

inline WeightRows weight_rows(int size) noexcept {
  const double* p = winograd_points[size / 2 - 1];
  const int finite = size + 1;
  WeightRows rows{};
  for (int i = 0; i < finite; ++i) {
    const double scale = weight_scale(size, i);
    for (int j = 0; j < 3; ++j) rows.row[i][j] = (j == 0 ? 1 : j == 1 ? p[i] : p[i] * p[i]) * scale;
  }
  rows.row[finite][2] = 1;
  return rows;
}

// Transformed weights are rounded as fp32: near the denormals little is left of them. Of
// weights much smaller than the largest ones less matters.
inline bool above_denormals(const float* weights, uint64_t count) noexcept {
  constexpr float least = 0x1p-100f;
  float largest = 0;
  for (uint64_t i = 0; i < count; ++i) largest = std::max(largest, std::fabs(weights[i]));
  return largest == 0 || largest >= least;
}

// The weights of one input channel for `lanes` output channels, at most 48: tap t at
// from + t * tap to position i at to + i * position. False when one is not finite.
inline bool transform_channel(int size, const float* from, ptrdiff_t tap, ptrdiff_t lanes,
                              float* to, ptrdiff_t position) noexcept {
  const ptrdiff_t n = size + 2;
  const WeightRows g = weight_rows(size);
  double half[6][3][48];
  for (ptrdiff_t i = 0; i < n; ++i) {
    for (ptrdiff_t s = 0; s < 3; ++s) {
      for (ptrdiff_t k = 0; k < lanes; ++k) {
        half[i][s][k] = g.row[i][0] * from[s * tap + k] + g.row[i][1] * from[(3 + s) * tap + k] +
                        g.row[i][2] * from[(6 + s) * tap + k];
      }
    }
  }
  float check = 0;
  for (ptrdiff_t i = 0; i < n * n; ++i, to += position) {
    const auto& h = half[i / n];
    const double* const row = g.row[i % n];
    for (ptrdiff_t k = 0; k < lanes; ++k) {
      to[k] = static_cast<float>(h[0][k] * row[0] + h[1][k] * row[1] + h[2][k] * row[2]);
      check += to[k] * 0.0f;
    }
  }
  return check == 0;
}

}  // namespace sporkle::cpu
