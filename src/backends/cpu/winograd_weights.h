// The matrix that transforms the weights of F(m x m, 3 x 3).
#pragma once

#include "backends/cpu/winograd_kernels.h"

namespace sporkle::cpu {

// For the points of kernel_winograd_math.inc: {1, p, p^2} over the product of
// the differences with the other points.
struct WeightRows {
  double row[6][3];
};

inline WeightRows weight_rows(int size) noexcept {
  constexpr double points[winograd_sizes][5] = {{0, 1, -1}, {0, 0.625, -0.625, 1.5, -1.5}};
  const double* p = points[size / 2 - 1];
  const int finite = size + 1;
  WeightRows rows{};
  for (int i = 0; i < finite; ++i) {
    double scale = 1;
    for (int j = 0; j < finite; ++j) {
      if (j != i) scale *= p[i] - p[j];
    }
    for (int j = 0; j < 3; ++j) rows.row[i][j] = (j == 0 ? 1 : j == 1 ? p[i] : p[i] * p[i]) / scale;
  }
  rows.row[finite][2] = 1;
  return rows;
}

}  // namespace sporkle::cpu
