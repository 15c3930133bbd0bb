// Buffer objects.
#include <stdlib.h>
#include <string.h>

#include "gl.h"

static GLuint *bound(Gl *gl, GLenum target) {
  if (target == GL_COPY_READ_BUFFER) return &gl->bound_read;
  if (target == GL_COPY_WRITE_BUFFER) return &gl->bound_write;
  gl_raise(gl, GL_INVALID_ENUM);
  return NULL;
}

static Object *bound_object(Gl *gl, GLenum target) {
  const GLuint *name = bound(gl, target);
  if (name == NULL) return NULL;
  if (*name == 0) gl_raise(gl, GL_INVALID_OPERATION);
  return *name == 0 ? NULL : object_of(gl, *name, IS_BUFFER);
}

// A stretch of what is bound there; false with an error.
static bool bound_range(Gl *gl, GLenum target, GLintptr offset, GLsizeiptr bytes, Range *out) {
  const Object *object = bound_object(gl, target);
  if (object == NULL || object->storage == NULL) {
    if (object != NULL) gl_raise(gl, GL_INVALID_OPERATION);
    return false;
  }
  const uint64_t size = object->storage->bytes;
  if (offset < 0 || bytes < 0 || (uint64_t)offset > size ||
      (uint64_t)bytes > size - (uint64_t)offset) {
    gl_raise(gl, GL_INVALID_VALUE);
    return false;
  }
  *out = (Range){object->storage, (uint64_t)offset, (uint64_t)bytes};
  return true;
}

void gl_GenBuffers(GLsizei count, GLuint *out) {
  ENTER();
  for (GLsizei i = 0; i < count; ++i) out[i] = object_new(gl, IS_BUFFER);
}

void gl_DeleteBuffers(GLsizei count, const GLuint *names) {
  ENTER();
  for (GLsizei i = 0; i < count; ++i) {
    if (names[i] == 0) continue;
    Object *object = object_of(gl, names[i], IS_BUFFER);
    if (object != NULL) object_free(object);
    if (gl->bound_read == names[i]) gl->bound_read = 0;
    if (gl->bound_write == names[i]) gl->bound_write = 0;
    for (int slot = 0; slot < gpu_bindings; ++slot) {
      if (gl->slots[slot] == names[i]) gl->slots[slot] = 0;
    }
  }
}

void gl_BindBuffer(GLenum target, GLuint name) {
  ENTER();
  GLuint *place = bound(gl, target);
  if (place != NULL && (name == 0 || object_of(gl, name, IS_BUFFER) != NULL)) *place = name;
}

static void bind_slot(Gl *gl, GLuint index, GLuint name, uint64_t offset, uint64_t bytes) {
  if (index >= gpu_bindings || offset % gl_offset_alignment != 0) {
    gl_raise(gl, GL_INVALID_VALUE);
    return;
  }
  if (name != 0 && object_of(gl, name, IS_BUFFER) == NULL) return;
  gl->slots[index] = name;
  gl->slot_offset[index] = offset;
  gl->slot_bytes[index] = bytes;
}

void gl_BindBufferBase(GLenum target, GLuint index, GLuint name) {
  ENTER();
  (void)target;
  bind_slot(gl, index, name, 0, UINT64_MAX);
}

void gl_BindBufferRange(GLenum target, GLuint index, GLuint name, GLintptr offset, GLsizeiptr bytes) {
  ENTER();
  (void)target;
  if (offset < 0 || bytes <= 0) {
    gl_raise(gl, GL_INVALID_VALUE);
  } else {
    bind_slot(gl, index, name, (uint64_t)offset, (uint64_t)bytes);
  }
}

static void allocate(Gl *gl, GLenum target, GLsizeiptr bytes, const void *data, bool immutable) {
  Object *object = bound_object(gl, target);
  if (object == NULL) return;
  if (bytes < 0 || (immutable && bytes == 0)) {
    gl_raise(gl, GL_INVALID_VALUE);
  } else if (object->immutable) {
    gl_raise(gl, GL_INVALID_OPERATION);
  } else {
    Storage *storage = storage_new((uint64_t)bytes);
    if (storage == NULL) {
      gl_raise(gl, GL_OUT_OF_MEMORY);
      return;
    }
    if (data != NULL) memcpy(storage->data, data, (size_t)bytes);
    storage_drop(object->storage);
    object->storage = storage;
    object->immutable = immutable;
  }
}

