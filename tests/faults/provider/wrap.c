#include "wrap.h"

#include <string.h>

// A struck function does nothing, except raise an error.
#define FAILING_WRAPPER(type, name, parameters, arguments) \
  static type pass_##name parameters;                      \
  type wrap_##name parameters {                            \
    if (walk_strikes("gl" #name)) {                        \
      context_raise(GL_OUT_OF_MEMORY);                     \
      return;                                              \
    }                                                      \
    pass_##name arguments;                                 \
  }
FAILING_FUNCTIONS(FAILING_WRAPPER)

#define PLAIN_WRAPPER(type, name, parameters, arguments) \
  type wrap_##name parameters { next.name arguments; }
PLAIN_FUNCTIONS(PLAIN_WRAPPER)

// The rest of the failing functions go through, most with nothing to add.
#define PASS(name, parameters, arguments) \
  static void pass_##name parameters { next.name arguments; }
PASS(BindBufferBase, (GLenum target, GLuint index, GLuint buffer), (target, index, buffer))
PASS(ClearBufferData,
     (GLenum target, GLenum internal, GLenum format, GLenum type, const void *data),
     (target, internal, format, type, data))
PASS(FlushMappedBufferRange, (GLenum target, GLintptr offset, GLsizeiptr bytes),
     (target, offset, bytes))
PASS(Uniform4uiv, (GLint location, GLsizei count, const GLuint *value), (location, count, value))
PASS(QueryCounter, (GLuint id, GLenum target), (id, target))
PASS(GetQueryObjectui64v, (GLuint id, GLenum name, GLuint64 *out), (id, name, out))
PASS(ProgramParameteri, (GLuint program, GLenum name, GLint value), (program, name, value))
PASS(ProgramBinary, (GLuint program, GLenum format, const void *binary, GLsizei length),
     (program, format, binary, length))
PASS(GetProgramBinary,
     (GLuint program, GLsizei capacity, GLsizei *length, GLenum *format, void *binary),
     (program, capacity, length, format, binary))
PASS(GetIntegeri_v, (GLenum name, GLuint index, GLint *out), (name, index, out))
PASS(GetInteger64v, (GLenum name, GLint64 *out), (name, out))
PASS(GetBufferParameteri64v, (GLenum target, GLenum name, GLint64 *out), (target, name, out))
PASS(GetAttachedShaders, (GLuint program, GLsizei capacity, GLsizei *count, GLuint *out),
     (program, capacity, count, out))

static bool fails(Fault fault) {
  if (!fault_now(fault)) return false;
  context_raise(GL_OUT_OF_MEMORY);
  return true;
}

static void pass_CopyBufferSubData(GLenum from, GLenum to, GLintptr read, GLintptr write,
                                   GLsizeiptr bytes) {
  if (!fails(FAULT_COPY)) next.CopyBufferSubData(from, to, read, write, bytes);
}

static void pass_GetBufferSubData(GLenum target, GLintptr offset, GLsizeiptr bytes, void *data) {
  if (!fails(FAULT_READ)) next.GetBufferSubData(target, offset, bytes, data);
}

static void pass_BufferSubData(GLenum target, GLintptr offset, GLsizeiptr bytes,
                               const void *data) {
  if (!fails(FAULT_WRITE)) next.BufferSubData(target, offset, bytes, data);
}

static void pass_BindBuffer(GLenum target, GLuint buffer) {
  Context *context = context_current();
  if (target == GL_COPY_READ_BUFFER) context->bound_read = buffer;
  if (target == GL_COPY_WRITE_BUFFER) context->bound_write = buffer;
  next.BindBuffer(target, buffer);
}

// The completion word is a program that writes to the storage block "Word".
static void pass_BindBufferRange(GLenum target, GLuint index, GLuint buffer, GLintptr offset,
                                 GLsizeiptr bytes) {
  Context *context = context_current();
  if (index == 0) {
    context->word_buffer = buffer;
    context->word_offset = (uint64_t)offset;
  }
  next.BindBufferRange(target, index, buffer, offset, bytes);
}

static void pass_Uniform1ui(GLint location, GLuint value) {
  context_current()->word_value = value;
  next.Uniform1ui(location, value);
}

static void pass_ShaderSource(GLuint shader, GLsizei count, const GLchar *const *text,
                              const GLint *length) {
  if (shader < name_limit) {
    context_current()->word_shaders[shader] = strstr(text[0], "buffer Word") != NULL;
    context_current()->hung_shaders[shader] =
        fault_planned(FAULT_COMPILE_HANG) &&
        strstr(text[0], fault_text(FAULT_COMPILE_HANG)) != NULL;
  }
  next.ShaderSource(shader, count, text, length);
}

static void pass_AttachShader(GLuint program, GLuint shader) {
  Context *context = context_current();
  if (program < name_limit && shader < name_limit) {
    context->word_programs[program] = context->word_shaders[shader];
    const bool queued = fault_planned(FAULT_COMPILE_QUEUE);
    const bool hangs = context->hung_shaders[shader] && fault_now(FAULT_COMPILE_HANG);
    context->compiler_hung = queued && (context->compiler_hung || hangs);
    context->hung_programs[program] = hangs || context->compiler_hung;
  }
  next.AttachShader(program, shader);
}

void wrap_UseProgram(GLuint program) {
  if (walk_strikes("glUseProgram")) {
    context_raise(GL_INVALID_OPERATION);
    return;
  }
  context_current()->program = program;
  next.UseProgram(program);
}

// Whether the word's own dispatch is to run.
static bool word_runs(Context *context) {
  Word word = {NULL, context->word_value};
  if (context->word_buffer < name_limit && context->maps[context->word_buffer] != NULL) {
    word.address = (uint32_t *)((char *)context->maps[context->word_buffer] +
                                context->word_offset);
  }
  if (fault_now(FAULT_WORD_MISSING)) return false;
  if (fault_now(FAULT_WORD_EARLY)) {
    if (word.address != NULL) __atomic_store_n(word.address, word.value, __ATOMIC_RELEASE);
    return false;
  }
  if (fault_now(FAULT_WORD_STALE)) {
    if (word.address != NULL) __atomic_store_n(word.address, word.value - 1, __ATOMIC_RELEASE);
    return false;
  }
  if (fault_now(FAULT_WORD_LAST)) {
    context->late_word = word;
    return false;
  }
  return true;
}

void wrap_DispatchCompute(GLuint x, GLuint y, GLuint z) {
  Context *context = context_current();
  if (fault_now(FAULT_LOST)) context_lose(context);
  if (context->lost) return;
  if (walk_strikes("glDispatchCompute")) {
    context_raise(GL_OUT_OF_MEMORY);
    return;
  }
  const bool word = context->program < name_limit && context->word_programs[context->program];
  if (word && !word_runs(context)) return;
  if (fails(FAULT_DISPATCH)) return;
  next.DispatchCompute(x, y, z);
}

#define WRAPPER_ENTRY(type, name, parameters, arguments)               \
  if (strcmp(function, "gl" #name) == 0) {                             \
    return (__eglMustCastToProperFunctionPointerType)wrap_##name;      \
  }

__eglMustCastToProperFunctionPointerType wrapper_of(const char *function) {
  ALL_FUNCTIONS(WRAPPER_ENTRY)
  return NULL;
}
