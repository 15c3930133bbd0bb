// A libEGL that stands before the real one, by LD_LIBRARY_PATH, or has none below.
#include <EGL/egl.h>
#include <EGL/eglext.h>
#include <string.h>

#include "below.h"
#include "wrap.h"

// EGL's own functions, of what lies below.
#define REAL(name) ((__typeof__(&name))below_symbol(#name))

static void load_driver(void) {
  static bool loaded;
  if (loaded) return;
#define LOAD(type, name, parameters, arguments) \
  next.name = (__typeof__(next.name))below_function("gl" #name);
  ALL_FUNCTIONS(LOAD)
  loaded = true;
}

// `list` without the word that is planned to be missing.
static const char *without_extension(const char *list) {
  static __thread char text[4096];
  if (list == NULL || !fault_planned(FAULT_EXTENSION)) return list;
  const char *hidden = fault_text(FAULT_EXTENSION);
  const size_t length = strlen(hidden);
  const char *found = strstr(list, hidden);
  while (found != NULL && found[length] != ' ' && found[length] != '\0') {
    found = strstr(found + 1, hidden);
  }
  if (found == NULL || strlen(list) >= sizeof text || !fault_now(FAULT_EXTENSION)) return list;
  memcpy(text, list, (size_t)(found - list));
  strcpy(text + (found - list), found + length);
  return text;
}

const char *eglQueryString(EGLDisplay display, EGLint name) {
  if (walk_strikes("eglQueryString")) return NULL;
  const char *text = REAL(eglQueryString)(display, name);
  return name == EGL_EXTENSIONS ? without_extension(text) : text;
}

EGLint eglGetError(void) { return REAL(eglGetError)(); }

EGLBoolean eglInitialize(EGLDisplay display, EGLint *major, EGLint *minor) {
  if (walk_strikes("eglInitialize")) return EGL_FALSE;
  return REAL(eglInitialize)(display, major, minor);
}

EGLBoolean eglTerminate(EGLDisplay display) { return REAL(eglTerminate)(display); }

EGLBoolean eglBindAPI(EGLenum api) {
  return walk_strikes("eglBindAPI") ? EGL_FALSE : REAL(eglBindAPI)(api);
}

static bool asks_for_newer(const EGLint *attributes, const char *version) {
  for (; attributes != NULL && *attributes != EGL_NONE; attributes += 2) {
    if (attributes[0] == EGL_CONTEXT_MINOR_VERSION) return attributes[1] > version[2] - '0';
  }
  return false;
}

EGLContext eglCreateContext(EGLDisplay display, EGLConfig config, EGLContext share,
                            const EGLint *attributes) {
  if (walk_strikes("eglCreateContext") || fault_now(FAULT_NO_CONTEXT)) return EGL_NO_CONTEXT;
  if (fault_planned(FAULT_VERSION) && asks_for_newer(attributes, fault_text(FAULT_VERSION))) {
    return EGL_NO_CONTEXT;
  }
  const EGLContext handle = REAL(eglCreateContext)(display, config, share, attributes);
  if (handle != EGL_NO_CONTEXT) context_add(display, handle);
  return handle;
}

EGLBoolean eglDestroyContext(EGLDisplay display, EGLContext handle) {
  Context *context = context_find(handle);
  if (context != NULL) context_remove(context);
  return REAL(eglDestroyContext)(display, handle);
}

EGLBoolean eglMakeCurrent(EGLDisplay display, EGLSurface draw, EGLSurface read,
                          EGLContext handle) {
  if (handle != EGL_NO_CONTEXT && walk_strikes("eglMakeCurrent")) return EGL_FALSE;
  const EGLBoolean done = REAL(eglMakeCurrent)(display, draw, read, handle);
  if (done == EGL_TRUE) context_make_current(handle);
  return done;
}

EGLContext eglGetCurrentContext(void) { return REAL(eglGetCurrentContext)(); }

EGLBoolean eglReleaseThread(void) { return REAL(eglReleaseThread)(); }

EGLDisplay eglGetPlatformDisplay(EGLenum platform, void *native, const EGLAttrib *attributes) {
  if (walk_strikes("eglGetPlatformDisplay")) return EGL_NO_DISPLAY;
  return REAL(eglGetPlatformDisplay)(platform, native, attributes);
}

static EGLBoolean query_devices(EGLint capacity, EGLDeviceEXT *out, EGLint *count) {
  if (walk_strikes("eglQueryDevicesEXT")) return EGL_FALSE;
  return ((PFNEGLQUERYDEVICESEXTPROC)below_function("eglQueryDevicesEXT"))(capacity, out, count);
}

static const char *query_device_string(EGLDeviceEXT device, EGLint name) {
  if (walk_strikes("eglQueryDeviceStringEXT")) return NULL;
  const char *text =
      ((PFNEGLQUERYDEVICESTRINGEXTPROC)below_function("eglQueryDeviceStringEXT"))(device, name);
  // A driver that poses as a card lists no software extension.
  if (name == EGL_EXTENSIONS && fault_planned(FAULT_RENDERER)) return "";
  return text;
}

EGLAPI Function eglGetProcAddress(const char *name) {
  load_driver();
  if (strcmp(name, "eglQueryDevicesEXT") == 0) return (Function)query_devices;
  if (strcmp(name, "eglQueryDeviceStringEXT") == 0) return (Function)query_device_string;
  const Function real = below_function(name);
  const Function wrapper = wrapper_of(name);
  if (real == NULL || wrapper == NULL) return real;
  if (fault_planned(FAULT_FUNCTION) && strcmp(name, fault_text(FAULT_FUNCTION)) == 0 &&
      fault_now(FAULT_FUNCTION)) {
    return NULL;
  }
  return walk_strikes(name) ? NULL : wrapper;
}
