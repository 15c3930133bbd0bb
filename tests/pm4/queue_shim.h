// What the shims share: the internals of a queue.
#pragma once

#include <memory>
#include <vector>

#include "backends/amdgpu/pm4/encoder.h"
#include "backends/amdgpu/pm4/validator.h"
#include "pm4_shim.h"

struct pm4_queue {
  sporkle::pm4::Target target;
  std::vector<sporkle::pm4::KernelObject> kernels;
  std::vector<sporkle::pm4::AddressRange> ranges;
  std::vector<sporkle::pm4::CallableBuffer> buffers;
  sporkle::pm4::Registry registry;
  sporkle::pm4::Refusal refusal;
  std::unique_ptr<sporkle::pm4::Encoder> encoder;
  std::unique_ptr<sporkle::pm4::Validator> validator;
};