void gl_BufferData(GLenum target, GLsizeiptr bytes, const void *data, GLenum usage) {
  ENTER();
  (void)usage;
  allocate(gl, target, bytes, data, false);
}

void gl_BufferStorage(GLenum target, GLsizeiptr bytes, const void *data, GLbitfield flags) {
  ENTER();
  (void)flags;
  allocate(gl, target, bytes, data, true);
}

// Mappings are the memory itself, and coherent.
void *gl_MapBufferRange(GLenum target, GLintptr offset, GLsizeiptr bytes, GLbitfield access) {
  ENTER(NULL);
  (void)access;
  Range range;
  if (!bound_range(gl, target, offset, bytes, &range)) return NULL;
  return range.storage->data + range.offset;
}

void gl_FlushMappedBufferRange(GLenum target, GLintptr offset, GLsizeiptr bytes) {
  ENTER();
  Range range;
  bound_range(gl, target, offset, bytes, &range);
}

static void *copy_of(const void *data, uint64_t bytes) {
  void *copy = malloc(bytes > 0 ? (size_t)bytes : 1);
  if (copy == NULL) abort();
  if (data != NULL) memcpy(copy, data, (size_t)bytes);
  if (data == NULL) memset(copy, 0, (size_t)bytes);
  return copy;
}

void gl_BufferSubData(GLenum target, GLintptr offset, GLsizeiptr bytes, const void *data) {
  ENTER();
  Range range;
  if (!bound_range(gl, target, offset, bytes, &range)) return;
  Command *command = command_new(COMMAND_WRITE);
  command->ranges[0] = range;
  command->data = copy_of(data, range.bytes);
  queue_record(gl, command);
}

void gl_GetBufferSubData(GLenum target, GLintptr offset, GLsizeiptr bytes, void *data) {
  ENTER();
  Range range;
  if (!bound_range(gl, target, offset, bytes, &range)) return;
  queue_flush(gl);
  storage_use(range.storage);
  queue_drain();
  memcpy(data, range.storage->data + range.offset, (size_t)range.bytes);
  storage_drop(range.storage);
}

void gl_CopyBufferSubData(GLenum from, GLenum to, GLintptr read, GLintptr write, GLsizeiptr bytes) {
  ENTER();
  Range source, target;
  if (!bound_range(gl, from, read, bytes, &source) || !bound_range(gl, to, write, bytes, &target)) {
    return;
  }
  Command *command = command_new(COMMAND_COPY);
  command->ranges[0] = source;
  command->ranges[1] = target;
  queue_record(gl, command);
}

static void clear(Gl *gl, Range range, GLenum format, const void *data) {
  if (format != GL_R32UI && format != GL_R32F && format != GL_R8 && format != GL_R8UI) {
    gl_raise(gl, GL_INVALID_ENUM);
    return;
  }
  const uint64_t element = format == GL_R8 || format == GL_R8UI ? 1 : 4;
  if (range.offset % element != 0 || range.bytes % element != 0) {
    gl_raise(gl, GL_INVALID_VALUE);
    return;
  }
  Command *command = command_new(COMMAND_CLEAR);
  command->ranges[0] = range;
  command->data = copy_of(data, element);
  command->data_bytes = element;
  queue_record(gl, command);
}

void gl_ClearBufferData(GLenum target, GLenum internal, GLenum format, GLenum type,
                        const void *data) {
  ENTER();
  (void)format;
  (void)type;
  const Object *object = bound_object(gl, target);
  if (object == NULL || object->storage == NULL) return;
  clear(gl, (Range){object->storage, 0, object->storage->bytes}, internal, data);
}

void gl_GetBufferParameteri64v(GLenum target, GLenum name, GLint64 *out) {
  ENTER();
  const Object *object = bound_object(gl, target);
  if (object == NULL) return;
  if (name != GL_BUFFER_SIZE) gl_raise(gl, GL_INVALID_ENUM);
  *out = object->storage == NULL ? 0 : (GLint64)object->storage->bytes;
}

GLboolean gl_IsBuffer(GLuint name) {
  ENTER(GL_FALSE);
  return name != 0 && name < gl->group->capacity && gl->group->objects[name].kind == IS_BUFFER;
}
