#include "core/fence_listeners.h"

#include <fcntl.h>
#include <mutex>
#include <new>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/fence_pool.h"

namespace sporkle {

namespace {

// The library keeps a descriptor of its own until the fence ends, because the
// caller may close his at any time and the number may then mean another file.
struct Listener {
  sporkle_fence fence;
  int fd;
};

constexpr uint32_t listener_limit = 1024;
constinit Listener listeners[listener_limit] = {};
constinit uint32_t listener_count = 0;
constinit std::mutex listeners_mutex;

void signal(int fd) noexcept {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(fd, &one, sizeof one);
}

bool enlist(sporkle_fence fence, int fd) noexcept {
  const std::lock_guard lock(listeners_mutex);
  if (listener_count == listener_limit) return false;
  listeners[listener_count++] = {fence, fd};
  return true;
}

}  // namespace

Status fence_listen(sporkle_fence fence, int32_t* out_fd) noexcept {
  const Status status = fence_poll(fence);
  if (status == SPORKLE_ERROR_INVALID_HANDLE) return status;
  const int theirs = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (theirs < 0) return SPORKLE_ERROR_POOL_EXHAUSTED;
  if (status != SPORKLE_NOT_READY) {
    signal(theirs);
  } else {
    const int ours = fcntl(theirs, F_DUPFD_CLOEXEC, 0);
    const auto enter = [&] { return enlist(fence, ours); };
    if (ours < 0 || !Protocol::listen(gathering, enter, fence_listeners_tell)) {
      if (ours >= 0) close(ours);
      close(theirs);
      return SPORKLE_ERROR_POOL_EXHAUSTED;
    }
  }
  *out_fd = theirs;
  return SPORKLE_OK;
}

void fence_listeners_tell() noexcept {
  const std::lock_guard lock(listeners_mutex);
  for (uint32_t i = listener_count; i-- > 0;) {
    if (fence_poll(listeners[i].fence) == SPORKLE_NOT_READY) continue;
    signal(listeners[i].fd);
    close(listeners[i].fd);
    listeners[i] = listeners[--listener_count];
    gathering.listeners.fetch_sub(1, std::memory_order_relaxed);
  }
}

void fence_listeners_reset_after_fork() noexcept {
  new (&listeners_mutex) std::mutex;
  // Closed without a word: the parent's copies share the same counter.
  while (listener_count > 0) close(listeners[--listener_count].fd);
  gathering.listeners.store(0, std::memory_order_relaxed);
}

}  // namespace sporkle
