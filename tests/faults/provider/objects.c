// Buffers, queries, shaders, programs and what the driver says of itself.
#include <stdlib.h>
#include <string.h>

#include "wrap.h"

// Allocations that are struck leave a buffer without storage.
static bool no_memory(const char *function) {
  const bool struck = walk_strikes(function);
  if (!fault_now(FAULT_NO_MEMORY) && !struck) return false;
  context_raise(GL_OUT_OF_MEMORY);
  return true;
}

void wrap_BufferData(GLenum target, GLsizeiptr bytes, const void *data, GLenum usage) {
  if (!no_memory("glBufferData")) next.BufferData(target, bytes, data, usage);
}

void wrap_BufferStorage(GLenum target, GLsizeiptr bytes, const void *data, GLbitfield flags) {
  if (!no_memory("glBufferStorage")) next.BufferStorage(target, bytes, data, flags);
}

void *wrap_MapBufferRange(GLenum target, GLintptr offset, GLsizeiptr bytes, GLbitfield access) {
  Context *context = context_current();
  if (walk_strikes("glMapBufferRange")) {
    context_raise(GL_OUT_OF_MEMORY);
    return NULL;
  }
  if (fault_now(FAULT_NULL_MAP)) return NULL;
  void *map = next.MapBufferRange(target, offset, bytes, access);
  const GLuint name = target == GL_COPY_READ_BUFFER ? context->bound_read : context->bound_write;
  if (name < name_limit) context->maps[name] = map;
  if (map != NULL && fault_now(FAULT_UNALIGNED)) {
    map = (char *)map + fault_number(FAULT_UNALIGNED, 16);
  }
  return map;
}

static void count_names(ObjectKind kind, GLsizei count, const GLuint *names, int64_t change) {
  for (GLsizei i = 0; i < count; ++i) {
    if (names[i] != 0) context_count(kind, change);
  }
}

void wrap_GenBuffers(GLsizei count, GLuint *out) {
  if (walk_strikes("glGenBuffers")) {
    context_raise(GL_OUT_OF_MEMORY);
    memset(out, 0, (size_t)count * sizeof *out);
    return;
  }
  next.GenBuffers(count, out);
  count_names(OBJECT_BUFFER, count, out, 1);
}

void wrap_DeleteBuffers(GLsizei count, const GLuint *names) {
  Context *context = context_current();
  count_names(OBJECT_BUFFER, count, names, -1);
  for (GLsizei i = 0; i < count; ++i) {
    if (names[i] < name_limit) context->maps[names[i]] = NULL;
  }
  next.DeleteBuffers(count, names);
}

void wrap_GenQueries(GLsizei count, GLuint *out) {
  if (walk_strikes("glGenQueries")) {
    context_raise(GL_OUT_OF_MEMORY);
    memset(out, 0, (size_t)count * sizeof *out);
    return;
  }
  next.GenQueries(count, out);
  count_names(OBJECT_QUERY, count, out, 1);
}

void wrap_DeleteQueries(GLsizei count, const GLuint *names) {
  count_names(OBJECT_QUERY, count, names, -1);
  next.DeleteQueries(count, names);
}

GLuint wrap_CreateShader(GLenum type) {
  if (walk_strikes("glCreateShader")) {
    context_raise(GL_OUT_OF_MEMORY);
    return 0;
  }
  const GLuint shader = next.CreateShader(type);
  if (shader != 0) context_count(OBJECT_SHADER, 1);
  if (shader < name_limit) context_current()->bad_shaders[shader] = false;
  return shader;
}

void wrap_DeleteShader(GLuint shader) {
  if (shader != 0) context_count(OBJECT_SHADER, -1);
  next.DeleteShader(shader);
}

GLuint wrap_CreateProgram(void) {
  if (walk_strikes("glCreateProgram")) {
    context_raise(GL_OUT_OF_MEMORY);
    return 0;
  }
  const GLuint program = next.CreateProgram();
  if (program != 0) context_count(OBJECT_PROGRAM, 1);
  if (program < name_limit) context_current()->hung_programs[program] = false;
  return program;
}

void wrap_DeleteProgram(GLuint program) {
  if (program != 0) context_count(OBJECT_PROGRAM, -1);
  next.DeleteProgram(program);
}

void wrap_CompileShader(GLuint shader) {
  const bool struck = walk_strikes("glCompileShader");
  if (fault_now(FAULT_COMPILE) || struck) {
    if (shader < name_limit) context_current()->bad_shaders[shader] = true;
    return;
  }
  next.CompileShader(shader);
}

void wrap_GetShaderiv(GLuint shader, GLenum name, GLint *out) {
  if (walk_strikes("glGetShaderiv")) {
    context_raise(GL_OUT_OF_MEMORY);
  } else if (name == GL_COMPILE_STATUS && shader < name_limit &&
             context_current()->bad_shaders[shader]) {
    *out = GL_FALSE;
  } else {
    next.GetShaderiv(shader, name, out);
  }
}

void wrap_LinkProgram(GLuint program) {
  // A program that was never linked says so when asked.
  if (!walk_strikes("glLinkProgram")) next.LinkProgram(program);
}

void wrap_GetProgramiv(GLuint program, GLenum name, GLint *out) {
  if (fault_now(FAULT_LINK_STALL)) fault_stall();
  if (program < name_limit && context_current()->hung_programs[program]) {
    if (name == 0x91b1) {  // GL_COMPLETION_STATUS_KHR
      *out = GL_FALSE;
      return;
    }
    fault_stall();
  }
  if (walk_strikes("glGetProgramiv")) {
    context_raise(GL_OUT_OF_MEMORY);
  } else {
    next.GetProgramiv(program, name, out);
  }
}

GLboolean wrap_IsBuffer(GLuint name) {
  return walk_strikes("glIsBuffer") ? GL_FALSE : next.IsBuffer(name);
}

GLboolean wrap_IsProgram(GLuint name) {
  return walk_strikes("glIsProgram") ? GL_FALSE : next.IsProgram(name);
}

const GLubyte *wrap_GetString(GLenum name) {
  if (walk_strikes("glGetString")) return NULL;
  if (name == GL_VERSION && fault_now(FAULT_VERSION)) {
    return (const GLubyte *)fault_text(FAULT_VERSION);
  }
  if (name == GL_RENDERER && fault_now(FAULT_RENDERER)) {
    return (const GLubyte *)fault_text(FAULT_RENDERER);
  }
  return next.GetString(name);
}

const GLubyte *wrap_GetStringi(GLenum name, GLuint index) {
  if (walk_strikes("glGetStringi")) return NULL;
  const GLubyte *text = next.GetStringi(name, index);
  const bool hidden = text != NULL && fault_planned(FAULT_EXTENSION) &&
                      strcmp((const char *)text, fault_text(FAULT_EXTENSION)) == 0 &&
                      fault_now(FAULT_EXTENSION);
  return hidden ? (const GLubyte *)"GL_hidden" : text;
}

void wrap_GetIntegerv(GLenum name, GLint *out) {
  if (walk_strikes("glGetIntegerv")) {
    context_raise(GL_OUT_OF_MEMORY);
  } else {
    next.GetIntegerv(name, out);
  }
}
