// Contexts of a device's share group for callers' threads, names in them, and
// hand-overs between their commands and the submission thread's.
#pragma once

#include <atomic>
#include <mutex>
#include <vector>

#include "backends/gl/interop_thread.h"
#include "backends/gl/submission_thread.h"
#include "core/gl_interop.h"

namespace sporkle::gl {

class Interop final : public GlInterop {
 public:
  Interop(std::shared_ptr<SubmissionThread> thread, std::pmr::memory_resource* memory)
      : thread_(std::move(thread)), memory_(memory), idle_(memory) {}
  ~Interop() override { close(); }

  // No attach succeeds afterwards. Lets go of what the calling thread has
  // attached; other threads keep their context current until they detach from
  // it, attach elsewhere or end.
  void close() noexcept;

  void attach() override;
  void detach() override;
  void hand_over(const std::shared_ptr<DeviceMemory>& memory) override;
  void take_over(const std::shared_ptr<DeviceMemory>& memory) override;
  uint32_t name_of(const DeviceMemory& memory) override;
  uint32_t create_buffer(uint64_t size, const void* data) override;
  void delete_buffer(uint32_t name) override;
  void write_buffer(uint32_t name, uint64_t offset, uint64_t size, const void* data) override;
  void read_buffer(uint32_t name, uint64_t offset, uint64_t size, void* data) override;
  void bind_buffer(uint32_t binding, uint32_t name) override;
  uint32_t create_program(const char* source, uint64_t length) override;
  void delete_program(uint32_t program) override;
  void save_program(uint32_t program, void* data, uint64_t capacity,
                    GlProgramBinary* out) override;
  uint32_t load_program(uint32_t format, const void* data, uint64_t size) override;
  void dispatch(uint32_t program, uint32_t x, uint32_t y, uint32_t z) override;

 private:
  SharedContext take_context();
  void keep_context(const SharedContext& shared) noexcept;
  // The functions of the attached context; throws when the calling thread's
  // current context is not the attached one.
  const GladGLContext& entered();
  const GladGLContext& checked_buffer(uint32_t name, uint64_t offset, uint64_t size);
  const GladGLContext& checked_program(uint32_t program);
  std::shared_ptr<GlMemory> own(const std::shared_ptr<DeviceMemory>& memory) const;

  std::shared_ptr<SubmissionThread> thread_;
  std::pmr::memory_resource* memory_;
  std::mutex mutex_;
  std::atomic<uint64_t> owner_{0};  // 0 before the first attach
  bool closed_ = false;
  std::pmr::vector<SharedContext> idle_;
  GladGLContext gl_{};  // good in every context of the device
};

}  // namespace sporkle::gl
