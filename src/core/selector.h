// Which device takes a problem, and what happens when it cannot.
#pragma once

#include "core/context.h"
#include "core/plan_source.h"

namespace sporkle {

struct Choice {
  uint32_t device = 0;
  bool may_fall_back = false;  // chosen by the selector, and not required to be a GPU
};

// `device` is an index or SPORKLE_DEVICE_AUTO. An index is checked and kept;
// AUTO takes the preferred device, else a hardware GPU above the FLOP
// threshold, else the CPU. Throws UNSUPPORTED with the device's reason, or
// DEVICE_UNAVAILABLE when a GPU is required and none takes the source.
Choice select_device(Context& context, uint32_t device, const PlanSource& source);

// Counts and reports that a problem goes to the CPU instead of `device`.
void note_fallback(Context& context, uint32_t device, const char* reason) noexcept;

// Whether an error of a device may be answered by computing on the CPU.
bool error_allows_fallback(Status status) noexcept;

}  // namespace sporkle
