// What lies below the wrappers: a real driver (driver.c), or none (../gpu).
#pragma once

#include <EGL/egl.h>
#include <stdbool.h>
#include <stdint.h>

typedef __eglMustCastToProperFunctionPointerType Function;

// An exported function of libEGL.
Function below_symbol(const char *name);
// What its eglGetProcAddress gives.
Function below_function(const char *name);

// The clock by which sync objects are late.
uint64_t below_now_ns(void);
// Whether work goes on when its context is said to be lost, as after no reset.
bool below_goes_on(void);
// A wait for something that does not end takes its time, as a driver's does.
void below_pass_time(uint64_t timeout_ns);
