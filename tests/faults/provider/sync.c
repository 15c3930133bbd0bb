// Sync objects, flushes and resets.
#include <pthread.h>
#include <stdlib.h>

#include "below.h"
#include "wrap.h"

typedef struct Sync {
  struct Sync *next;
  GLsync below;
  EGLContext maker;
  uint64_t flushes;  // of the context when it was made
  bool needs_flush, hung;
  uint64_t late_ns, ready_ns;  // 0: not seen ready yet
  Word late_word;
  uint64_t word_late_ns, word_ready_ns;
} Sync;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Sync *alive;

void syncs_forget(void) {
  pthread_mutex_lock(&lock);
  while (alive != NULL) {
    Sync *sync = alive;
    alive = sync->next;
    free(sync);
  }
  pthread_mutex_unlock(&lock);
}

static void unlink_sync(const Sync *sync) {
  pthread_mutex_lock(&lock);
  Sync **place = &alive;
  while (*place != NULL && *place != sync) place = &(*place)->next;
  if (*place != NULL) *place = sync->next;
  pthread_mutex_unlock(&lock);
}

static void write_word(Word *word) {
  if (word->address != NULL) __atomic_store_n(word->address, word->value, __ATOMIC_RELEASE);
  word->address = NULL;
}

GLsync wrap_FenceSync(GLenum condition, GLbitfield flags) {
  Context *context = context_current();
  if (walk_strikes("glFenceSync") || fault_now(FAULT_NULL_SYNC)) return NULL;
  const GLsync below = next.FenceSync(condition, flags);
  if (below == NULL) return NULL;
  if (fault_now(FAULT_LOST_BEHIND)) context_lose(context);
  Sync *sync = calloc(1, sizeof *sync);
  if (sync == NULL) abort();
  sync->below = below;
  sync->maker = context->handle;
  sync->flushes = context->flushes;
  sync->needs_flush = fault_now(FAULT_UNFLUSHED);
  if (fault_now(FAULT_HANG)) context->hung = true;
  sync->hung = context->hung;
  if (fault_now(FAULT_LATE)) sync->late_ns = fault_number(FAULT_LATE, 1000000);
  sync->late_word = context->late_word;
  sync->word_late_ns = fault_number(FAULT_WORD_LAST, 0);
  context->late_word.address = NULL;
  context_count(OBJECT_SYNC, 1);
  pthread_mutex_lock(&lock);
  sync->next = alive;
  alive = sync;
  pthread_mutex_unlock(&lock);
  return (GLsync)sync;
}

// A loss is only pretended. After a real one nothing that was recorded writes any more; here
// it has been written before the loss is told, not after the library has gone on.
void context_lose(Context *context) {
  context->lost = true;
  context_end_work();
}

void context_end_work(void) {
  if (!below_goes_on()) return;
  const GLsync sync = next.FenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
  if (sync == NULL) return;
  next.ClientWaitSync(sync, GL_SYNC_FLUSH_COMMANDS_BIT, 2000000000);
  next.DeleteSync(sync);
}

// What the driver below says, held back as planned.
static GLenum ask(Sync *sync, GLbitfield flags, GLuint64 timeout) {
  Context *context = context_current();
  if (context->lost) return GL_ALREADY_SIGNALED;
  if (sync->hung) return GL_TIMEOUT_EXPIRED;
  if ((flags & GL_SYNC_FLUSH_COMMANDS_BIT) != 0) sync->needs_flush = false;
  if (sync->needs_flush && sync->flushes == context->flushes) return GL_TIMEOUT_EXPIRED;
  const GLenum answer = next.ClientWaitSync(sync->below, flags, timeout);
  if (answer == GL_TIMEOUT_EXPIRED || sync->late_ns == 0) return answer;
  if (sync->ready_ns == 0) sync->ready_ns = below_now_ns();
  return below_now_ns() - sync->ready_ns < sync->late_ns ? GL_TIMEOUT_EXPIRED : answer;
}

GLenum wrap_ClientWaitSync(GLsync handle, GLbitfield flags, GLuint64 timeout) {
  Sync *sync = (Sync *)handle;
  if (fault_now(FAULT_STALL)) fault_stall();
  if (walk_strikes("glClientWaitSync") || fault_now(FAULT_WAIT_FAILED)) return GL_WAIT_FAILED;
  if (fault_now(FAULT_WAIT_ZERO)) return 0;
  if (fault_now(FAULT_SPURIOUS)) return GL_TIMEOUT_EXPIRED;
  if (sync == NULL) {
    context_raise(GL_INVALID_VALUE);
    return GL_WAIT_FAILED;
  }
  const GLenum answer = ask(sync, flags, timeout);
  if (answer == GL_TIMEOUT_EXPIRED) {
    below_pass_time(timeout);
  } else if (sync->late_word.address != NULL) {
    const uint64_t now = below_now_ns();
    if (sync->word_ready_ns == 0) sync->word_ready_ns = now + sync->word_late_ns;
    if (now >= sync->word_ready_ns) write_word(&sync->late_word);
  }
  return answer;
}

void wrap_WaitSync(GLsync handle, GLbitfield flags, GLuint64 timeout) {
  next.WaitSync(((Sync *)handle)->below, flags, timeout);
}

void wrap_DeleteSync(GLsync handle) {
  Sync *sync = (Sync *)handle;
  if (sync == NULL) return;
  next.DeleteSync(sync->below);
  Context *maker = context_find(sync->maker);
  if (maker != NULL) __atomic_fetch_sub(&maker->live[OBJECT_SYNC], 1, __ATOMIC_RELAXED);
  unlink_sync(sync);
  free(sync);
}

void wrap_Flush(void) {
  ++context_current()->flushes;
  next.Flush();
}

GLenum wrap_GetGraphicsResetStatus(void) {
  if (walk_strikes("glGetGraphicsResetStatus") || fault_now(FAULT_RESET)) {
    context_end_work();
    return GL_GUILTY_CONTEXT_RESET;
  }
  if (fault_now(FAULT_NONSENSE)) return (GLenum)fault_number(FAULT_NONSENSE, 0x9999);
  if (context_current()->lost) return GL_INNOCENT_CONTEXT_RESET;
  return next.GetGraphicsResetStatus();
}

GLenum wrap_GetError(void) {
  Context *context = context_current();
  if (fault_now(FAULT_STORM)) return GL_INVALID_OPERATION;
  if (walk_strikes("glGetError")) return GL_OUT_OF_MEMORY;
  if (context->lost) return GL_CONTEXT_LOST;
  const GLenum own = context->error;
  context->error = GL_NO_ERROR;
  return own != GL_NO_ERROR ? own : next.GetError();
}
