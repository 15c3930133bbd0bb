// How an OpenGL function of the virtual GPU is written, and all of them.
#pragma once

#include "gpu.h"

enum { gl_offset_alignment = 16, gl_shared_bytes = 32768, gl_invocations = 1024 };

#define BODY_PROTOTYPE(type, name, parameters, arguments) type gl_##name parameters;
ALL_FUNCTIONS(BODY_PROTOTYPE)

typedef struct Guard {
  Gl *gl;
} Guard;

Guard guard_enter(void);
void guard_leave(Guard *guard);

// Each begins with it: locked from here on, on the current context `gl`;
// without one nothing happens.
#define ENTER(otherwise)                                                    \
  Guard guard __attribute__((cleanup(guard_leave))) = guard_enter();        \
  Gl *const gl = guard.gl;                                                  \
  if (gl == NULL) return otherwise
