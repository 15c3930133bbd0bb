// The null device: a deterministic device without hardware, for tests. It
// computes with the float64 reference, in submission order, on a virtual
// clock, and fails as it is told to.
#pragma once

#include "core/device_list.h"

namespace sporkle::null {

// Adds the null device.
void enumerate(const DeviceEnvironment& environment, DeviceList* list);

}  // namespace sporkle::null
