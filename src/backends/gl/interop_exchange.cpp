#include "backends/gl/interop_exchange.h"

#include <climits>

#include "base/futex.h"

namespace sporkle::gl {

Status Exchange::emit(const GladGLContext& gl, uint64_t current_generation) noexcept {
  // A sync of a share group that is gone dies with it.
  if (generation != current_generation) return SPORKLE_ERROR_DEVICE_LOST;
  if (arrival != nullptr) {
    gl.WaitSync(arrival, 0, GL_TIMEOUT_IGNORED);
    gl.DeleteSync(arrival);
    arrival = nullptr;
  }
  gl.MemoryBarrier(GL_ALL_BARRIER_BITS);
  if (upload != nullptr) {
    Stretch stretches[GlMemory::stretch_limit];
    const uint32_t count = upload->take_flushed(stretches);
    for (uint32_t i = 0; i < count; ++i) upload->upload(gl, stretches[i]);
  }
  // A shadow is filled by invalidate itself.
  if (download != nullptr && download->form() == MemoryForm::window) {
    download->download(gl, {0, download->size()});
  }
  gl.MemoryBarrier(GL_ALL_BARRIER_BITS);
  if (wants_departure) {
    departure = gl.FenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
    // Another context waits for it: it must have left this one.
    gl.Flush();
    if (departure == nullptr) return SPORKLE_ERROR_DEVICE_LOST;
  }
  finish(SPORKLE_OK);
  return SPORKLE_OK;
}

void Exchange::finish(Status result) noexcept {
  if (done_.load(std::memory_order_acquire) != 0) return;
  status = result;
  done_.store(1, std::memory_order_release);
  futex_wake(done_, INT_MAX);
}

bool Exchange::wait(Deadline deadline) noexcept {
  while (done_.load(std::memory_order_acquire) == 0) {
    if (deadline.passed()) return false;
    futex_wait(done_, 0, deadline);
  }
  return true;
}

}  // namespace sporkle::gl
