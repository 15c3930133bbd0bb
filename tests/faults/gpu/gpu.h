// A GPU without hardware or driver: what its parts share. Everything here is
// guarded by one lock, which functions with "locked" in their comment expect.
#pragma once

#include <pthread.h>
#include <stddef.h>

#include "control.h"
#include "provider/below.h"
#include "provider/functions.h"

enum { gpu_bindings = 16, gpu_arguments = 8 };

typedef struct Storage {
  uint32_t users;
  uint64_t bytes;
  unsigned char *data;
} Storage;

typedef struct Range {
  Storage *storage;
  uint64_t offset, bytes;
} Range;

typedef enum ProgramKind {
  PROGRAM_UNKNOWN, PROGRAM_WORD, PROGRAM_SELF_TEST, PROGRAM_COPY, PROGRAM_TRIAL, PROGRAM_DIRECT
} ProgramKind;

// What the defines of shaders/direct.cpp say.
typedef struct DirectSizes {
  int threads, bm, lanes, tn, activation, has_bias, has_residual, exact_padding;
  uint32_t clamp_min_bits, clamp_max_bits;
  int slabs, group_k, group_c;
  int in_h, in_w, plane_in, image_in, out_w, plane_out, image_out;
  int kernel_h, kernel_w, stride_h, stride_w, pad_top, pad_left, dilation_h, dilation_w;
} DirectSizes;

typedef struct Program {
  ProgramKind kind;
  DirectSizes sizes;
} Program;

typedef enum CommandKind {
  COMMAND_COPY, COMMAND_WRITE, COMMAND_CLEAR, COMMAND_DISPATCH, COMMAND_SYNC, COMMAND_TIMESTAMP
} CommandKind;

// Shared by the object and the command that fulfils it.
typedef struct Promise {
  struct Promise *next;  // of the group's sync objects
  uint32_t users, polls;
  bool kept;
  uint64_t at_ns;
  uint64_t dispatches;  // recorded before it
} Promise;

typedef struct Command {
  struct Command *next;
  CommandKind kind;
  bool recorded;  // counts as a dispatch of a convolution
  uint64_t cost_ns, begin_ns, end_ns;
  Program program;
  uint32_t arguments[gpu_arguments], groups[3];
  Range ranges[gpu_bindings];  // copies: from, to
  Promise *promise;
  void *data;  // what is written or filled in
  uint64_t data_bytes;
} Command;

// A GL context's commands that nobody has flushed.
typedef struct CommandList {
  Command *first, **end;
} CommandList;

typedef struct Object {
  enum { OBJECT_FREE, IS_BUFFER, IS_SHADER, IS_PROGRAM } kind;
  Storage *storage;  // buffers
  bool immutable;
  char *source;      // shaders
  bool compiled, linked, deleted;
  GLuint attached;
  uint32_t attachments;
  Program program;
  uint32_t arguments[gpu_arguments];
  char log[160];
} Object;

// Names are shared by the contexts of a group.
typedef struct Group {
  uint32_t users;
  Object *objects;  // [name]
  GLuint capacity;
  Promise **queries;
  Promise *syncs;
  GLuint query_capacity;
} Group;

typedef struct Gl {
  Group *group;
  EGLint minor;
  bool robust, destroyed;
  uint32_t current;  // threads
  GLenum error;
  GLuint bound_read, bound_write, program;
  GLuint slots[gpu_bindings];
  uint64_t slot_offset[gpu_bindings], slot_bytes[gpu_bindings];
  CommandList list;
} Gl;

void gpu_lock(void);
void gpu_unlock(void);
// queue.c, locked.
Command *command_new(CommandKind kind);
void queue_record(Gl *gl, Command *command);
void queue_flush(Gl *gl);
// A program was linked: see gpu_set_clock_fall.
void queue_note_compiler(void);
// Whether the promise is kept; `timeout_ns` of real time. A poll counts.
bool queue_await(Promise *promise, uint64_t timeout_ns);
Promise *promise_new(void);
void promise_drop(Promise *promise);
// Waits for whatever is flushed.
void queue_drain(void);

// memory.c, locked.
Storage *storage_new(uint64_t bytes);
void storage_use(Storage *storage);
void storage_drop(Storage *storage);
void gl_raise(Gl *gl, GLenum error);
// Of the kind, or NULL with an error.
Object *object_of(Gl *gl, GLuint name, int kind);
GLuint object_new(Gl *gl, int kind);
void object_free(Object *object);

// programs.c: what a source is, its text compared as a whole.
Program program_of(const char *source, char *reason, size_t capacity);

// library_texts.cpp: of the library's sources.
const char *library_common(void);
const char *library_direct(void);

// execute.c: on the device, unlocked.
void execute(const Command *command);
void stray_access(void);
void run_direct(const Command *command);
// Of trial.cpp's helper: what its mode does.
enum { TRIAL_FILL, TRIAL_COUNT, TRIAL_GATHER, TRIAL_FILL_NAN };
void run_trial(const Command *command);

// hazards.c, locked.
void hazards_note(const Command *command);
void hazards_barrier(void);
uint64_t hazards_wait(const Command *command);
// Before the storage goes: another one may get its address.
void hazards_forget(const Storage *storage);
uint64_t hazards_dispatches(void);
// The caller knows that the first so many dispatches have ended.
void hazards_ended(uint64_t dispatches);

// gl_state.c: of this thread, NULL without one.
extern __thread Gl *gl_current;
