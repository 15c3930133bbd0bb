// Wall clock and medians.
#pragma once

#include <stdint.h>

int64_t timing_now_ns(void);

// Milliseconds since a value of timing_now_ns.
double timing_ms_since(int64_t start_ns);

// Sorts the values; `count` is at least 1.
double timing_median(double *values, int count);
