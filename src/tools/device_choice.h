// Which device computes when none is named, and why.
#pragma once

#include "sporkle.h"

typedef struct DeviceChoice {
  uint32_t device;  // takes large problems; SPORKLE_DEVICE_AUTO: none does
  char spec[32];    // its name; empty when there is none
  char reason[512];
} DeviceChoice;

// Asks the selector of the context, so the answer is what a call would get.
DeviceChoice device_choice(sporkle_context context);
