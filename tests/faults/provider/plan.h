// What goes wrong, and when: planned by name and call index.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// X(identifier, name, what its calls are, what happens)
#define FAULTS(X)                                                                                 \
  X(ANY, "any", "every call that can fail", "fails in the way natural to the function")           \
  X(UNFLUSHED, "hang-until-flushed", "glFenceSync", "the sync signals only after a flush")        \
  X(HANG, "hang", "glFenceSync", "this sync and all later ones of the context never signal")      \
  X(STALL, "stall", "glClientWaitSync", "does not return before faults are cleared")              \
  X(LINK_STALL, "link-stall", "glGetProgramiv", "does not return before faults are cleared")      \
  X(COMPILE_HANG, "compile-hang", "glLinkProgram", "never complete where the shader contains =TEXT")   \
  X(COMPILE_QUEUE, "compile-queue", "glLinkProgram", "nothing completes that is linked after such a one") \
  X(LATE, "late", "glFenceSync", "signals =N ns after the driver says so")                        \
  X(SPURIOUS, "spurious-timeout", "glClientWaitSync", "answers GL_TIMEOUT_EXPIRED")               \
  X(WAIT_FAILED, "wait-failed", "glClientWaitSync", "answers GL_WAIT_FAILED, without an error")   \
  X(WAIT_ZERO, "wait-zero", "glClientWaitSync", "answers 0, no value of OpenGL")                  \
  X(LOST_BEHIND, "lost-in-flight", "glFenceSync", "the context is lost behind the work recorded") \
  X(LOST, "lost", "glDispatchCompute", "the context is lost: nothing runs, all syncs signalled")  \
  X(RESET, "reset", "glGetGraphicsResetStatus", "answers GL_GUILTY_CONTEXT_RESET")                \
  X(NONSENSE, "reset-nonsense", "glGetGraphicsResetStatus", "answers a value that means nothing") \
  X(NULL_SYNC, "null-sync", "glFenceSync", "gives no sync object")                                \
  X(NO_MEMORY, "no-memory", "glBufferStorage, glBufferData", "GL_OUT_OF_MEMORY")                  \
  X(DISPATCH, "dispatch-memory", "glDispatchCompute", "GL_OUT_OF_MEMORY, nothing runs")           \
  X(COPY, "copy-error", "glCopyBufferSubData", "GL_OUT_OF_MEMORY, nothing is copied")             \
  X(READ, "read-error", "glGetBufferSubData", "GL_OUT_OF_MEMORY, nothing is read")                \
  X(WRITE, "write-error", "glBufferSubData", "GL_OUT_OF_MEMORY, nothing is written")              \
  X(NULL_MAP, "null-map", "glMapBufferRange", "gives no pointer")                                 \
  X(UNALIGNED, "unaligned-map", "glMapBufferRange", "gives a pointer that is off by =N bytes")    \
  X(STORM, "error-storm", "glGetError", "reports GL_INVALID_OPERATION")                           \
  X(COMPILE, "compile-error", "glCompileShader", "the shader does not compile")                   \
  X(NO_CONTEXT, "no-context", "eglCreateContext", "gives no context")                             \
  X(FUNCTION, "missing-function", "eglGetProcAddress of =NAME", "gives a null pointer")           \
  X(EXTENSION, "missing-extension", "extension lists", "they lack =NAME")                         \
  X(VERSION, "version", "glGetString", "the version is =TEXT; no newer context is created")       \
  X(RENDERER, "renderer", "glGetString", "the renderer is =TEXT, a card and no software")         \
  X(WORD_MISSING, "word-missing", "completion words", "the word is not written")                  \
  X(WORD_EARLY, "word-early", "completion words", "the word is written when it is submitted")     \
  X(WORD_STALE, "word-stale", "completion words", "the word gets the number before its own")      \
  X(WORD_LAST, "word-last", "completion words", "written =N ns after the sync has been seen signalled")

#define FAULT_IDENTIFIER(identifier, name, calls, effect) FAULT_##identifier,
typedef enum Fault { FAULTS(FAULT_IDENTIFIER) FAULT_COUNT } Fault;

// Counts a call; whether the fault strikes it.
bool fault_now(Fault fault);
// Whether the fault is planned at all, without counting.
bool fault_planned(Fault fault);
// What follows "=" in the plan.
const char *fault_text(Fault fault);
uint64_t fault_number(Fault fault, uint64_t otherwise);

// Blocks while a stalled call is to stall.
void fault_stall(void);

// The interface for tests, found by dlsym. A plan is a list separated by ";" of
// NAME[=TEXT][@FIRST][*COUNT]: calls FIRST (default 0, from now) to FIRST +
// COUNT (default 1; "*" alone: for ever). Returns false for an unknown name or a
// number that is none, and says so on stderr. Such a TEST_FAULTS exits with 127.
bool fault_plan(const char *text);
// Drops what is planned, and lets stalled calls go on.
void fault_clear(void);
// How often a fault has struck, and how many calls it could have struck, since
// the last clear.
uint64_t fault_struck(const char *name);
uint64_t fault_calls(const char *name);
// OpenGL and EGL objects that are alive, contexts included.
int64_t fault_live_objects(void);
// The name of the function that the last strike of "any" hit.
const char *fault_last_function(void);
