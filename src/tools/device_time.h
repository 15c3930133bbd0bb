// The time of one operation with nothing else in flight.
#pragma once

#include "tools/conv_case.h"

// The median by the device's own clock over synchronous calls, or NaN when the
// device has none. The case's output is overwritten.
double device_time_by_clock(sporkle_plan plan, const ConvCase *conv);

// The median wall time from submitting on buffers that the device already
// holds to the return of the wait, or NaN when that cannot be run.
double device_time_by_wait(sporkle_context context, uint32_t device, sporkle_plan plan,
                           const ConvCase *conv);
