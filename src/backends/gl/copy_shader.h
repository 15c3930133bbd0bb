// Copies between buffer objects by a few workgroups of a compute shader.
// glCopyBufferSubData waits for the kernels before it and holds up those behind;
// this runs beside them as long as no barrier lies between (892 us per operation
// with 3.2 MB in and out instead of 1034, 891 of them the kernels'; an H100).
#pragma once

#include "backends/gl/dispatch.h"

namespace sporkle::gl {

class CopyShader {
 public:
  // Compiles at the first call.
  bool works(const GlContext& context) noexcept;
  void destroy(const GladGLContext& gl) noexcept;
  void forget() noexcept { *this = CopyShader(); }

  // What it can copy: whole vectors from and to offsets that can be bound.
  static bool takes(const Limits& limits, uint64_t from, uint64_t to, uint64_t bytes) noexcept;
  // To the device, or to where the CPU reads.
  enum class Way : uint8_t { up, down };
  // As few workgroups as copy that much in half of `ns` beside a kernel.
  static GLuint groups_for(Way way, uint64_t bytes, uint64_t ns) noexcept;
  void copy(const GladGLContext& gl, BoundState& bound, const TensorPlace& from,
            const TensorPlace& to, uint64_t bytes, GLuint groups) const noexcept;
  // A dispatch that does nothing.
  void idle(const GladGLContext& gl, BoundState& bound) const noexcept;

 private:
  GLuint program_ = 0;
  bool failed_ = false;
};

}  // namespace sporkle::gl
