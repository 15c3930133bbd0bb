// EGL without a driver: one software device, contexts without a surface.
#include <EGL/egl.h>
#include <EGL/eglext.h>
#include <stdlib.h>
#include <string.h>

#include "gl.h"

static int display_place, device_place;
static __thread EGLint last_error = EGL_SUCCESS;

static EGLBoolean refuse(EGLint error) {
  last_error = error;
  return EGL_FALSE;
}

static const char *query_string(EGLDisplay display, EGLint name) {
  if (name == EGL_VERSION) return "1.5";
  if (name != EGL_EXTENSIONS) return "";
  return display == EGL_NO_DISPLAY
             ? "EGL_EXT_client_extensions EGL_EXT_device_base EGL_EXT_device_enumeration "
               "EGL_EXT_device_query EGL_EXT_platform_base EGL_EXT_platform_device "
               "EGL_KHR_display_reference"
             : "EGL_KHR_create_context EGL_KHR_no_config_context EGL_KHR_surfaceless_context";
}

static EGLint get_error(void) {
  const EGLint error = last_error;
  last_error = EGL_SUCCESS;
  return error;
}

static EGLBoolean initialize(EGLDisplay display, EGLint *major, EGLint *minor) {
  if (display != &display_place) return refuse(EGL_BAD_DISPLAY);
  if (major != NULL) *major = 1;
  if (minor != NULL) *minor = 5;
  return EGL_TRUE;
}

static EGLBoolean terminate(EGLDisplay display) {
  return display == &display_place ? EGL_TRUE : refuse(EGL_BAD_DISPLAY);
}

static EGLBoolean bind_api(EGLenum api) {
  return api == EGL_OPENGL_API ? EGL_TRUE : refuse(EGL_BAD_PARAMETER);
}

static EGLDisplay get_platform_display(EGLenum platform, void *native,
                                       const EGLAttrib *attributes) {
  (void)attributes;
  if (platform == EGL_PLATFORM_DEVICE_EXT && native == &device_place) return &display_place;
  refuse(EGL_BAD_PARAMETER);
  return EGL_NO_DISPLAY;
}

static EGLContext create_context(EGLDisplay display, EGLConfig config, EGLContext share,
                                 const EGLint *attributes) {
  (void)config;
  EGLint major = 1, minor = 0;
  bool robust = false;
  for (const EGLint *a = attributes; a != NULL && *a != EGL_NONE; a += 2) {
    if (a[0] == EGL_CONTEXT_MAJOR_VERSION) major = a[1];
    if (a[0] == EGL_CONTEXT_MINOR_VERSION) minor = a[1];
    if (a[0] == EGL_CONTEXT_OPENGL_RESET_NOTIFICATION_STRATEGY) {
      robust = a[1] == EGL_LOSE_CONTEXT_ON_RESET;
    }
  }
  if (display != &display_place || major != 4 || minor > 5) {
    refuse(EGL_BAD_MATCH);
    return EGL_NO_CONTEXT;
  }
  Gl *gl = calloc(1, sizeof *gl);
  Group *group = share == EGL_NO_CONTEXT ? calloc(1, sizeof *group) : ((Gl *)share)->group;
  if (gl == NULL || group == NULL) abort();
  gl->group = group;
  gl->minor = minor;
  gl->robust = robust;
  gl->list.end = &gl->list.first;
  gpu_lock();
  ++group->users;
  gpu_unlock();
  return gl;
}

static void free_group(Group *group) {
  for (GLuint name = 1; name < group->capacity; ++name) object_free(&group->objects[name]);
  for (GLuint name = 1; name < group->query_capacity; ++name) promise_drop(group->queries[name]);
  for (Promise *sync = group->syncs, *next; sync != NULL; sync = next) {
    next = sync->next;
    promise_drop(sync);
  }
  free(group->objects);
  free(group->queries);
  free(group);
}

// Locked. What is recorded ends although nobody can ask any more.
static void free_when_unused(Gl *gl) {
  if (!gl->destroyed || gl->current != 0) return;
  queue_flush(gl);
  if (--gl->group->users == 0) free_group(gl->group);
  free(gl);
}

static EGLBoolean destroy_context(EGLDisplay display, EGLContext handle) {
  (void)display;
  Gl *gl = handle;
  gpu_lock();
  gl->destroyed = true;
  free_when_unused(gl);
  gpu_unlock();
  return EGL_TRUE;
}

static EGLBoolean make_current(EGLDisplay display, EGLSurface draw, EGLSurface read,
                               EGLContext handle) {
  (void)display;
  (void)draw;
  (void)read;
  Gl *next = handle, *last = gl_current;
  if (next == last) return EGL_TRUE;
  gpu_lock();
  const bool elsewhere = next != NULL && next->current != 0;
  if (!elsewhere) {
    if (next != NULL) ++next->current;
    if (last != NULL) {
      queue_flush(last);
      --last->current;
      free_when_unused(last);
    }
    gl_current = next;
  }
  gpu_unlock();
  return elsewhere ? refuse(EGL_BAD_ACCESS) : EGL_TRUE;
}

static EGLContext get_current_context(void) { return gl_current; }

static EGLBoolean release_thread(void) {
  return make_current(EGL_NO_DISPLAY, EGL_NO_SURFACE, EGL_NO_SURFACE, EGL_NO_CONTEXT);
}

static EGLBoolean query_devices(EGLint capacity, EGLDeviceEXT *out, EGLint *count) {
  if (out != NULL && capacity > 0) out[0] = (EGLDeviceEXT)&device_place;
  *count = 1;
  return EGL_TRUE;
}

static const char *query_device_string(EGLDeviceEXT device, EGLint name) {
  (void)device;
  return name == EGL_EXTENSIONS ? "EGL_MESA_device_software" : NULL;
}

Function below_symbol(const char *name) {
  static const struct {
    const char *name;
    Function function;
  } symbols[] = {
      {"eglQueryString", (Function)query_string},
      {"eglGetError", (Function)get_error},
      {"eglInitialize", (Function)initialize},
      {"eglTerminate", (Function)terminate},
      {"eglBindAPI", (Function)bind_api},
      {"eglCreateContext", (Function)create_context},
      {"eglDestroyContext", (Function)destroy_context},
      {"eglMakeCurrent", (Function)make_current},
      {"eglGetCurrentContext", (Function)get_current_context},
      {"eglReleaseThread", (Function)release_thread},
      {"eglGetPlatformDisplay", (Function)get_platform_display},
      {"eglQueryDevicesEXT", (Function)query_devices},
      {"eglQueryDeviceStringEXT", (Function)query_device_string},
  };
  for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; ++i) {
    if (strcmp(symbols[i].name, name) == 0) return symbols[i].function;
  }
  return NULL;
}

#define GL_SYMBOL(type, name, parameters, arguments) {"gl" #name, (Function)gl_##name},

Function below_function(const char *name) {
  static const struct {
    const char *name;
    Function function;
  } functions[] = {ALL_FUNCTIONS(GL_SYMBOL)};
  for (size_t i = 0; i < sizeof functions / sizeof functions[0]; ++i) {
    if (strcmp(functions[i].name, name) == 0) return functions[i].function;
  }
  return below_symbol(name);
}
