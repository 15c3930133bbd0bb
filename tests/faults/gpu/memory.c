// Storage, and names of what a group of contexts shares.
#include <stdlib.h>
#include <string.h>

#include "gpu.h"

enum { memory_mib = 2048 };
static uint64_t allocated;

Storage *storage_new(uint64_t bytes) {
  const uint64_t limit = (uint64_t)memory_mib << 20;
  if (bytes > limit || allocated > limit - bytes) return NULL;
  Storage *storage = calloc(1, sizeof *storage);
  if (storage == NULL) return NULL;
  storage->users = 1;
  storage->bytes = bytes;
  // Not zeroed: OpenGL promises no content either.
  void *data = NULL;
  if (posix_memalign(&data, 64, (size_t)(bytes == 0 ? 64 : bytes)) != 0) {
    free(storage);
    return NULL;
  }
  storage->data = data;
  allocated += bytes;
  return storage;
}

void storage_use(Storage *storage) {
  if (storage != NULL) ++storage->users;
}

void storage_drop(Storage *storage) {
  if (storage == NULL || --storage->users != 0) return;
  hazards_forget(storage);
  allocated -= storage->bytes;
  free(storage->data);
  free(storage);
}

void gl_raise(Gl *gl, GLenum error) {
  if (gl->error == GL_NO_ERROR) gl->error = error;
}

Object *object_of(Gl *gl, GLuint name, int kind) {
  const Group *group = gl->group;
  if (name != 0 && name < group->capacity && (int)group->objects[name].kind == kind) {
    return &group->objects[name];
  }
  gl_raise(gl, GL_INVALID_VALUE);
  return NULL;
}

GLuint object_new(Gl *gl, int kind) {
  Group *group = gl->group;
  GLuint name = 1;
  while (name < group->capacity && group->objects[name].kind != OBJECT_FREE) ++name;
  if (name >= group->capacity) {
    const GLuint capacity = group->capacity == 0 ? 64 : 2 * group->capacity;
    Object *objects = realloc(group->objects, capacity * sizeof *objects);
    if (objects == NULL) abort();
    memset(objects + group->capacity, 0, (capacity - group->capacity) * sizeof *objects);
    group->objects = objects;
    group->capacity = capacity;
  }
  group->objects[name].kind = kind;
  return name;
}

void object_free(Object *object) {
  storage_drop(object->storage);
  free(object->source);
  memset(object, 0, sizeof *object);
}
