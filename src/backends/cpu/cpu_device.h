// The CPU as a device: always there, runs every problem.
#pragma once

#include "core/device_list.h"

namespace sporkle::cpu {

// Adds the CPU. Throws Error when an option asks for what this CPU lacks.
void enumerate(const DeviceEnvironment& environment, DeviceList* list);

}  // namespace sporkle::cpu
