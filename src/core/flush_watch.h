// Debug mode: remembers what a buffer's bytes were when CPU and device last agreed
// about them, so that CPU writes without a flush are found where memory is coherent and
// everything seems to work. Exact to the byte, and never wrong about a byte that it
// names; what it cannot know is in docs/buffer_abstraction_design.md. Once the device has
// been closed it says nothing any more.
#pragma once

#include <mutex>
#include <vector>

#include "base/memory.h"
#include "core/device.h"

namespace sporkle {

class FlushWatch {
 public:
  // Bytes that the CPU wrote and did not flush: the first, one past the last, and how many.
  struct Missed {
    uint64_t begin = 0, end = 0, bytes = 0;
  };

  // `watched` outlives it. Throws std::bad_alloc.
  FlushWatch(std::pmr::memory_resource* memory, DeviceMemory& watched);

  // The CPU's bytes are the device's from now on.
  void flushed(uint64_t offset, uint64_t bytes) noexcept;
  // What the CPU sees there changes at a time that nobody knows.
  void device_writes(uint64_t offset, uint64_t bytes) noexcept;
  // What the device wrote has been made visible to the CPU; with `copied` the whole range
  // was fetched from the device, whoever wrote it.
  void made_visible(uint64_t offset, uint64_t bytes, bool copied) noexcept;

  // Whether the device would miss something in a range that it is about to read. A write
  // is told once.
  bool misses(uint64_t offset, uint64_t bytes, Missed* missed) noexcept;

 private:
  // Calls work(index, mask) for each word of `known_` with a bit in the range.
  template <class Work>
  static void each_word(uint64_t offset, uint64_t bytes, Work work);
  char* copy() const noexcept { return static_cast<char*>(copy_.data()); }

  DeviceMemory& watched_;
  const char* const data_;
  AlignedBlock copy_;
  // A bit per byte: whether the copy holds what the device has. Not so from a device's
  // write until it is made visible.
  std::pmr::vector<uint64_t> known_;
  std::mutex mutex_;
};

}  // namespace sporkle
