#include "backends/gl/gl_memory.h"

#include <algorithm>
#include <cinttypes>
#include <new>

#include "backends/gl/engine.h"
#include "backends/gl/submission_thread.h"

namespace sporkle::gl {

BufferKind kind_of_usage(uint32_t usage) noexcept {
  const bool writes = (usage & SPORKLE_BUFFER_CPU_WRITE) != 0;
  const bool reads = (usage & SPORKLE_BUFFER_CPU_READ) != 0;
  if (writes) return reads ? BufferKind::shared : BufferKind::upload;
  return reads ? BufferKind::readback : BufferKind::local;
}

GlMemory::GlMemory(std::shared_ptr<MemoryPool> pool, const DeviceEnvironment& environment,
                   MemoryForm form, uint64_t bytes, uint32_t usage)
    : pool_(std::move(pool)),
      memory_(environment.memory),
      stats_(environment.stats),
      form_(form),
      usage_(usage),
      bytes_(bytes) {
  try {
    create_buffers();
  } catch (const std::bad_alloc&) {
    release_buffers();
    fail(SPORKLE_ERROR_OUT_OF_MEMORY, "size: no memory for a buffer of %" PRIu64 " bytes", bytes);
  } catch (...) {
    release_buffers();
    throw;
  }
}

void GlMemory::create_buffers() {
  const BufferKind kind = kind_of_usage(usage_);
  // The bytes that only the CPU touches come first: they are the scarcer ones.
  if (form_ == MemoryForm::shadow && cpu_uses()) shadow_ = AlignedBlock(memory_, bytes_);
  if (form_ == MemoryForm::window && cpu_uses()) window_ = pool_->take(kind, bytes_);
  const BufferKind device_kind = form_ == MemoryForm::direct ? kind : BufferKind::local;
  device_ = named() ? pool_->take_alone(device_kind, bytes_) : pool_->take(device_kind, bytes_);
  switch (form_) {
    case MemoryForm::direct: data_ = cpu_uses() ? device_.map() : nullptr; break;
    case MemoryForm::window: data_ = window_ ? window_.map() : nullptr; break;
    case MemoryForm::shadow: data_ = shadow_.data(); break;
  }
}

void GlMemory::release_buffers() noexcept {
  if (named()) {
    pool_->retire(device_);
  } else {
    pool_->give(device_);
  }
  pool_->give(window_);
}

GlMemory::~GlMemory() { release_buffers(); }

uint32_t GlMemory::placement() const noexcept {
  switch (form_) {
    case MemoryForm::direct: return SPORKLE_PLACEMENT_MAPPED;
    case MemoryForm::window: return SPORKLE_PLACEMENT_WINDOW;
    case MemoryForm::shadow: break;
  }
  return SPORKLE_PLACEMENT_STAGING;
}

bool GlMemory::coherent() const noexcept {
  return form_ == MemoryForm::direct && device_.object->coherent;
}

void GlMemory::flush(uint64_t offset, uint64_t bytes) {
  if (coherent() || bytes == 0 || data_ == nullptr) return;
  {
    const std::lock_guard lock(mutex_);
    for (uint32_t i = 0; i < flushed_count_; ++i) {
      if (flushed_[i].offset == offset && flushed_[i].bytes == bytes) return;
    }
    for (uint32_t i = 0; i < flushed_count_; ++i) {
      Stretch& known = flushed_[i];
      // Neighbours, and what has been flushed before: no byte between them joins.
      if (offset > known.offset + known.bytes || known.offset > offset + bytes) continue;
      const uint64_t end = std::max(known.offset + known.bytes, offset + bytes);
      known.offset = std::min(known.offset, offset);
      known.bytes = end - known.offset;
      return;
    }
    if (flushed_count_ < stretch_limit) {
      flushed_[flushed_count_++] = {offset, bytes};
      return;
    }
  }
  // Many separate pieces: move what has gathered now. Merging them would carry
  // stale bytes between them to the device.
  stats_->add(Counter::stalls, 1);
  thread().call([&](Engine& engine) {
    engine.upload_now(*this);
    engine.upload_stretch(*this, {offset, bytes});
  });
}

void GlMemory::invalidate(uint64_t offset, uint64_t bytes) {
  if (form_ != MemoryForm::shadow || bytes == 0 || data_ == nullptr) return;
  stats_->add(Counter::stalls, 1);
  thread().call([&](Engine& engine) { engine.download_stretch(*this, {offset, bytes}); });
}

bool GlMemory::touch_with(void (*use)(void* user) noexcept, void* user) noexcept {
  try {
    thread().touch_mapped([&] { use(user); });
    return true;
  } catch (const Error&) {
    return false;
  }
}

uint32_t GlMemory::take_flushed(Stretch out[stretch_limit]) noexcept {
  const std::lock_guard lock(mutex_);
  const uint32_t count = flushed_count_;
  for (uint32_t i = 0; i < count; ++i) out[i] = flushed_[i];
  flushed_count_ = 0;
  return count;
}

void GlMemory::give_back_flushed(const Stretch* stretches, uint32_t count) noexcept {
  const std::lock_guard lock(mutex_);
  for (uint32_t i = 0; i < count; ++i) {
    if (flushed_count_ < stretch_limit) {
      flushed_[flushed_count_++] = stretches[i];
      continue;
    }
    // No room: the last one grows over what lies between.
    Stretch& last = flushed_[stretch_limit - 1];
    const uint64_t end = std::max(last.offset + last.bytes,
                                  stretches[i].offset + stretches[i].bytes);
    last.offset = std::min(last.offset, stretches[i].offset);
    last.bytes = end - last.offset;
  }
}

void GlMemory::upload(const GladGLContext& gl, Stretch stretch) noexcept {
  in_pieces(stretch, [&](Stretch piece) { upload_piece(gl, piece); });
}

void GlMemory::download(const GladGLContext& gl, Stretch stretch) noexcept {
  if (form_ == MemoryForm::direct || data_ == nullptr) return;
  in_pieces(stretch, [&](Stretch piece) { download_piece(gl, piece); });
}

void GlMemory::upload_piece(const GladGLContext& gl, Stretch stretch) noexcept {
  const auto offset = static_cast<GLintptr>(base() + stretch.offset);
  const auto bytes = static_cast<GLsizeiptr>(stretch.bytes);
  gl.BindBuffer(GL_COPY_WRITE_BUFFER, name());
  switch (form_) {
    case MemoryForm::direct:
      gl.FlushMappedBufferRange(GL_COPY_WRITE_BUFFER, offset, bytes);
      break;
    case MemoryForm::window: {
      const auto source = static_cast<GLintptr>(window_.offset + stretch.offset);
      gl.BindBuffer(GL_COPY_READ_BUFFER, window_.name());
      if (!window_.object->coherent) {
        gl.FlushMappedBufferRange(GL_COPY_READ_BUFFER, source, bytes);
      }
      gl.CopyBufferSubData(GL_COPY_READ_BUFFER, GL_COPY_WRITE_BUFFER, source, offset, bytes);
      gl.BindBuffer(GL_COPY_READ_BUFFER, 0);
      stats_->add(Counter::gpu_copied_bytes, stretch.bytes);
      break;
    }
    case MemoryForm::shadow:
      gl.BufferSubData(GL_COPY_WRITE_BUFFER, offset, bytes,
                       static_cast<const char*>(shadow_.data()) + stretch.offset);
      stats_->add(Counter::cpu_copied_bytes, stretch.bytes);
      break;
  }
  gl.BindBuffer(GL_COPY_WRITE_BUFFER, 0);
}

void GlMemory::download_piece(const GladGLContext& gl, Stretch stretch) noexcept {
  const auto offset = static_cast<GLintptr>(base() + stretch.offset);
  const auto bytes = static_cast<GLsizeiptr>(stretch.bytes);
  gl.BindBuffer(GL_COPY_READ_BUFFER, name());
  if (form_ == MemoryForm::window) {
    const auto target = static_cast<GLintptr>(window_.offset + stretch.offset);
    gl.BindBuffer(GL_COPY_WRITE_BUFFER, window_.name());
    gl.CopyBufferSubData(GL_COPY_READ_BUFFER, GL_COPY_WRITE_BUFFER, offset, target, bytes);
    gl.BindBuffer(GL_COPY_WRITE_BUFFER, 0);
    stats_->add(Counter::gpu_copied_bytes, stretch.bytes);
  } else {
    gl.GetBufferSubData(GL_COPY_READ_BUFFER, offset, bytes,
                        static_cast<char*>(shadow_.data()) + stretch.offset);
    stats_->add(Counter::cpu_copied_bytes, stretch.bytes);
  }
  gl.BindBuffer(GL_COPY_READ_BUFFER, 0);
}

}  // namespace sporkle::gl
