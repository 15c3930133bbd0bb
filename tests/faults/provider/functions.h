// The OpenGL functions that the provider stands in for: what the library uses.
// X(return type, name, parameters, arguments)
#pragma once

#include <GL/glcorearb.h>

// Functions that only fail by an OpenGL error, and then do nothing.
#define FAILING_FUNCTIONS(X)                                                                      \
  X(void, BindBuffer, (GLenum target, GLuint buffer), (target, buffer))                           \
  X(void, BindBufferBase, (GLenum target, GLuint index, GLuint buffer), (target, index, buffer))  \
  X(void, BindBufferRange,                                                                        \
    (GLenum target, GLuint index, GLuint buffer, GLintptr offset, GLsizeiptr bytes),              \
    (target, index, buffer, offset, bytes))                                                       \
  X(void, BufferSubData,                                                                          \
    (GLenum target, GLintptr offset, GLsizeiptr bytes, const void *data),                         \
    (target, offset, bytes, data))                                                                \
  X(void, ClearBufferData,                                                                        \
    (GLenum target, GLenum internal, GLenum format, GLenum type, const void *data),               \
    (target, internal, format, type, data))                                                       \
  X(void, CopyBufferSubData,                                                                      \
    (GLenum from, GLenum to, GLintptr read, GLintptr write, GLsizeiptr bytes),                    \
    (from, to, read, write, bytes))                                                               \
  X(void, GetBufferSubData, (GLenum target, GLintptr offset, GLsizeiptr bytes, void *data),       \
    (target, offset, bytes, data))                                                                \
  X(void, FlushMappedBufferRange, (GLenum target, GLintptr offset, GLsizeiptr bytes),             \
    (target, offset, bytes))                                                                      \
  X(void, Uniform1ui, (GLint location, GLuint value), (location, value))                          \
  X(void, Uniform4uiv, (GLint location, GLsizei count, const GLuint *value),                      \
    (location, count, value))                                                                     \
  X(void, QueryCounter, (GLuint id, GLenum target), (id, target))                                 \
  X(void, GetQueryObjectui64v, (GLuint id, GLenum name, GLuint64 *out), (id, name, out))          \
  X(void, ShaderSource,                                                                           \
    (GLuint shader, GLsizei count, const GLchar *const *text, const GLint *length),               \
    (shader, count, text, length))                                                                \
  X(void, AttachShader, (GLuint program, GLuint shader), (program, shader))                       \
  X(void, ProgramParameteri, (GLuint program, GLenum name, GLint value), (program, name, value))  \
  X(void, ProgramBinary,                                                                          \
    (GLuint program, GLenum format, const void *binary, GLsizei length),                          \
    (program, format, binary, length))                                                            \
  X(void, GetProgramBinary,                                                                       \
    (GLuint program, GLsizei capacity, GLsizei *length, GLenum *format, void *binary),            \
    (program, capacity, length, format, binary))                                                  \
  X(void, GetIntegeri_v, (GLenum name, GLuint index, GLint *out), (name, index, out))             \
  X(void, GetInteger64v, (GLenum name, GLint64 *out), (name, out))                                \
  X(void, GetBufferParameteri64v, (GLenum target, GLenum name, GLint64 *out),                     \
    (target, name, out))                                                                          \
  X(void, GetAttachedShaders,                                                                     \
    (GLuint program, GLsizei capacity, GLsizei *count, GLuint *out),                              \
    (program, capacity, count, out))

// Functions that cannot fail in a way the caller could be told of.
#define PLAIN_FUNCTIONS(X)                                                                        \
  X(void, MemoryBarrier, (GLbitfield barriers), (barriers))                                       \
  X(void, DetachShader, (GLuint program, GLuint shader), (program, shader))                       \
  X(void, GetShaderInfoLog,                                                                       \
    (GLuint shader, GLsizei capacity, GLsizei *length, GLchar *log),                              \
    (shader, capacity, length, log))                                                              \
  X(void, GetProgramInfoLog,                                                                      \
    (GLuint program, GLsizei capacity, GLsizei *length, GLchar *log),                             \
    (program, capacity, length, log))

// Functions whose faults are written by hand in wrap.c and objects.c.
#define SPECIAL_FUNCTIONS(X)                                                                      \
  X(GLenum, GetError, (void), ())                                                                 \
  X(const GLubyte *, GetString, (GLenum name), (name))                                            \
  X(const GLubyte *, GetStringi, (GLenum name, GLuint index), (name, index))                      \
  X(void, GetIntegerv, (GLenum name, GLint *out), (name, out))                                    \
  X(GLboolean, IsBuffer, (GLuint name), (name))                                                   \
  X(GLboolean, IsProgram, (GLuint name), (name))                                                  \
  X(GLenum, GetGraphicsResetStatus, (void), ())                                                   \
  X(GLsync, FenceSync, (GLenum condition, GLbitfield flags), (condition, flags))                  \
  X(GLenum, ClientWaitSync, (GLsync sync, GLbitfield flags, GLuint64 timeout),                    \
    (sync, flags, timeout))                                                                       \
  X(void, WaitSync, (GLsync sync, GLbitfield flags, GLuint64 timeout), (sync, flags, timeout))    \
  X(void, DeleteSync, (GLsync sync), (sync))                                                      \
  X(void, Flush, (void), ())                                                                      \
  X(void, UseProgram, (GLuint program), (program))                                                \
  X(void, DispatchCompute, (GLuint x, GLuint y, GLuint z), (x, y, z))                             \
  X(void, BufferData, (GLenum target, GLsizeiptr bytes, const void *data, GLenum usage),          \
    (target, bytes, data, usage))                                                                 \
  X(void, BufferStorage,                                                                          \
    (GLenum target, GLsizeiptr bytes, const void *data, GLbitfield flags),                        \
    (target, bytes, data, flags))                                                                 \
  X(void *, MapBufferRange,                                                                       \
    (GLenum target, GLintptr offset, GLsizeiptr bytes, GLbitfield access),                        \
    (target, offset, bytes, access))                                                              \
  X(void, GenBuffers, (GLsizei count, GLuint *out), (count, out))                                 \
  X(void, DeleteBuffers, (GLsizei count, const GLuint *names), (count, names))                    \
  X(void, GenQueries, (GLsizei count, GLuint *out), (count, out))                                 \
  X(void, DeleteQueries, (GLsizei count, const GLuint *names), (count, names))                    \
  X(GLuint, CreateShader, (GLenum type), (type))                                                  \
  X(void, DeleteShader, (GLuint shader), (shader))                                                \
  X(GLuint, CreateProgram, (void), ())                                                            \
  X(void, DeleteProgram, (GLuint program), (program))                                             \
  X(void, CompileShader, (GLuint shader), (shader))                                               \
  X(void, GetShaderiv, (GLuint shader, GLenum name, GLint *out), (shader, name, out))             \
  X(void, LinkProgram, (GLuint program), (program))                                               \
  X(void, GetProgramiv, (GLuint program, GLenum name, GLint *out), (program, name, out))

#define ALL_FUNCTIONS(X) FAILING_FUNCTIONS(X) PLAIN_FUNCTIONS(X) SPECIAL_FUNCTIONS(X)

#define DRIVER_MEMBER(type, name, parameters, arguments) type(*name) parameters;

// One implementation of them: the real driver, the host's, a queue before one.
typedef struct Driver {
  ALL_FUNCTIONS(DRIVER_MEMBER)
} Driver;
