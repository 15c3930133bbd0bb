// The wrappers that put faults before a driver.
#pragma once

#include "context.h"

#define WRAPPER_PROTOTYPE(type, name, parameters, arguments) type wrap_##name parameters;
ALL_FUNCTIONS(WRAPPER_PROTOTYPE)
