#include "gl/own_gl.h"

#include <dlfcn.h>

OwnGl own;

const char *const own_source =
    "#version 430 core\n"
    "layout(local_size_x = 64) in;\n"
    "layout(std430, binding = 0) readonly buffer X { float x[]; };\n"
    "layout(std430, binding = 1) writeonly buffer Y { float y[]; };\n"
    "void main() {\n"
    "  uint i = gl_GlobalInvocationID.x;\n"
    "  if (i < uint(y.length()) && i < uint(x.length())) y[i] = 2.0 * x[i] + 1.0;\n"
    "}\n";

void own_load(void) {
  if (own.get_error != NULL) return;
  void *library = dlopen("libEGL.so.1", RTLD_NOW);
  assert_non_null(library);
  void *(*get)(const char *) = NULL;
  void *symbol = dlsym(library, "eglGetProcAddress");
  memcpy(&get, &symbol, sizeof symbol);
  const struct {
    const char *name;
    void *slot;
    bool egl;
  } wanted[] = {
      {"glGenBuffers", &own.gen_buffers, false},
      {"glDeleteBuffers", &own.delete_buffers, false},
      {"glBindBuffer", &own.bind_buffer, false},
      {"glBindBufferBase", &own.bind_buffer_base, false},
      {"glBufferData", &own.buffer_data, false},
      {"glGetBufferSubData", &own.get_buffer_sub_data, false},
      {"glUseProgram", &own.use_program, false},
      {"glDispatchCompute", &own.dispatch_compute, false},
      {"glMemoryBarrier", &own.memory_barrier, false},
      {"glGetError", &own.get_error, false},
      {"glFenceSync", &own.fence_sync, false},
      {"glClientWaitSync", &own.client_wait_sync, false},
      {"glDeleteSync", &own.delete_sync, false},
      {"glFlush", &own.flush, false},
      {"glGetGraphicsResetStatus", &own.reset_status, false},
      {"glIsBuffer", &own.is_buffer, false},
      {"eglGetPlatformDisplay", &own.get_display, true},
      {"eglInitialize", &own.initialize, true},
      {"eglBindAPI", &own.bind_api, true},
      {"eglCreateContext", &own.create_context, true},
      {"eglDestroyContext", &own.destroy_context, true},
      {"eglMakeCurrent", &own.make_current, true},
      {"eglGetCurrentContext", &own.current_context, true},
  };
  for (size_t i = 0; i < COUNT_OF(wanted); ++i) {
    void *found = wanted[i].egl ? dlsym(library, wanted[i].name) : get(wanted[i].name);
    expect_true(found != NULL, "no %s", wanted[i].name);
    memcpy(wanted[i].slot, &found, sizeof found);
  }
}

void *own_context_begin(void **out_display) {
  enum { surfaceless = 0x31DD, gl_api = 0x30A2, client_major = 0x3098, none = 0x3038 };
  static const int attributes[] = {client_major, 3, none};
  int major = 0, minor = 0;
  own_load();
  void *const display = own.get_display(surfaceless, NULL, NULL);
  if (display == NULL || !own.initialize(display, &major, &minor)) skip();
  own.bind_api(gl_api);
  void *const context = own.create_context(display, NULL, NULL, attributes);
  if (context == NULL || !own.make_current(display, NULL, NULL, context)) skip();
  *out_display = display;
  return context;
}

void own_context_end(void *display, void *context) {
  own.make_current(display, NULL, NULL, NULL);
  own.destroy_context(display, context);
}

uint32_t own_program(World *world) {
  uint32_t program = 0;
  expect_ok(sporkle_gl_program_create(world->context, world->device, own_source,
                                      strlen(own_source), &program));
  assert_int_not_equal(program, 0);
  return program;
}

void own_dispatch(uint32_t program, uint32_t x, uint32_t y, uint32_t count) {
  own.bind_buffer_base(OWN_STORAGE_BUFFER, 0, x);
  own.bind_buffer_base(OWN_STORAGE_BUFFER, 1, y);
  own.use_program(program);
  own.dispatch_compute((count + 63) / 64, 1, 1);
  own.memory_barrier((unsigned)OWN_ALL_BARRIERS);
  assert_int_equal(own.get_error(), 0);
}

void own_read(uint32_t name, float *out, uint32_t count) {
  own.bind_buffer(OWN_STORAGE_BUFFER, name);
  own.get_buffer_sub_data(OWN_STORAGE_BUFFER, 0, (intptr_t)(count * sizeof *out), out);
  assert_int_equal(own.get_error(), 0);
}
