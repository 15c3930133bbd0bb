#include "context.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { context_limit = 64 };

Driver next;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Context *contexts[context_limit];
static __thread Context *current;
static const char *last_function = "";

// Large, and written by nobody who has a context.
static Context nowhere;

Context *context_current(void) { return current != NULL ? current : &nowhere; }

Context *context_find(EGLContext handle) {
  Context *found = NULL;
  pthread_mutex_lock(&lock);
  for (int i = 0; i < context_limit && found == NULL; ++i) {
    if (contexts[i] != NULL && contexts[i]->handle == handle) found = contexts[i];
  }
  pthread_mutex_unlock(&lock);
  return found;
}

void context_make_current(EGLContext handle) {
  current = handle == EGL_NO_CONTEXT ? NULL : context_find(handle);
}

Context *context_add(EGLDisplay display, EGLContext handle) {
  Context *context = calloc(1, sizeof *context);
  if (context == NULL) abort();
  context->display = display;
  context->handle = handle;
  pthread_mutex_lock(&lock);
  int i = 0;
  while (i < context_limit && contexts[i] != NULL) ++i;
  if (i == context_limit) abort();
  contexts[i] = context;
  pthread_mutex_unlock(&lock);
  return context;
}

void context_remove(Context *context) {
  bool last = true;
  pthread_mutex_lock(&lock);
  for (int i = 0; i < context_limit; ++i) {
    if (contexts[i] == context) contexts[i] = NULL;
    last = last && contexts[i] == NULL;
  }
  pthread_mutex_unlock(&lock);
  if (last) syncs_forget();
  if (current == context) current = NULL;
  free(context);
}

int64_t fault_live_objects(void) {
  int64_t sum = 0;
  pthread_mutex_lock(&lock);
  for (int i = 0; i < context_limit; ++i) {
    if (contexts[i] == NULL) continue;
    ++sum;
    for (int kind = 0; kind < OBJECT_KINDS; ++kind) {
      sum += __atomic_load_n(&contexts[i]->live[kind], __ATOMIC_RELAXED);
    }
  }
  pthread_mutex_unlock(&lock);
  return sum;
}

void context_raise(GLenum error) {
  Context *context = context_current();
  if (context->error == GL_NO_ERROR) context->error = error;
}

void context_count(ObjectKind kind, int64_t change) {
  __atomic_fetch_add(&context_current()->live[kind], change, __ATOMIC_RELAXED);
}

bool walk_strikes(const char *function) {
  if (!fault_now(FAULT_ANY)) return false;
  last_function = function;
  return true;
}

const char *fault_last_function(void) { return last_function; }
