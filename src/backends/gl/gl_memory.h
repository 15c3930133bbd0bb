// Memory that an OpenGL device and the CPU share, in one of three forms.
#pragma once

#include <mutex>

#include "backends/gl/buffer_object.h"
#include "base/memory.h"
#include "core/device.h"

namespace sporkle::gl {

class SubmissionThread;

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

// direct: shaders use the mapped buffer itself. window: shaders use a
// device-local buffer, the GPU copies from and to the mapped one. shadow:
// without mapping, the driver copies from and to host memory.
enum class MemoryForm : uint8_t { direct, window, shadow };

class GlMemory final : public DeviceMemory {
 public:
  // Throws OUT_OF_MEMORY, DEVICE_LOST.
  GlMemory(std::shared_ptr<SubmissionThread> thread, const DeviceEnvironment& environment,
           MemoryForm form, uint64_t bytes, uint32_t usage);
  ~GlMemory() override;

  void* data() const noexcept override { return data_; }
  uint64_t size() const noexcept override { return bytes_; }
  uint32_t placement() const noexcept override;
  bool coherent() const noexcept override;
  void flush(uint64_t offset, uint64_t bytes) override;
  void invalidate(uint64_t offset, uint64_t bytes) override;

  MemoryForm form() const noexcept { return form_; }
  uint64_t generation() const noexcept { return device_->generation; }

  // The rest is for the submission thread.
  GLuint name() const noexcept { return device_->name; }
  bool cpu_reads() const noexcept { return (usage_ & SPORKLE_BUFFER_CPU_READ) != 0; }
  // Whether GPU writes need a client barrier before the CPU sees them.
  bool wants_client_barrier() const noexcept {
    if (form_ == MemoryForm::window) return !window_->coherent;
    return form_ == MemoryForm::direct && !device_->coherent;
  }

  static constexpr uint32_t stretch_limit = 16;
  // Takes what has been flushed since the last call.
  uint32_t take_flushed(Stretch out[stretch_limit]) noexcept;
  // Undoes it for an upload that failed.
  void give_back_flushed(const Stretch* stretches, uint32_t count) noexcept;
  void upload(const GladGLContext& gl, Stretch stretch) noexcept;
  // Copies to where the CPU reads. A shadow's copy waits for the GPU.
  void download(const GladGLContext& gl, Stretch stretch) noexcept;

 private:
  void create_buffers();
  void upload_piece(const GladGLContext& gl, Stretch stretch) noexcept;
  void download_piece(const GladGLContext& gl, Stretch stretch) noexcept;
  void release_buffers() noexcept;

  std::shared_ptr<SubmissionThread> thread_;
  std::pmr::memory_resource* memory_;
  Stats* stats_;
  MemoryForm form_;
  uint32_t usage_;
  uint64_t bytes_;
  BufferObject* device_ = nullptr;
  BufferObject* window_ = nullptr;
  AlignedBlock shadow_;
  void* data_ = nullptr;
  std::mutex mutex_;
  uint32_t flushed_count_ = 0;
  Stretch flushed_[stretch_limit];
};

}  // namespace sporkle::gl
