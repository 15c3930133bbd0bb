// What is bound in the context, so that a stream of like operations emits only
// what differs. Whoever else binds, or deletes what may be bound, resets it: a
// name can come back with other storage behind it.
#pragma once

#include <cstring>
#include <glad/gl.h>

#include "backends/gl/kernels/recipe.h"

namespace sporkle::gl {

class BoundState {
 public:
  // Nothing is known any more.
  void reset() noexcept { *this = BoundState(); }
  bool known() const noexcept { return program_ != 0; }

  void use(const GladGLContext& gl, GLuint program, const uint32_t (&args)[arg_count]) noexcept {
    const bool same_program = program_ == program;
    if (!same_program) gl.UseProgram(program);
    if (!same_program || std::memcmp(args_, args, sizeof args_) != 0) {
      gl.Uniform4uiv(0, arg_count / 4, args);
      std::memcpy(args_, args, sizeof args_);
    }
    program_ = program;
  }

  void bind(const GladGLContext& gl, uint32_t slot, GLuint buffer, uint64_t offset,
            uint64_t bytes) noexcept {
    if (slot < max_bindings) {
      Range& range = ranges_[slot];
      if (range.buffer == buffer && range.offset == offset && range.bytes == bytes) return;
      range = {buffer, offset, bytes};
    }
    gl.BindBufferRange(GL_SHADER_STORAGE_BUFFER, slot, buffer, static_cast<GLintptr>(offset),
                       static_cast<GLsizeiptr>(bytes));
  }

 private:
  struct Range {
    GLuint buffer = 0;
    uint64_t offset = 0, bytes = 0;
  };

  GLuint program_ = 0;
  uint32_t args_[arg_count] = {};
  Range ranges_[max_bindings];
};

}  // namespace sporkle::gl
