// What the provider knows about each OpenGL context.
#pragma once

#include <EGL/egl.h>
#include <stdbool.h>
#include <stdint.h>

#include "functions.h"
#include "plan.h"

enum { name_limit = 1 << 16 };

typedef enum ObjectKind {
  OBJECT_BUFFER,
  OBJECT_QUERY,
  OBJECT_SHADER,
  OBJECT_PROGRAM,
  OBJECT_SYNC,
  OBJECT_KINDS
} ObjectKind;

// A completion word that is still to be written.
typedef struct Word {
  uint32_t *address;
  uint32_t value;
} Word;

typedef struct Context {
  EGLContext handle;  // NULL: free
  EGLDisplay display;
  int64_t live[OBJECT_KINDS];
  GLenum error;  // raised by the provider
  bool hung, lost;
  uint64_t flushes;
  GLuint program;
  GLuint bound_read, bound_write;  // GL_COPY_READ_BUFFER, GL_COPY_WRITE_BUFFER
  GLuint word_buffer;              // at storage binding 0
  uint64_t word_offset;
  uint32_t word_value;
  Word late_word;
  bool word_shaders[name_limit], word_programs[name_limit], bad_shaders[name_limit];
  bool hung_shaders[name_limit], hung_programs[name_limit];
  bool compiler_hung;  // in the order in which programs are linked
  void *maps[name_limit];
} Context;

// The driver below the faults.
extern Driver next;

// Of this thread; a stand-in when none is current, so that wrappers need not ask.
Context *context_current(void);
void context_make_current(EGLContext handle);
Context *context_add(EGLDisplay display, EGLContext handle);
Context *context_find(EGLContext handle);
void context_remove(Context *context);
// sync.c: those that nobody has deleted end with the last context.
void syncs_forget(void);

// The context is lost, and nothing runs in it any more.
void context_lose(Context *context);
// What was recorded in the current context has ended.
void context_end_work(void);

void context_raise(GLenum error);
void context_count(ObjectKind kind, int64_t change);

// Counts a failable call; whether the fault walk strikes it.
bool walk_strikes(const char *function);

// The wrapper of a function of the driver, NULL when there is none.
__eglMustCastToProperFunctionPointerType wrapper_of(const char *name);
