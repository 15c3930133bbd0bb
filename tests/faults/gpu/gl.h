// How an OpenGL function of the virtual GPU is written, and all of them.
#pragma once

#include "gpu.h"

enum { gl_offset_alignment = 16, gl_shared_bytes = 32768, gl_invocations = 1024 };

// X(return type, name, parameters, arguments): those that the wrappers know,
// and those that go through.
#define UNWRAPPED_FUNCTIONS(X)                                                                   \
  X(void, ClearBufferData,                                                                       \
    (GLenum target, GLenum internal, GLenum format, GLenum type, const void *data),              \
    (target, internal, format, type, data))                                                      \
  X(void, GetBufferParameteri64v, (GLenum target, GLenum name, GLint64 *out),                    \
    (target, name, out))                                                                         \
  X(void, GetAttachedShaders,                                                                    \
    (GLuint program, GLsizei capacity, GLsizei *count, GLuint *out),                             \
    (program, capacity, count, out))                                                             \
  X(GLboolean, IsBuffer, (GLuint name), (name))                                                  \
  X(GLboolean, IsProgram, (GLuint name), (name))

#define BODY_PROTOTYPE(type, name, parameters, arguments) type gl_##name parameters;
ALL_FUNCTIONS(BODY_PROTOTYPE)
UNWRAPPED_FUNCTIONS(BODY_PROTOTYPE)

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
