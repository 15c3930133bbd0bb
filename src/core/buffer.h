// The object behind a sporkle_buffer.
#pragma once

#include <atomic>
#include <optional>

#include "core/context.h"
#include "core/flush_watch.h"
#include "core/output_watch.h"

namespace sporkle {

class Buffer final : public Child {
 public:
  static constexpr HandleType handle_type = HandleType::buffer;

  Buffer(std::shared_ptr<Context> context, uint32_t device, uint32_t usage,
         std::shared_ptr<DeviceMemory> memory, const char* label);

  const char* kind_name() const noexcept override { return "buffer"; }
  void dispose() noexcept override;

  uint32_t device() const noexcept { return device_; }
  uint32_t usage() const noexcept { return usage_; }
  // Null when the CPU neither reads nor writes it.
  void* data() const noexcept;
  void flush(uint64_t offset, uint64_t bytes);
  // Throws BUSY while an operation writes there whose fence has not ended. A fence
  // that was destroyed says nothing; debug mode reports what it knows then.
  void invalidate(uint64_t offset, uint64_t bytes);
  // An operation is about to use a range that has been checked. In debug mode
  // CPU writes that were not flushed are reported. `argument`: bindings.input ...
  void note_read(const char* argument, uint64_t offset, uint64_t bytes) noexcept;
  void note_write(uint64_t offset, uint64_t bytes) noexcept;
  // An operation that writes the range has been submitted.
  void note_submitted(sporkle_fence fence, uint64_t offset, uint64_t bytes) noexcept;
  DeviceMemory& memory() const noexcept { return *memory_; }
  const std::shared_ptr<DeviceMemory>& shared_memory() const noexcept { return memory_; }

  // Throws SPORKLE_ERROR_INVALID_ARGUMENT for a range outside the buffer or a
  // usage it lacks. Debug mode's report names the caller's `function` too.
  void check_range(const char* function, const char* argument, uint64_t offset,
                   uint64_t bytes) const;
  void check_alignment(const char* function, const char* argument, uint64_t offset) const;
  void check_usage(const char* function, const char* argument, uint32_t bit,
                   const char* name) const;

 private:
  // Makes the watch forget the device's bytes where operations have not ended.
  void forget_unended(uint64_t offset, uint64_t bytes) noexcept;
  void report_missing_flush(const char* argument, const FlushWatch::Missed& missed) noexcept;
  // Debug mode says what is wrong, once per buffer and id.
  void report(int id, const char* format, ...) const noexcept
      __attribute__((format(printf, 3, 4)));

  uint32_t device_;
  uint32_t usage_;
  std::shared_ptr<DeviceMemory> memory_;
  std::optional<FlushWatch> watch_;  // debug mode only
  std::atomic<uint32_t> missing_flushes_{0};
  OutputWatch output_;
};

// Creates the buffer and its handle. Throws Error.
sporkle_buffer create_buffer(const std::shared_ptr<Context>& context,
                             const sporkle_buffer_desc& desc);

// Gives the child its handle and lists it. The child itself may be gone when
// this returns: the context can be destroyed by another thread. Throws and
// disposes when no handle is left or the context is being destroyed.
void* publish_child(Child* child);

}  // namespace sporkle
