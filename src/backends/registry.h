// The one place that names the concrete backends.
#pragma once

#include "core/conv_problem.h"
#include "core/device_list.h"

namespace sporkle {

// Adds every usable device, the CPU first, and every backend that exists in
// this build and is not usable, with the reason and the cure. `with_null`:
// also the null device.
void enumerate_devices(const DeviceEnvironment& environment, bool with_null, DeviceList* list);

// The AMD packet tools, which need no device; they throw Error. `gfx` null: `image` is
// a file that pm4_encode wrote, else plain dwords. Each returns the whole size.
uint64_t pm4_encode(const char* gfx, const ConvProblem& problem, unsigned char* image,
                    uint64_t capacity, sporkle_pm4_info* out_info);
uint64_t pm4_decode(const char* gfx, const unsigned char* image, uint64_t size, char* text,
                    uint64_t capacity);
void pm4_validate(const unsigned char* image, uint64_t size);
uint64_t pm4_list_code(const char* gfx, const unsigned char* object, uint64_t size, char* text,
                       uint64_t capacity);

}  // namespace sporkle
