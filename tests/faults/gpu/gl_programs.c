// Shaders and programs.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gl.h"

GLuint gl_CreateShader(GLenum type) {
  ENTER(0);
  if (type == GL_COMPUTE_SHADER) return object_new(gl, IS_SHADER);
  gl_raise(gl, GL_INVALID_ENUM);
  return 0;
}

GLuint gl_CreateProgram(void) {
  ENTER(0);
  return object_new(gl, IS_PROGRAM);
}

void gl_ShaderSource(GLuint shader, GLsizei count, const GLchar *const *text, const GLint *length) {
  ENTER();
  Object *object = object_of(gl, shader, IS_SHADER);
  if (object == NULL) return;
  if (count != 1 || length != NULL) {
    gl_raise(gl, GL_INVALID_OPERATION);
    return;
  }
  free(object->source);
  object->source = strdup(text[0]);
}

void gl_CompileShader(GLuint shader) {
  ENTER();
  Object *object = object_of(gl, shader, IS_SHADER);
  if (object == NULL) return;
  object->compiled = object->source != NULL && strncmp(object->source, "#version ", 9) == 0;
  snprintf(object->log, sizeof object->log, "%s", object->compiled ? "" : "no #version");
}

void gl_GetShaderiv(GLuint shader, GLenum name, GLint *out) {
  ENTER();
  const Object *object = object_of(gl, shader, IS_SHADER);
  if (object == NULL) return;
  if (name != GL_COMPILE_STATUS) gl_raise(gl, GL_INVALID_ENUM);
  *out = object->compiled;
}

static void copy_log(const Object *object, GLsizei capacity, GLsizei *length, GLchar *log) {
  if (object == NULL || capacity <= 0) return;
  snprintf(log, (size_t)capacity, "%s", object->log);
  if (length != NULL) *length = (GLsizei)strlen(log);
}

void gl_GetShaderInfoLog(GLuint shader, GLsizei capacity, GLsizei *length, GLchar *log) {
  ENTER();
  copy_log(object_of(gl, shader, IS_SHADER), capacity, length, log);
}

void gl_GetProgramInfoLog(GLuint program, GLsizei capacity, GLsizei *length, GLchar *log) {
  ENTER();
  copy_log(object_of(gl, program, IS_PROGRAM), capacity, length, log);
}

void gl_AttachShader(GLuint program, GLuint shader) {
  ENTER();
  Object *object = object_of(gl, program, IS_PROGRAM);
  Object *part = object_of(gl, shader, IS_SHADER);
  if (object == NULL || part == NULL) return;
  if (object->attached != 0) {
    gl_raise(gl, GL_INVALID_OPERATION);
    return;
  }
  object->attached = shader;
  ++part->attachments;
}

static void detach(Gl *gl, Object *program) {
  if (program->attached == 0) return;
  Object *shader = object_of(gl, program->attached, IS_SHADER);
  program->attached = 0;
  if (shader != NULL && --shader->attachments == 0 && shader->deleted) object_free(shader);
}

void gl_DetachShader(GLuint program, GLuint shader) {
  ENTER();
  Object *object = object_of(gl, program, IS_PROGRAM);
  if (object == NULL) return;
  if (object->attached != shader) {
    gl_raise(gl, GL_INVALID_OPERATION);
  } else {
    detach(gl, object);
  }
}

void gl_DeleteShader(GLuint shader) {
  ENTER();
  Object *object = shader == 0 ? NULL : object_of(gl, shader, IS_SHADER);
  if (object == NULL) return;
  object->deleted = true;
  if (object->attachments == 0) object_free(object);
}

void gl_DeleteProgram(GLuint program) {
  ENTER();
  Object *object = program == 0 ? NULL : object_of(gl, program, IS_PROGRAM);
  if (object == NULL) return;
  detach(gl, object);
  object_free(object);
}

void gl_GetAttachedShaders(GLuint program, GLsizei capacity, GLsizei *count, GLuint *out) {
  ENTER();
  const Object *object = object_of(gl, program, IS_PROGRAM);
  if (object == NULL) return;
  const GLsizei found = object->attached != 0 && capacity > 0;
  if (found != 0) out[0] = object->attached;
  if (count != NULL) *count = found;
}

