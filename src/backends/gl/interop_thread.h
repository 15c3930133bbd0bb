// Which context of a share group is current on which of the caller's threads.
#pragma once

#include <cstdint>

#include <glad/gl.h>

#include "backends/gl/egl_library.h"

namespace sporkle::gl {

// A context for callers' threads. Holds its own reference to the display.
struct SharedContext {
  const EglFunctions* egl = nullptr;
  EGLDisplay display = EGL_NO_DISPLAY;
  EGLContext context = EGL_NO_CONTEXT;
  uint64_t generation = 0;  // of the library's context that it shares with
  PFNGLFLUSHPROC flush = nullptr;
};

// From any thread; the context is current nowhere.
void destroy_shared(const SharedContext& shared) noexcept;

// Who hands contexts out; a number that is never used twice. 0 when too many
// are alive.
uint64_t open_owner() noexcept;
void close_owner(uint64_t owner) noexcept;

// What the calling thread is attached to. Plain memory: it lives as long as the
// thread and is let go by a handler at the thread's end.
struct ThreadAttachment {
  uint64_t owner = 0;
  uint64_t epoch = 0;  // process_epoch() at the time
  uint32_t count = 0;
  bool handler = false;
  SharedContext shared;
};

// The calling thread's, after what has no owner any more (a context that was
// destroyed, the parent process's) has been let go.
ThreadAttachment& thread_attachment() noexcept;

// Registers the handler at the thread's end. False: the system refuses.
bool guard_thread(ThreadAttachment& attachment) noexcept;

// Flushes what the calling thread has issued in its attached context. Comes before
// each wait for the submission thread: zink (Mesa 22.3) blocks one context of a
// share group in glMapBufferRange until another flushes, when the memory it
// recycles was last used there.
void flush_attached() noexcept;

// Stops the context being current on the calling thread, if it is.
void leave_context(const ThreadAttachment& attachment) noexcept;

}  // namespace sporkle::gl
