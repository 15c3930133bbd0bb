// Buffers whose flush has nothing to do: coherent memory outside debug mode. Their
// handles are checked without a pin, whose locked instructions wait for the stores that
// the caller has just made: half of the time of a 4 KiB update.
#pragma once

#include <cstdint>

#include "base/handle.h"

namespace sporkle {

// From now on until the handle dies a flush within its first `bytes` does nothing.
void allow_free_flush(const void* handle, HandleType type, uint64_t bytes) noexcept;

// Whether the handle is live, of this process, and allows that. False also means: look
// closer.
bool flush_is_free(const void* handle, HandleType type, uint64_t offset,
                   uint64_t bytes) noexcept;

}  // namespace sporkle
