#include "core/fence_listeners.h"

#include <cerrno>
#include <fcntl.h>
#include <mutex>
#include <new>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/fence_pool.h"

namespace sporkle {

namespace {

// One per exported fence, however often it is exported: callers get duplicates.
// The library keeps a descriptor of its own until the fence ends, because callers
// may close theirs at any time and the number may then mean another file.
struct Listener {
  sporkle_fence fence;
  int fd;
};

// Chunks are made on demand and never move or go: a fork in the middle of a change
// leaves the child a list that it can go through. As many entries as Linux lets a
// process have descriptors (fs.nr_open is 1,048,576 unless it was raised).
constexpr uint32_t chunk_listeners = 1024;
constexpr uint32_t chunk_limit = 1024;
constinit Listener* chunks[chunk_limit] = {};
constinit uint32_t listener_count = 0;
constinit std::mutex listeners_mutex;

Listener& at(uint32_t i) noexcept { return chunks[i / chunk_listeners][i % chunk_listeners]; }

// Readers take 1 of this and so do not take the end from one another.
void signal(int fd) noexcept {
  const uint64_t many = UINT64_MAX - 1;
  [[maybe_unused]] const ssize_t written = ::write(fd, &many, sizeof many);
}

int make_event() noexcept { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE); }

ListenResult why() noexcept {
  switch (errno) {
    case EMFILE: return ListenResult::process_descriptors;
    case ENFILE: return ListenResult::system_descriptors;
    default: return ListenResult::memory;
  }
}

// A duplicate of the descriptor that an earlier export of the fence has left, or -1.
// `out_found`: whether there is one.
int join(sporkle_fence fence, bool* out_found) noexcept {
  const std::lock_guard lock(listeners_mutex);
  for (uint32_t i = listener_count; i-- > 0;) {
    if (at(i).fence != fence) continue;
    *out_found = true;
    return fcntl(at(i).fd, F_DUPFD_CLOEXEC, 0);
  }
  *out_found = false;
  return -1;
}

// Two threads that export the same fence at once may make two entries: both are told.
bool enlist(sporkle_fence fence, int fd) noexcept {
  const std::lock_guard lock(listeners_mutex);
  const uint32_t chunk = listener_count / chunk_listeners;
  if (chunk == chunk_limit) return false;
  if (chunks[chunk] == nullptr) chunks[chunk] = new (std::nothrow) Listener[chunk_listeners];
  if (chunks[chunk] == nullptr) return false;
  at(listener_count) = {fence, fd};
  ++listener_count;
  return true;
}

ListenResult listen_first(sporkle_fence fence, int32_t* out_fd) noexcept {
  const int ours = make_event();
  if (ours < 0) return why();
  const int theirs = fcntl(ours, F_DUPFD_CLOEXEC, 0);
  if (theirs < 0) {
    const ListenResult result = why();
    close(ours);
    return result;
  }
  const auto enter = [&] { return enlist(fence, ours); };
  if (!Protocol::listen(gathering, enter, fence_listeners_tell)) {
    close(ours);
    close(theirs);
    return ListenResult::memory;
  }
  *out_fd = theirs;
  return ListenResult::made;
}

}  // namespace

ListenResult fence_listen(sporkle_fence fence, int32_t* out_fd) noexcept {
  const Status status = fence_poll(fence);
  if (status == SPORKLE_ERROR_INVALID_HANDLE) return ListenResult::not_a_fence;
  bool found = false;
  const int theirs = status == SPORKLE_NOT_READY ? join(fence, &found) : make_event();
  if (status == SPORKLE_NOT_READY && !found) return listen_first(fence, out_fd);
  if (theirs < 0) return why();
  if (status != SPORKLE_NOT_READY) signal(theirs);
  *out_fd = theirs;
  return ListenResult::made;
}

void fence_listeners_tell() noexcept {
  const std::lock_guard lock(listeners_mutex);
  for (uint32_t i = listener_count; i-- > 0;) {
    if (fence_poll(at(i).fence) == SPORKLE_NOT_READY) continue;
    signal(at(i).fd);
    close(at(i).fd);
    at(i) = at(--listener_count);
    gathering.listeners.fetch_sub(1, std::memory_order_relaxed);
  }
}

void fence_listeners_reset_after_fork() noexcept {
  new (&listeners_mutex) std::mutex;
  // Closed without a word: the parent's copies share the same counter.
  while (listener_count > 0) close(at(--listener_count).fd);
  gathering.listeners.store(0, std::memory_order_relaxed);
}

}  // namespace sporkle
