#include "backends/gl/interop_thread.h"

#include <atomic>
#include <cxxabi.h>

#include "backends/gl/egl_device.h"
#include "base/fp_environment.h"
#include "base/process.h"

extern "C" void* __dso_handle;

namespace sporkle::gl {

namespace {

constexpr uint32_t owner_limit = 512;

// Owners that are alive. A thread's attachment outlives its owner when another
// thread destroys the library's context.
constinit std::atomic<uint64_t> owners[owner_limit] = {};
constinit std::atomic<uint64_t> last_owner{0};

constinit thread_local ThreadAttachment attachment{};

bool owner_alive(uint64_t owner) noexcept {
  return owners[owner % owner_limit].load(std::memory_order_acquire) == owner;
}

void forget(ThreadAttachment& mine) noexcept {
  const bool handler = mine.handler;
  mine = ThreadAttachment{};
  mine.handler = handler;
}

void let_go(ThreadAttachment& mine) noexcept {
  leave_context(mine);
  destroy_shared(mine.shared);
  forget(mine);
}

// A context that is still current when its thread ends would never be freed.
void leave_at_thread_end(void*) noexcept {
  const FpEnvironmentScope scope;
  ThreadAttachment& mine = attachment;
  if (mine.count != 0 && mine.epoch == process_epoch()) let_go(mine);
}

}  // namespace

void destroy_shared(const SharedContext& shared) noexcept {
  if (shared.context == EGL_NO_CONTEXT) return;
  shared.egl->destroy_context(shared.display, shared.context);
  close_display(*shared.egl, shared.display);
}

uint64_t open_owner() noexcept {
  for (uint32_t tries = 0; tries < owner_limit; ++tries) {
    const uint64_t owner = last_owner.fetch_add(1) + 1;
    uint64_t expected = 0;
    if (owners[owner % owner_limit].compare_exchange_strong(expected, owner)) return owner;
  }
  return 0;
}

void close_owner(uint64_t owner) noexcept {
  if (owner != 0) owners[owner % owner_limit].store(0, std::memory_order_release);
}

ThreadAttachment& thread_attachment() noexcept {
  ThreadAttachment& mine = attachment;
  if (mine.count == 0) return mine;
  if (mine.epoch != process_epoch()) {
    // A forked child: the driver is the parent's and is not touched.
    forget(mine);
  } else if (!owner_alive(mine.owner)) {
    let_go(mine);
  }
  return mine;
}

bool guard_thread(ThreadAttachment& mine) noexcept {
  // Not a pthread key: those run after the drivers' own, which forget what is
  // current. The module is pinned already: a device has a thread.
  if (!mine.handler) {
    mine.handler = abi::__cxa_thread_atexit(&leave_at_thread_end, nullptr, &__dso_handle) == 0;
  }
  return mine.handler;
}

void flush_attached() noexcept {
  const ThreadAttachment& mine = thread_attachment();
  if (mine.count == 0 || mine.shared.egl->get_current_context() != mine.shared.context) return;
  mine.shared.flush();
}

void leave_context(const ThreadAttachment& mine) noexcept {
  const EglFunctions& egl = *mine.shared.egl;
  if (egl.get_current_context() != mine.shared.context) return;
  egl.make_current(mine.shared.display, EGL_NO_SURFACE, EGL_NO_SURFACE, EGL_NO_CONTEXT);
}

}  // namespace sporkle::gl
