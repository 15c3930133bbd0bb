// A word in persistently mapped memory that the GPU writes behind a batch:
// polling it costs one load. It is only a hint; the batch's sync object is the
// proof.
#pragma once

#include "backends/gl/buffer_object.h"

namespace sporkle::gl {

class CompletionHint {
 public:
  // Leaves the hint disabled when the driver cannot do it reliably. False when the
  // word was not there although the sync object had signalled.
  bool create(const GlContext& context, const OpenRules& rules) noexcept;
  void destroy(const GladGLContext& gl) noexcept;
  void forget() noexcept { *this = CompletionHint(); }

  bool enabled() const noexcept { return word_ != nullptr; }

  // Writes `serial` behind everything submitted so far. A full barrier between
  // dispatches is part of it.
  void signal(const GladGLContext& gl, uint32_t serial) const noexcept;

  // Whether the word has reached `serial`; only when enabled.
  bool reached(uint32_t serial) const noexcept {
    const uint32_t now = __atomic_load_n(word_, __ATOMIC_ACQUIRE);
    return static_cast<int32_t>(now - serial) >= 0;
  }

 private:
  bool works(const GladGLContext& gl) const noexcept;

  BufferObject buffer_;
  GLuint program_ = 0;
  uint32_t* word_ = nullptr;
};

}  // namespace sporkle::gl
