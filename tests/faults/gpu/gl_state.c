// What the GPU says of itself, sync objects, queries.
#include <stdlib.h>
#include <string.h>

#include "gl.h"

__thread Gl *gl_current;

Guard guard_enter(void) {
  gpu_lock();
  return (Guard){gl_current};
}

void guard_leave(Guard *guard) {
  (void)guard;
  gpu_unlock();
}

static const char *const extensions[] = {"GL_ARB_buffer_storage", "GL_KHR_parallel_shader_compile",
                                         "GL_KHR_robustness"};

GLenum gl_GetError(void) {
  ENTER(GL_NO_ERROR);
  const GLenum error = gl->error;
  gl->error = GL_NO_ERROR;
  return error;
}

const GLubyte *gl_GetString(GLenum name) {
  ENTER(NULL);
  const char *text = NULL;
  if (name == GL_VENDOR) text = "libsporkle tests";
  if (name == GL_RENDERER) text = "virtual GPU";
  if (name == GL_VERSION) text = gl->minor >= 5 ? "4.5 (Core Profile)" : "4.3 (Core Profile)";
  if (name == GL_SHADING_LANGUAGE_VERSION) text = gl->minor >= 5 ? "4.50" : "4.30";
  if (text == NULL) gl_raise(gl, GL_INVALID_ENUM);
  return (const GLubyte *)text;
}

const GLubyte *gl_GetStringi(GLenum name, GLuint index) {
  ENTER(NULL);
  if (name == GL_EXTENSIONS && index < sizeof extensions / sizeof extensions[0]) {
    return (const GLubyte *)extensions[index];
  }
  gl_raise(gl, GL_INVALID_VALUE);
  return NULL;
}

static int64_t limit_of(Gl *gl, GLenum name) {
  switch (name) {
    case GL_NUM_EXTENSIONS: return sizeof extensions / sizeof extensions[0];
    case GL_MAJOR_VERSION: return 4;
    case GL_MINOR_VERSION: return gl->minor;
    case GL_NUM_PROGRAM_BINARY_FORMATS: return 0;
    case GL_RESET_NOTIFICATION_STRATEGY:
      return gl->robust ? GL_LOSE_CONTEXT_ON_RESET : GL_NO_RESET_NOTIFICATION;
    case GL_CURRENT_PROGRAM: return gl->program;
    case GL_COPY_READ_BUFFER_BINDING: return gl->bound_read;
    case GL_COPY_WRITE_BUFFER_BINDING: return gl->bound_write;
    case GL_MAX_SHADER_STORAGE_BUFFER_BINDINGS: return gpu_bindings;
    case GL_MAX_COMPUTE_SHADER_STORAGE_BLOCKS: return gpu_bindings;
    case GL_MAX_COMPUTE_WORK_GROUP_INVOCATIONS: return gl_invocations;
    case GL_MAX_COMPUTE_SHARED_MEMORY_SIZE: return gl_shared_bytes;
    case GL_SHADER_STORAGE_BUFFER_OFFSET_ALIGNMENT: return gl_offset_alignment;
    case GL_MAX_SHADER_STORAGE_BLOCK_SIZE: return (int64_t)1 << 30;
    default: gl_raise(gl, GL_INVALID_ENUM); return 0;
  }
}

void gl_GetIntegerv(GLenum name, GLint *out) {
  ENTER();
  *out = (GLint)limit_of(gl, name);
}

void gl_GetInteger64v(GLenum name, GLint64 *out) {
  ENTER();
  *out = limit_of(gl, name);
}

void gl_GetIntegeri_v(GLenum name, GLuint index, GLint *out) {
  ENTER();
  if (index < 3 && name == GL_MAX_COMPUTE_WORK_GROUP_COUNT) {
    *out = 65535;
  } else if (index < 3 && name == GL_MAX_COMPUTE_WORK_GROUP_SIZE) {
    *out = gl_invocations;
  } else {
    gl_raise(gl, GL_INVALID_ENUM);
  }
}

GLenum gl_GetGraphicsResetStatus(void) { return GL_NO_ERROR; }

void gl_MemoryBarrier(GLbitfield barriers) {
  ENTER();
  if ((barriers & GL_SHADER_STORAGE_BARRIER_BIT) != 0) hazards_barrier();
}

void gl_Flush(void) {
  ENTER();
  queue_flush(gl);
}

