// Checks of the arrays a caller passes with a problem.
#include "core/plan.h"

namespace sporkle {

namespace {

void check_array(const void* array, const char* argument) {
  if (array == nullptr) fail(SPORKLE_ERROR_INVALID_ARGUMENT, "%s: null", argument);
  if (reinterpret_cast<uintptr_t>(array) % alignof(float) != 0) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "%s: not aligned to %zu bytes", argument, alignof(float));
  }
}

void check_optional(const void* array, bool wanted, const char* argument, const char* flag) {
  if (wanted) {
    if (array == nullptr) {
      fail(SPORKLE_ERROR_INVALID_ARGUMENT, "%s: null, but desc.flags has %s", argument, flag);
    }
    check_array(array, argument);
  } else if (array != nullptr) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "%s: given, but desc.flags lacks %s", argument, flag);
  }
}

bool overlap(const void* a, uint64_t a_bytes, const void* b, uint64_t b_bytes) noexcept {
  const auto first = reinterpret_cast<uintptr_t>(a);
  const auto second = reinterpret_cast<uintptr_t>(b);
  return first < second ? second - first < a_bytes : first - second < b_bytes;
}

void check_apart(const float* output, uint64_t output_bytes, const float* other,
                 uint64_t other_bytes, const char* name) {
  if (other == nullptr || !overlap(output, output_bytes, other, other_bytes)) return;
  fail(SPORKLE_ERROR_INVALID_ARGUMENT, "output: overlaps %s", name);
}

}  // namespace

void check_weights(const ConvProblem& problem, const float* weights, const float* bias) {
  check_array(weights, "weights");
  check_optional(bias, problem.has_bias != 0, "bias", "SPORKLE_CONV2D_BIAS");
}

void check_tensors(const Extent& extent, const HostTensors& tensors) {
  check_array(tensors.input, "input");
  check_optional(tensors.residual, extent.residual_bytes != 0, "residual",
                 "SPORKLE_CONV2D_RESIDUAL");
  check_array(tensors.output, "output");
  const uint64_t bytes = extent.output_bytes;
  check_apart(tensors.output, bytes, tensors.input, extent.input_bytes, "input");
  // Element by element in place is well defined; a shifted overlap is not.
  if (tensors.residual != tensors.output) {
    check_apart(tensors.output, bytes, tensors.residual, bytes, "residual");
  }
}

void check_output_apart(const ConvProblem& problem, const HostTensors& tensors,
                        const float* weights, const float* bias) {
  const uint64_t bytes = problem.output_bytes();
  check_apart(tensors.output, bytes, weights, problem.weights_bytes(), "weights");
  check_apart(tensors.output, bytes, bias, problem.bias_bytes(), "bias");
}

}  // namespace sporkle
