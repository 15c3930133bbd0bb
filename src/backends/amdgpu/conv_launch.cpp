#include "backends/amdgpu/conv_launch.h"

namespace sporkle::amdgpu {

bool find_conv_launch(const pm4::Target& target, const ConvProblem&, uint64_t, ConvLaunch*,
                      Reason* why) {
  why->set("gfx%x: this build carries no machine code for it", target.processor);
  return false;
}

}  // namespace sporkle::amdgpu
