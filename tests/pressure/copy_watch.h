// Counts what memcpy, memmove and mempcpy move from or to watched memory, for
// every module of the process: the library that defines them is linked before
// libc, so that libsporkle, libstdc++ and the drivers that are opened later bind
// to it.
//
// Seen: every copy by a call whose size is not a constant. The payload of a
// tensor has a size that is known at run time only; GCC and Clang then always
// call, also for std::copy and for copying loops that they recognise. Not seen:
// copies inside libc itself, and loops that a compiler turned into vector
// instructions of their own. Those are seen by cache_traffic, which counts every
// access to memory whoever makes it.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Adds a range; at most 64.
void copy_watch_add(const void *begin, size_t bytes);
// Forgets ranges and counts.
void copy_watch_clear(void);
// Counts while on.
void copy_watch_set(bool on);
// Bytes that were read from or written to a range.
uint64_t copy_watch_bytes(void);
// Calls of any kind while on: that the watch is in place at all.
uint64_t copy_watch_calls(void);
