// How long the packets of one dispatch take to prepare on this CPU.
#pragma once

#include "backends/amdgpu/pm4/encoder.h"
#include "backends/amdgpu/pm4/validator.h"
#include "sporkle.h"

namespace sporkle::amdgpu {

// Encodes the dispatch a few thousand times in each form; medians. About one
// millisecond. Throws Error when the packets are refused.
sporkle_pm4_info measure_preparation(const pm4::Registry& registry, pm4::ConvClass conv_class,
                                     const pm4::DispatchRequest& request,
                                     const pm4::FenceWrite& fence);

}  // namespace sporkle::amdgpu
