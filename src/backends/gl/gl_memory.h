// Memory that an OpenGL device and the CPU share, in one of three forms.
#pragma once

#include <mutex>

#include "backends/gl/memory_pool.h"
#include "backends/gl/placement.h"
#include "base/memory.h"
#include "core/device.h"

namespace sporkle::gl {

// A stretch of one memory.
struct Stretch {
  uint64_t offset, bytes;
};

// NVIDIA's driver 580.159 takes the size of a copy modulo 2^32: 1.6 of 5.9 GB
// arrived. Pieces stay far below.
constexpr uint64_t copy_limit = uint64_t{1} << 30;

// Calls work(piece) for consecutive pieces of the stretch.
template <class Work>
void in_pieces(Stretch stretch, Work work) {
  while (stretch.bytes > 0) {
    const uint64_t bytes = stretch.bytes < copy_limit ? stretch.bytes : copy_limit;
    work(Stretch{stretch.offset, bytes});
    stretch.offset += bytes;
    stretch.bytes -= bytes;
  }
}

// The kind of mapping that a usage asks for.
BufferKind kind_of_usage(uint32_t usage) noexcept;

class GlMemory final : public DeviceMemory {
 public:
  // Memory that the CPU neither reads nor writes has no window and no address.
  // Throws OUT_OF_MEMORY, DEVICE_LOST.
  GlMemory(std::shared_ptr<MemoryPool> pool, const DeviceEnvironment& environment,
           MemoryForm form, uint64_t bytes, uint32_t usage);
  ~GlMemory() override;

  void* data() const noexcept override { return data_; }
  uint64_t size() const noexcept override { return bytes_; }
  uint32_t placement() const noexcept override;
  bool coherent() const noexcept override;
  void flush(uint64_t offset, uint64_t bytes) override;
  void invalidate(uint64_t offset, uint64_t bytes) override;

  MemoryForm form() const noexcept { return form_; }
  uint32_t usage() const noexcept { return usage_; }
  uint64_t generation() const noexcept { return device_.object->generation; }

  // The rest is for the submission thread.
  GLuint name() const noexcept { return device_.name(); }
  // Where the memory begins in that object.
  uint64_t base() const noexcept { return device_.offset; }
  bool cpu_reads() const noexcept { return (usage_ & SPORKLE_BUFFER_CPU_READ) != 0; }
  // Whether GPU writes need a client barrier before the CPU sees them.
  bool wants_client_barrier() const noexcept {
    if (form_ == MemoryForm::window) return window_ && !window_.object->coherent;
    return form_ == MemoryForm::direct && data_ != nullptr && !device_.object->coherent;
  }

  // Whether the CPU's bytes are a mapped buffer that shaders can copy from and to
  // without anything said to the driver; where they begin in that object.
  bool shader_copies() const noexcept {
    return form_ == MemoryForm::window && window_ && window_.object->coherent;
  }
  GLuint window_name() const noexcept { return window_.name(); }
  uint64_t window_base() const noexcept { return window_.offset; }

  static constexpr uint32_t stretch_limit = 16;
  // Takes what has been flushed since the last call.
  uint32_t take_flushed(Stretch out[stretch_limit]) noexcept;
  // Undoes it for an upload that failed.
  void give_back_flushed(const Stretch* stretches, uint32_t count) noexcept;
  void upload(const GladGLContext& gl, Stretch stretch) noexcept;
  // Copies to where the CPU reads. A shadow's copy waits for the GPU.
  void download(const GladGLContext& gl, Stretch stretch) noexcept;

 private:
  bool touch_with(void (*use)(void* user) noexcept, void* user) noexcept override;
  bool cpu_uses() const noexcept {
    return (usage_ & (SPORKLE_BUFFER_CPU_READ | SPORKLE_BUFFER_CPU_WRITE)) != 0;
  }
  SubmissionThread& thread() const noexcept { return *pool_->thread(); }
  bool named() const noexcept { return (usage_ & SPORKLE_BUFFER_OPENGL) != 0; }
  void create_buffers();
  void upload_piece(const GladGLContext& gl, Stretch stretch) noexcept;
  void download_piece(const GladGLContext& gl, Stretch stretch) noexcept;
  void release_buffers() noexcept;

  std::shared_ptr<MemoryPool> pool_;
  std::pmr::memory_resource* memory_;
  Stats* stats_;
  MemoryForm form_;
  uint32_t usage_;
  uint64_t bytes_;
  Region device_;
  Region window_;
  AlignedBlock shadow_;
  void* data_ = nullptr;
  std::mutex mutex_;
  uint32_t flushed_count_ = 0;
  Stretch flushed_[stretch_limit];
};

}  // namespace sporkle::gl
