// A libEGL that stands before the real one and makes its driver misbehave in
// one way, named by TEST_FAULT:
//   reset    the third query of the reset status reports a reset, once
//   resets   every query from the third on does
//   hang     no sync object ever signals after the tenth wait
//   no-sync  glFenceSync gives no sync object from the tenth on
// The start-up checks of the library stay below these counts where they must.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef void (*Function)(void);
typedef unsigned (*ResetStatus)(void);
typedef unsigned (*WaitSync)(void *sync, unsigned flags, uint64_t timeout);
typedef void *(*FenceSync)(unsigned condition, unsigned flags);

enum { guilty_reset = 0x8253, timeout_expired = 0x911B };

static ResetStatus real_reset_status;
static WaitSync real_wait_sync;
static FenceSync real_fence_sync;
static atomic_int resets_asked, waits, fences;

static bool fault_is(const char *name) {
  const char *fault = getenv("TEST_FAULT");
  return fault != NULL && strcmp(fault, name) == 0;
}

static unsigned fake_reset_status(void) {
  const int asked = atomic_fetch_add(&resets_asked, 1);
  if (fault_is("reset") && asked == 2) return guilty_reset;
  if (fault_is("resets") && asked >= 2) return guilty_reset;
  return real_reset_status();
}

static unsigned fake_wait_sync(void *sync, unsigned flags, uint64_t timeout) {
  if (fault_is("hang") && atomic_fetch_add(&waits, 1) >= 10) return timeout_expired;
  return real_wait_sync(sync, flags, timeout);
}

static void *fake_fence_sync(unsigned condition, unsigned flags) {
  if (fault_is("no-sync") && atomic_fetch_add(&fences, 1) >= 10) return NULL;
  return real_fence_sync(condition, flags);
}

static void *real_library(void) {
  static void *library;
  if (library == NULL) library = dlopen(REAL_EGL, RTLD_NOW);
  return library;
}

static Function real_function(const char *name) {
  void *symbol = dlsym(real_library(), name);
  Function function = NULL;
  memcpy(&function, &symbol, sizeof symbol);
  return function;
}

EXPORT Function eglGetProcAddress(const char *name) {
  Function (*get)(const char *) = NULL;
  const Function entry = real_function("eglGetProcAddress");
  memcpy(&get, &entry, sizeof get);
  const Function real = get(name);
  if (strcmp(name, "glGetGraphicsResetStatus") == 0) {
    memcpy(&real_reset_status, &real, sizeof real);
    return (Function)fake_reset_status;
  }
  if (strcmp(name, "glClientWaitSync") == 0) {
    memcpy(&real_wait_sync, &real, sizeof real);
    return (Function)fake_wait_sync;
  }
  if (strcmp(name, "glFenceSync") == 0) {
    memcpy(&real_fence_sync, &real, sizeof real);
    return (Function)fake_fence_sync;
  }
  return real;
}

// The functions that the library takes from libEGL itself, passed through.
#define FORWARD(type, name, parameters, arguments)  \
  EXPORT type name parameters {                     \
    type(*real) parameters = NULL;                  \
    const Function entry = real_function(#name);    \
    memcpy(&real, &entry, sizeof real);             \
    return real arguments;                          \
  }

FORWARD(const char *, eglQueryString, (void *display, int name), (display, name))
FORWARD(int, eglGetError, (void), ())
FORWARD(unsigned, eglInitialize, (void *display, int *major, int *minor), (display, major, minor))
FORWARD(unsigned, eglTerminate, (void *display), (display))
FORWARD(unsigned, eglBindAPI, (unsigned api), (api))
FORWARD(void *, eglCreateContext, (void *display, void *config, void *share, const int *list),
        (display, config, share, list))
FORWARD(unsigned, eglDestroyContext, (void *display, void *context), (display, context))
FORWARD(unsigned, eglMakeCurrent, (void *display, void *draw, void *read, void *context),
        (display, draw, read, context))
FORWARD(unsigned, eglReleaseThread, (void), ())
FORWARD(void *, eglGetCurrentContext, (void), ())
FORWARD(void *, eglGetPlatformDisplay, (unsigned platform, void *native, const intptr_t *list),
        (platform, native, list))
