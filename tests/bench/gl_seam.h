// The one place where a benchmark looks inside the library: kernels of the OpenGL backend
// are timed one by one, which no public call does. Links the backend's objects.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/gl/dispatch.h"
#include "backends/gl/kernels/cost.h"
#include "sporkle.h"

namespace bench {

// Comparison of a whole output with the reference.
struct Match {
  double rel_l2 = 0, max_abs = 0;
  uint64_t wrong = 0;  // not finite, or never written
};

// One OpenGL context on the first hardware device, or on any device with `software`.
class GlSeam {
 public:
  explicit GlSeam(bool software);
  ~GlSeam();
  GlSeam(const GlSeam&) = delete;
  GlSeam& operator=(const GlSeam&) = delete;

  const sporkle::gl::Facts& facts() const { return context_.facts(); }
  const GladGLContext& gl() const { return context_.gl(); }

  GLuint create_buffer(uint64_t bytes, const void* content);
  // Compiles all programs of all recipes at once; a program that fails is 0.
  std::vector<std::vector<GLuint>> compile(const std::vector<sporkle::gl::Recipe>& recipes);
  std::vector<GLuint> compile(const std::pmr::vector<sporkle::gl::Program>& programs);
  // Fills a buffer with NaN.
  void poison(GLuint buffer);
  Match compare(GLuint output, GLuint reference, uint64_t count);

 private:
  std::vector<GLuint> start(const std::pmr::vector<sporkle::gl::Program>& programs);
  void finish(std::vector<GLuint>* programs);

  sporkle::gl::GlContext context_;
  GLuint compare_ = 0, poison_ = 0, partial_ = 0;
};

}  // namespace bench
