#include "backends/amdgpu/conv_launch.h"

#include <algorithm>

#include "backends/amdgpu/code_object.h"
#include "backends/amdgpu/conv_kernels.h"
#include "backends/amdgpu/embedded_objects.h"

namespace sporkle::amdgpu {

bool find_conv_launch(const pm4::Target& target, const ConvProblem& problem,
                      uint64_t code_address, ConvLaunch* out, Reason* why) {
  CodeObject object;
  CodeKernel kernel;
  ConvGrid grid;
  if (!find_embedded_object(target.processor, &object, why)) return false;
  if (!plan_conv(problem, &grid, why)) return false;
  if (!find_kernel(object, grid.name, &kernel, why) ||
      !make_kernel_object(object, kernel, target.processor, code_address, sizeof(ConvArguments),
                          &out->kernel, why)) {
    return false;
  }
  out->conv_class = pm4::classify(problem);
  std::copy_n(grid.groups, 3, out->groups);
  std::copy_n(grid.threads, 3, out->threads);
  return true;
}

}  // namespace sporkle::amdgpu
