// File descriptors that become readable when a fence ends.
#pragma once

#include "base/error.h"

namespace sporkle {

enum class ListenResult {
  made,
  not_a_fence,
  process_descriptors,  // RLIMIT_NOFILE is reached
  system_descriptors,   // the system's limit is
  memory,
};

// Makes a descriptor of an eventfd that is readable once the fence has ended or
// been destroyed: as soon as a poll says anything but NOT_READY. The caller closes
// it. A fence's first export makes its entry in the list of the fences to look at,
// later ones only a descriptor; the thread that ends the fence writes to it.
ListenResult fence_listen(sporkle_fence fence, int32_t* out_fd) noexcept;

// Writes to the descriptors of the fences that are no longer pending.
void fence_listeners_tell() noexcept;

// Called in a forked child: the parent's fences are no business of this process.
void fence_listeners_reset_after_fork() noexcept;

}  // namespace sporkle
