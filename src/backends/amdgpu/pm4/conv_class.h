// Which kernel family, and so which template, a convolution belongs to: the one
// place that decides it. The profile behind the classes is in docs/pm4_design.md.
#pragma once

#include "core/conv_problem.h"

namespace sporkle::pm4 {

enum class ConvClass : uint8_t { pointwise, three_by_three, general };

inline ConvClass classify(const ConvProblem& problem) {
  const bool plain = problem.groups == 1 && problem.dilation_h == 1 && problem.dilation_w == 1;
  const bool padded = problem.pad_top != 0 || problem.pad_left != 0 || problem.pad_bottom != 0 ||
                      problem.pad_right != 0;
  if (plain && problem.kernel_h == 1 && problem.kernel_w == 1 && !padded) {
    return ConvClass::pointwise;
  }
  const bool stepped = problem.stride_h == problem.stride_w && problem.stride_h <= 2;
  if (plain && stepped && problem.kernel_h == 3 && problem.kernel_w == 3) {
    return ConvClass::three_by_three;
  }
  return ConvClass::general;
}

}  // namespace sporkle::pm4