static Promise *record_promise(Gl *gl, CommandKind kind) {
  Promise *promise = promise_new();
  Command *command = command_new(kind);
  command->promise = promise;
  queue_record(gl, command);
  return promise;
}

GLsync gl_FenceSync(GLenum condition, GLbitfield flags) {
  ENTER(NULL);
  if (condition == GL_SYNC_GPU_COMMANDS_COMPLETE && flags == 0) {
    Promise *sync = record_promise(gl, COMMAND_SYNC);
    sync->dispatches = hazards_dispatches();
    sync->next = gl->group->syncs;
    gl->group->syncs = sync;
    return (GLsync)sync;
  }
  gl_raise(gl, GL_INVALID_VALUE);
  return NULL;
}

GLenum gl_ClientWaitSync(GLsync sync, GLbitfield flags, GLuint64 timeout) {
  ENTER(GL_WAIT_FAILED);
  Promise *promise = (Promise *)sync;
  if (promise->kept) {
    hazards_ended(promise->dispatches);
    return GL_ALREADY_SIGNALED;
  }
  if ((flags & GL_SYNC_FLUSH_COMMANDS_BIT) != 0) queue_flush(gl);
  ++promise->users;
  const bool kept = queue_await(promise, timeout);
  if (kept) hazards_ended(promise->dispatches);
  promise_drop(promise);
  return kept ? GL_CONDITION_SATISFIED : GL_TIMEOUT_EXPIRED;
}

// There is one queue, in order: what was flushed before comes before.
void gl_WaitSync(GLsync sync, GLbitfield flags, GLuint64 timeout) {
  (void)sync;
  (void)flags;
  (void)timeout;
}

void gl_DeleteSync(GLsync sync) {
  ENTER();
  Promise **place = &gl->group->syncs;
  while (*place != NULL && *place != (Promise *)sync) place = &(*place)->next;
  if (*place == NULL) return;
  *place = (*place)->next;
  promise_drop((Promise *)sync);
}

void gl_GenQueries(GLsizei count, GLuint *out) {
  ENTER();
  Group *group = gl->group;
  for (GLsizei i = 0; i < count; ++i) {
    GLuint name = 1;
    while (name < group->query_capacity && group->queries[name] != NULL) ++name;
    if (name >= group->query_capacity) {
      const GLuint capacity = group->query_capacity == 0 ? 128 : 2 * group->query_capacity;
      Promise **queries = realloc(group->queries, capacity * sizeof(Promise *));
      if (queries == NULL) abort();
      memset(queries + group->query_capacity, 0,
             (capacity - group->query_capacity) * sizeof(Promise *));
      group->queries = queries;
      group->query_capacity = capacity;
    }
    group->queries[name] = promise_new();
    out[i] = name;
  }
}

static Promise **query_of(Gl *gl, GLuint name) {
  if (name != 0 && name < gl->group->query_capacity && gl->group->queries[name] != NULL) {
    return &gl->group->queries[name];
  }
  gl_raise(gl, GL_INVALID_OPERATION);
  return NULL;
}

void gl_DeleteQueries(GLsizei count, const GLuint *names) {
  ENTER();
  for (GLsizei i = 0; i < count; ++i) {
    Promise **query = names[i] == 0 ? NULL : query_of(gl, names[i]);
    if (query == NULL) continue;
    promise_drop(*query);
    *query = NULL;
  }
}

static uint64_t timestamps;

uint64_t gpu_timestamps(void) { return __atomic_load_n(&timestamps, __ATOMIC_RELAXED); }

void gl_QueryCounter(GLuint name, GLenum target) {
  ENTER();
  __atomic_fetch_add(&timestamps, 1, __ATOMIC_RELAXED);
  Promise **query = target == GL_TIMESTAMP ? query_of(gl, name) : NULL;
  if (query == NULL) return;
  promise_drop(*query);
  *query = record_promise(gl, COMMAND_TIMESTAMP);
}

void gl_GetQueryObjectui64v(GLuint name, GLenum what, GLuint64 *out) {
  ENTER();
  Promise **query = what == GL_QUERY_RESULT ? query_of(gl, name) : NULL;
  if (query == NULL) return;
  Promise *promise = *query;
  if (!promise->kept) {
    queue_flush(gl);
    queue_drain();
  }
  *out = promise->at_ns;
}
