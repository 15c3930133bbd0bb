// What a device offers to callers that issue OpenGL commands themselves: a
// context of its share group on their thread, names in it, and hand-overs
// between their commands and the device's.
//
// attach, detach and the calls below "in the attached context" are about the
// calling thread. Errors are thrown as sporkle::Error.
#pragma once

#include <cstdint>
#include <memory>

#include "core/device.h"

namespace sporkle {

struct GlProgramBinary {
  uint64_t size = 0;
  uint32_t format = 0;
};

class GlInterop {
 public:
  GlInterop() = default;
  GlInterop(const GlInterop&) = delete;
  GlInterop& operator=(const GlInterop&) = delete;
  virtual ~GlInterop() = default;

  // Makes a context of the device's share group current on the calling thread,
  // or counts once more.
  virtual void attach() = 0;
  virtual void detach() = 0;

  // In the attached context: orders the caller's commands so far before what
  // is submitted to the device next. `memory` (may be null) is one of the
  // device's that the CPU reads afterwards.
  virtual void hand_over(const std::shared_ptr<DeviceMemory>& memory) = 0;
  // In the attached context: orders what has been submitted to the device so
  // far before the caller's next commands. `memory` (may be null) is one of
  // the device's that the CPU has flushed.
  virtual void take_over(const std::shared_ptr<DeviceMemory>& memory) = 0;

  // From any thread, attached or not.
  virtual uint32_t name_of(const DeviceMemory& memory) = 0;

  // The rest is in the attached context.
  virtual uint32_t create_buffer(uint64_t size, const void* data) = 0;
  virtual void delete_buffer(uint32_t name) = 0;
  virtual void write_buffer(uint32_t name, uint64_t offset, uint64_t size, const void* data) = 0;
  virtual void read_buffer(uint32_t name, uint64_t offset, uint64_t size, void* data) = 0;
  virtual void bind_buffer(uint32_t binding, uint32_t name) = 0;

  virtual uint32_t create_program(const char* source, uint64_t length) = 0;
  virtual void delete_program(uint32_t program) = 0;
  // `data` null: only the size and the format. `capacity` below the size: fails
  // with the size filled in.
  virtual void save_program(uint32_t program, void* data, uint64_t capacity,
                            GlProgramBinary* out) = 0;
  virtual uint32_t load_program(uint32_t format, const void* data, uint64_t size) = 0;
  virtual void dispatch(uint32_t program, uint32_t x, uint32_t y, uint32_t z) = 0;
};

}  // namespace sporkle
