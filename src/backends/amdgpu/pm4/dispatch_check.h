// A dispatch against the registers and the loaded kernels.
#pragma once

#include "backends/amdgpu/pm4/validator.h"

namespace sporkle::pm4 {

struct DispatchFault {
  const char* reason;          // null: the dispatch is sound
  const KernelObject* kernel;  // the kernel that it runs
  uint64_t kernarg;            // address of its arguments, where it takes any
};

DispatchFault dispatch_fault(const DispatchDirect& dispatch, const ShaderRegisters& registers,
                             const Registry& registry);

}  // namespace sporkle::pm4