void gl_LinkProgram(GLuint program) {
  ENTER();
  Object *object = object_of(gl, program, IS_PROGRAM);
  if (object == NULL) return;
  const Object *shader =
      object->attached == 0 ? NULL : object_of(gl, object->attached, IS_SHADER);
  object->linked = false;
  snprintf(object->log, sizeof object->log, "no compiled compute shader");
  if (shader == NULL || !shader->compiled) return;
  object->program = program_of(shader->source, object->log, sizeof object->log);
  object->linked = object->program.kind != PROGRAM_UNKNOWN;
  queue_note_compiler();
}

void gl_GetProgramiv(GLuint program, GLenum name, GLint *out) {
  ENTER();
  const Object *object = object_of(gl, program, IS_PROGRAM);
  if (object == NULL) return;
  if (name == GL_LINK_STATUS) {
    *out = object->linked;
  } else if (name == 0x91b1) {  // GL_COMPLETION_STATUS_KHR
    *out = GL_TRUE;
  } else if (name == GL_PROGRAM_BINARY_LENGTH) {
    *out = 0;
  } else {
    gl_raise(gl, GL_INVALID_ENUM);
  }
}

void gl_ProgramParameteri(GLuint program, GLenum name, GLint value) {
  ENTER();
  (void)name;
  (void)value;
  object_of(gl, program, IS_PROGRAM);
}

void gl_ProgramBinary(GLuint program, GLenum format, const void *binary, GLsizei length) {
  ENTER();
  (void)format;
  (void)binary;
  (void)length;
  Object *object = object_of(gl, program, IS_PROGRAM);
  if (object != NULL) object->linked = false;
  gl_raise(gl, GL_INVALID_ENUM);
}

void gl_GetProgramBinary(GLuint program, GLsizei capacity, GLsizei *length, GLenum *format,
                         void *binary) {
  ENTER();
  (void)program;
  (void)capacity;
  (void)format;
  (void)binary;
  if (length != NULL) *length = 0;
  gl_raise(gl, GL_INVALID_OPERATION);
}

GLboolean gl_IsProgram(GLuint name) {
  ENTER(GL_FALSE);
  return name != 0 && name < gl->group->capacity && gl->group->objects[name].kind == IS_PROGRAM;
}

void gl_UseProgram(GLuint program) {
  ENTER();
  const Object *object = program == 0 ? NULL : object_of(gl, program, IS_PROGRAM);
  if (program != 0 && (object == NULL || !object->linked)) {
    gl_raise(gl, GL_INVALID_OPERATION);
    return;
  }
  gl->program = program;
}

static Object *program_in_use(Gl *gl) {
  Object *object = gl->program == 0 ? NULL : object_of(gl, gl->program, IS_PROGRAM);
  if (object == NULL) gl_raise(gl, GL_INVALID_OPERATION);
  return object;
}

static void set_uniform(Gl *gl, GLint location, const GLuint *value, size_t count) {
  Object *object = program_in_use(gl);
  if (object == NULL) return;
  if (location != 0 || count > gpu_arguments) {
    gl_raise(gl, GL_INVALID_OPERATION);
  } else {
    memcpy(object->arguments, value, count * sizeof *value);
  }
}

void gl_Uniform1ui(GLint location, GLuint value) {
  ENTER();
  set_uniform(gl, location, &value, 1);
}

void gl_Uniform4uiv(GLint location, GLsizei count, const GLuint *value) {
  ENTER();
  set_uniform(gl, location, value, 4 * (size_t)count);
}

static Range range_of_slot(Gl *gl, int slot) {
  const Range nothing = {NULL, 0, 0};
  const GLuint name = gl->slots[slot];
  if (name == 0 || name >= gl->group->capacity) return nothing;
  const Object *object = &gl->group->objects[name];
  if (object->kind != IS_BUFFER || object->storage == NULL) return nothing;
  const uint64_t size = object->storage->bytes;
  if (gl->slot_offset[slot] > size) return nothing;
  const uint64_t room = size - gl->slot_offset[slot];
  const uint64_t wanted = gl->slot_bytes[slot];
  return (Range){object->storage, gl->slot_offset[slot], wanted < room ? wanted : room};
}

void gl_DispatchCompute(GLuint x, GLuint y, GLuint z) {
  ENTER();
  const Object *object = program_in_use(gl);
  if (object == NULL) return;
  Command *command = command_new(COMMAND_DISPATCH);
  command->program = object->program;
  memcpy(command->arguments, object->arguments, sizeof command->arguments);
  const uint32_t groups[3] = {x, y, z};
  memcpy(command->groups, groups, sizeof groups);
  for (int slot = 0; slot < gpu_bindings; ++slot) command->ranges[slot] = range_of_slot(gl, slot);
  queue_record(gl, command);
}
