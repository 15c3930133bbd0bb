// Which process this is: detects fork without a system call per entry.
#pragma once

#include <cstdint>

namespace sporkle {

// Prepares the detection; called by context creation. In a forked child the first
// caller runs `reset`, which puts locks inherited in an unknown state in order, and
// starts a new epoch; who comes meanwhile waits until it is done.
void process_enter(void (*reset)() noexcept) noexcept;

// Number of the current process in the chain of forks: 0 before the first
// process_enter of this process has returned, which in a child means "forked".
uint64_t process_epoch() noexcept;

}  // namespace sporkle
