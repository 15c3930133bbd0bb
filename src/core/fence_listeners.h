// File descriptors that become readable when a fence ends.
#pragma once

#include "base/error.h"

namespace sporkle {

// Makes an eventfd that is readable once the fence has ended or been destroyed:
// as soon as a poll says anything but NOT_READY. The caller closes it. Nothing
// is allocated but the descriptor; the thread that ends the fence writes to it.
// Returns INVALID_HANDLE, POOL_EXHAUSTED (no descriptor or no entry left).
Status fence_listen(sporkle_fence fence, int32_t* out_fd) noexcept;

// Writes to the descriptors of the fences that are no longer pending.
void fence_listeners_tell() noexcept;

// Called in a forked child: the parent's fences are no business of this process.
void fence_listeners_reset_after_fork() noexcept;

}  // namespace sporkle
