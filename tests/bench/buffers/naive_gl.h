// The program to compare with: OpenGL as a first attempt uses it. One thread,
// BufferSubData, dispatch, glFinish, GetBufferSubData; a kernel with one
// invocation per output. Also raw transfers in the three forms of placement.
#pragma once

#include "backends/gl/gl_context.h"
#include "buffers/records.h"
#include "sporkle.h"

namespace buffers {

class NaiveGl {
 public:
  // A context of its own on the device whose renderer is `name`.
  bool open(const char* name, std::string* reason);
  const GladGLContext& gl() const { return context_.gl(); }
  const sporkle::gl::GlContext& context() const { return context_; }
  bool storage() const { return context_.facts().buffer_storage; }

  void prepare(const sporkle_conv2d_desc& desc, const float* weights);
  void run(const float* input, float* output);
  void drop();

  // y = 2 x + 1 over `bytes`; every word is verified.
  void transfers(uint64_t bytes, Records* records);
  // 4 KiB: BufferSubData, and map, write, unmap.
  void updates(Records* records);

  // A buffer, mapped for its whole life when `map` is given.
  GLuint make(uint64_t bytes, GLbitfield flags, void** map);

 private:
  void scale(GLuint from, GLuint to, uint64_t bytes);
  void wait();

  sporkle::gl::GlContext context_;
  GLuint conv_ = 0, scale_ = 0;
  GLuint input_ = 0, weights_ = 0, output_ = 0;
  uint64_t input_bytes_ = 0, output_bytes_ = 0;
  GLuint groups_[3] = {};
};

}  // namespace buffers
