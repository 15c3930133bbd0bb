// The one place that names the concrete backends.
#pragma once

#include "core/device_list.h"

namespace sporkle {

// Adds every usable device, the CPU first, and every backend that exists in
// this build and is not usable, with the reason and the cure. `with_null`:
// also the null device.
void enumerate_devices(const DeviceEnvironment& environment, bool with_null, DeviceList* list);

}  // namespace sporkle
