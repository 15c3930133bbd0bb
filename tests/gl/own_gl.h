// What a host program that issues OpenGL commands itself has: its own functions
// from libEGL, its own constants.
#pragma once

#include "support/job.h"

enum {
  OWN_STORAGE_BUFFER = 0x90D2,
  OWN_DYNAMIC_DRAW = 0x88E8,
  OWN_ALL_BARRIERS = -1,
  OWN_COMMANDS_COMPLETE = 0x9117,
  OWN_TIMEOUT_EXPIRED = 0x911B,
};

typedef struct OwnGl {
  void (*gen_buffers)(int count, uint32_t *names);
  void (*delete_buffers)(int count, const uint32_t *names);
  void (*bind_buffer)(unsigned target, uint32_t name);
  void (*bind_buffer_base)(unsigned target, uint32_t index, uint32_t name);
  void (*buffer_data)(unsigned target, intptr_t size, const void *data, unsigned usage);
  void (*get_buffer_sub_data)(unsigned target, intptr_t offset, intptr_t size, void *data);
  void (*use_program)(uint32_t program);
  void (*dispatch_compute)(uint32_t x, uint32_t y, uint32_t z);
  void (*memory_barrier)(unsigned bits);
  unsigned (*get_error)(void);
  void *(*fence_sync)(unsigned condition, unsigned flags);
  unsigned (*client_wait_sync)(void *sync, unsigned flags, uint64_t timeout_ns);
  void (*delete_sync)(void *sync);
  void (*flush)(void);
  unsigned (*reset_status)(void);
  unsigned char (*is_buffer)(uint32_t name);
  // EGL
  void *(*get_display)(unsigned platform, void *native, const intptr_t *attributes);
  unsigned (*initialize)(void *display, int *major, int *minor);
  unsigned (*bind_api)(unsigned api);
  void *(*create_context)(void *display, void *config, void *share, const int *attributes);
  unsigned (*destroy_context)(void *display, void *context);
  unsigned (*make_current)(void *display, void *draw, void *read, void *context);
  void *(*current_context)(void);
} OwnGl;

extern OwnGl own;

// Loads `own`, once.
void own_load(void);
// A context of the program's own, current on this thread; skips when EGL gives
// none. own_context_end undoes it.
void *own_context_begin(void **out_display);
void own_context_end(void *display, void *context);

// GLSL of a program with bindings 0 (x) and 1 (y), 64 invocations per group:
// y[i] = 2 x[i] + 1.
extern const char *const own_source;
uint32_t own_program(World *world);

// Dispatches own_program over `count` floats with the program's own commands.
void own_dispatch(uint32_t program, uint32_t x, uint32_t y, uint32_t count);
// Reads floats with the program's own commands.
void own_read(uint32_t name, float *out, uint32_t count);
