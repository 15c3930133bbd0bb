// Reading a problem descriptor at the boundary.
#pragma once

#include "api/boundary.h"
#include "core/conv_problem.h"

namespace sporkle {

inline ConvProblem read_problem(const sporkle_conv2d_desc* desc) {
  const sporkle_conv2d_desc defaults = SPORKLE_CONV2D_DESC_INIT;
  return make_problem(read_struct(desc, defaults, "desc"));
}

}  // namespace sporkle
