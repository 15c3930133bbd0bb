#include "backends/gl/interop.h"

#include <new>

#include "backends/gl/interop_exchange.h"
#include "base/memory.h"
#include "base/process.h"

namespace sporkle::gl {

namespace {

constexpr size_t idle_limit = 4;
constexpr uint64_t exchange_patience_ns = 10000000000u;

}  // namespace

void Interop::close() noexcept {
  ThreadAttachment& mine = thread_attachment();
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  closed_ = true;
  const bool attached = mine.count != 0 && mine.owner == owner_;
  close_owner(owner_);
  if (attached) thread_attachment();
  for (const SharedContext& shared : idle_) destroy_shared(shared);
  idle_.clear();
}

SharedContext Interop::take_context() {
  const std::lock_guard lock(mutex_);
  if (closed_) fail(SPORKLE_ERROR_CANCELLED, "device: it has been closed");
  if (owner_ == 0 && (owner_ = open_owner()) == 0) {
    fail(SPORKLE_ERROR_POOL_EXHAUSTED, "device: too many devices share contexts");
  }
  while (!idle_.empty()) {
    const SharedContext shared = idle_.back();
    idle_.pop_back();
    if (shared.generation == thread_->generation()) return shared;
    destroy_shared(shared);
  }
  SharedContext made;
  thread_->call([&](Engine& engine) {
    if (engine.egl().get_current_context == nullptr) {
      fail(SPORKLE_ERROR_UNSUPPORTED, "device: libEGL lacks eglGetCurrentContext");
    }
    Reason reason;
    made.egl = &engine.egl();
    made.display = open_display(engine.egl(), engine.device(), &reason);
    if (made.display == EGL_NO_DISPLAY) fail(SPORKLE_ERROR_UNSUPPORTED, "device: %s", reason.text);
    made.context = engine.context().create_shared();
    made.generation = engine.generation();
    if (gl_.GenBuffers == nullptr) gl_ = engine.context().gl();
    made.flush = gl_.Flush;
    if (made.context != EGL_NO_CONTEXT) return;
    const auto error = static_cast<unsigned>(engine.egl().get_error());
    close_display(engine.egl(), made.display);
    fail(SPORKLE_ERROR_UNSUPPORTED, "device: the driver gives no shared context (EGL error 0x%04x)",
         error);
  });
  return made;
}

void Interop::keep_context(const SharedContext& shared) noexcept {
  const std::lock_guard lock(mutex_);
  if (!closed_ && shared.generation == thread_->generation() && idle_.size() < idle_limit) {
    try {
      idle_.push_back(shared);
      return;
    } catch (const std::bad_alloc&) {
      // Made again when it is needed.
    }
  }
  destroy_shared(shared);
}

void Interop::attach() {
  ThreadAttachment& mine = thread_attachment();
  if (mine.count != 0) {
    if (mine.owner != owner_) {
      fail(SPORKLE_ERROR_BUSY, "device: this thread is attached to another device; detach first");
    }
    entered();
    ++mine.count;
    return;
  }
  const SharedContext shared = take_context();
  const EglFunctions& egl = *shared.egl;
  const bool foreign = egl.get_current_context() != EGL_NO_CONTEXT;
  if (!foreign && guard_thread(mine) &&
      egl.make_current(shared.display, EGL_NO_SURFACE, EGL_NO_SURFACE, shared.context) ==
          EGL_TRUE) {
    mine.owner = owner_;
    mine.epoch = process_epoch();
    mine.count = 1;
    mine.shared = shared;
    return;
  }
  const auto error = static_cast<unsigned>(foreign ? EGL_SUCCESS : egl.get_error());
  keep_context(shared);
  // A GLX context is seen only in the refusal to make another one current.
  if (foreign || error == EGL_BAD_ACCESS) {
    fail(SPORKLE_ERROR_BUSY, "device: this thread has a context of its own current");
  }
  fail(SPORKLE_ERROR_UNSUPPORTED, "device: eglMakeCurrent failed (EGL error 0x%04x)", error);
}

void Interop::detach() {
  ThreadAttachment& mine = thread_attachment();
  if (mine.count == 0 || mine.owner != owner_) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "device: this thread is not attached to it");
  }
  if (--mine.count != 0) return;
  leave_context(mine);
  keep_context(mine.shared);
}

const GladGLContext& Interop::entered() {
  const ThreadAttachment& mine = thread_attachment();
  if (mine.count == 0 || mine.owner != owner_) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT,
         "device: this thread is not attached to it; call sporkle_gl_attach first");
  }
  if (mine.shared.egl->get_current_context() != mine.shared.context) {
    fail(SPORKLE_ERROR_BUSY, "device: another context has been made current on this thread");
  }
  if (mine.shared.generation != thread_->generation()) {
    fail(SPORKLE_ERROR_DEVICE_LOST,
         "device: it was reset after the attach; detach and attach again for new names");
  }
  return gl_;
}

std::shared_ptr<GlMemory> Interop::own(const std::shared_ptr<DeviceMemory>& memory) const {
  auto mine = std::static_pointer_cast<GlMemory>(memory);
  if (mine != nullptr && mine->generation() != thread_->generation()) {
    fail(SPORKLE_ERROR_DEVICE_LOST, "buffer: created before the device was reset");
  }
  return mine;
}

void Interop::hand_over(const std::shared_ptr<DeviceMemory>& memory) {
  const GladGLContext& gl = entered();
  auto exchange = make_shared_in<Exchange>(memory_);
  exchange->generation = thread_->generation();
  exchange->download = own(memory);
  gl.MemoryBarrier(GL_ALL_BARRIER_BITS);
  exchange->arrival = gl.FenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
  // The other context waits for it: it must have left this one.
  gl.Flush();
  const GLsync sync = exchange->arrival;
  if (sync == nullptr) fail(SPORKLE_ERROR_DEVICE_LOST, "device: the driver gives no sync object");
  try {
    thread_->submit(std::move(exchange));
  } catch (...) {
    gl.DeleteSync(sync);
    throw;
  }
}

void Interop::take_over(const std::shared_ptr<DeviceMemory>& memory) {
  const GladGLContext& gl = entered();
  auto exchange = make_shared_in<Exchange>(memory_);
  exchange->generation = thread_->generation();
  exchange->upload = own(memory);
  exchange->wants_departure = true;
  flush_attached();
  thread_->submit(exchange);
  if (!exchange->wait(Deadline::after(exchange_patience_ns))) {
    fail(SPORKLE_ERROR_DEVICE_UNAVAILABLE, "device: the OpenGL driver does not take commands");
  }
  if (exchange->status < 0) fail(exchange->status, "device: it was lost or closed meanwhile");
  gl.WaitSync(exchange->departure, 0, GL_TIMEOUT_IGNORED);
  gl.DeleteSync(exchange->departure);
}

uint32_t Interop::name_of(const DeviceMemory& memory) {
  const auto& mine = static_cast<const GlMemory&>(memory);
  if (mine.generation() != thread_->generation()) {
    fail(SPORKLE_ERROR_DEVICE_LOST, "buffer: created before the device was reset");
  }
  return mine.name();
}

}  // namespace sporkle::gl
