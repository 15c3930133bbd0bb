// Headless OpenGL: finds the devices that EGL offers.
#pragma once

#include "core/device_list.h"

namespace sporkle::gl {

struct OpenRules;

// What devices of contexts created from now on are opened under. For programs that link the
// library's objects; set while no context is being created.
OpenRules& scan_rules() noexcept;

// Adds the usable OpenGL devices, hardware first, and what keeps others from
// being usable. Does not open EGL when the device setting names another
// backend.
void enumerate(const DeviceEnvironment& environment, DeviceList* list);

}  // namespace sporkle::gl
