// Debug mode: remembers what was flushed of a buffer, so that CPU writes without
// a flush are found where memory is coherent and everything seems to work.
#pragma once

#include <mutex>
#include <vector>

#include "base/memory.h"

namespace sporkle {

class FlushWatch {
 public:
  // Throws std::bad_alloc.
  FlushWatch(std::pmr::memory_resource* memory, const void* data, uint64_t bytes)
      : data_(static_cast<const char*>(data)),
        bytes_(bytes),
        copy_(memory, bytes),
        lines_((bytes + line - 1) / line, State::untouched, memory) {}

  void flushed(uint64_t offset, uint64_t bytes) noexcept;
  void device_writes(uint64_t offset, uint64_t bytes) noexcept;

  // Whether the device would miss something in a range that it is about to
  // read: a line that nobody has provided, or one that the CPU has changed since
  // its flush. `at` tells where.
  bool misses(uint64_t offset, uint64_t bytes, uint64_t* at) noexcept;

 private:
  enum class State : uint8_t { untouched, flushed, device };
  static constexpr uint64_t line = 64;

  uint64_t line_bytes(uint64_t index) const noexcept {
    return bytes_ - index * line < line ? bytes_ - index * line : line;
  }

  const char* data_;
  uint64_t bytes_;
  AlignedBlock copy_;
  std::pmr::vector<State> lines_;
  std::mutex mutex_;
};

}  // namespace sporkle
