// Which process this is: detects fork without a system call per entry.
#pragma once

#include <cstdint>

namespace sporkle {

// Prepares the detection; called by context creation. In a forked child it
// starts a new epoch and returns true once, so that locks inherited in an
// unknown state can be reset.
bool process_enter() noexcept;

// Number of the current process in the chain of forks: 0 before the first
// process_enter of this process, which in a child means "forked".
uint64_t process_epoch() noexcept;

}  // namespace sporkle
