// Headless OpenGL: finds the devices that EGL offers.
#pragma once

#include "core/device_list.h"

namespace sporkle::gl {

// Adds the usable OpenGL devices, hardware first, and what keeps others from
// being usable. Does not open EGL when the device setting names another
// backend.
void enumerate(const DeviceEnvironment& environment, DeviceList* list);

}  // namespace sporkle::gl
