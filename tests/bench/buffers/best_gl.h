// What raw OpenGL does at best with the library's own kernel: one thread, persistent
// maps, one dispatch, one sync object polled without sleeping. The limit of a
// synchronous call on one thread, and what the kernel's part of the naive program is.
#pragma once

#include "buffers/naive_gl.h"

namespace buffers {

class BestGl {
 public:
  // `algorithm`: of a plan on the same device. The context of `naive` is used. Throws
  // std::runtime_error.
  BestGl(NaiveGl* naive, const sporkle_conv2d_desc& desc, const float* weights,
         const char* algorithm);
  BestGl(const BestGl&) = delete;
  BestGl& operator=(const BestGl&) = delete;
  ~BestGl();

  // The kernel reads and writes mapped memory.
  void run_mapped(const float* input, float* output);
  // The GPU copies between mapped and local memory, before and after the kernel.
  void run_copies(const float* input, float* output);
  // As the naive program: BufferSubData, dispatch, glFinish, GetBufferSubData.
  void run_naively(const float* input, float* output);

 private:
  GLuint pack(const sporkle::ConvProblem& problem, const float* weights);
  void dispatch(GLuint input, GLuint output);
  void copy(GLuint from, GLuint to, uint64_t bytes);
  void spin();

  NaiveGl* naive_;
  sporkle::gl::Recipe recipe_;
  std::vector<GLuint> programs_;
  uint64_t input_bytes_ = 0, output_bytes_ = 0;
  void *in_ = nullptr, *out_ = nullptr;
  GLuint mapped_in_ = 0, mapped_out_ = 0, local_in_ = 0, local_out_ = 0;
  GLuint packed_ = 0, workspace_ = 0;
};

}  // namespace buffers
