#include "gl_seam.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "base/process.h"

using namespace sporkle;
using namespace sporkle::gl;

namespace bench {

namespace {

constexpr uint32_t compare_threads = 65536;

constexpr const char* compare_source = R"(#version 430
layout(local_size_x = 256) in;
layout(location = 0) uniform uint count;
layout(std430, binding = 0) readonly buffer Y { float y[]; };
layout(std430, binding = 1) readonly buffer R { float r[]; };
layout(std430, binding = 2) writeonly buffer P { vec4 partial[]; };
void main() {
  float difference = 0.0, norm = 0.0, largest = 0.0, wrong = 0.0;
  for (uint i = gl_GlobalInvocationID.x; i < count; i += 65536u) {
    if ((floatBitsToUint(y[i]) & 0x7f800000u) == 0x7f800000u) {
      wrong += 1.0;
    } else {
      float d = abs(y[i] - r[i]);
      difference = fma(d, d, difference);
      norm = fma(r[i], r[i], norm);
      largest = max(largest, d);
    }
  }
  partial[gl_GlobalInvocationID.x] = vec4(difference, norm, largest, wrong);
}
)";

// Not glClearBufferData: NVIDIA's driver moves a buffer that is cleared often behind the bus.
constexpr const char* poison_source = R"(#version 430
layout(local_size_x = 256) in;
layout(location = 0) uniform uint count;
layout(std430, binding = 0) writeonly buffer Y { float y[]; };
void main() {
  for (uint i = gl_GlobalInvocationID.x; i < count; i += gl_NumWorkGroups.x * 256u) {
    y[i] = uintBitsToFloat(0x7fc00001u);
  }
}
)";

GLuint start_program(const GladGLContext& gl, const char* source) {
  const GLuint shader = gl.CreateShader(GL_COMPUTE_SHADER);
  gl.ShaderSource(shader, 1, &source, nullptr);
  gl.CompileShader(shader);
  const GLuint program = gl.CreateProgram();
  gl.AttachShader(program, shader);
  gl.LinkProgram(program);
  gl.DeleteShader(shader);
  return program;
}

}  // namespace

GlSeam::GlSeam(bool software) {
  process_enter([]() noexcept {});
  Reason reason;
  const EglFunctions* egl = open_egl_library(&reason);
  if (egl == nullptr) throw std::runtime_error(reason.text);
  EglDevice devices[egl_device_limit];
  const uint32_t count = list_egl_devices(*egl, devices, egl_device_limit, &reason);
  for (uint32_t i = 0; i < count; ++i) {
    if (!context_.open(*egl, devices[i], OpenRules{}, &reason)) continue;
    if (!context_.facts().software || software) break;
    context_.close();
    reason.set("only software devices; --software takes one");
  }
  if (!context_.is_open()) throw std::runtime_error(reason.text);
  compare_ = start_program(gl(), compare_source);
  poison_ = start_program(gl(), poison_source);
  partial_ = create_buffer(compare_threads * 16, nullptr);
}

GlSeam::~GlSeam() { context_.close(); }

GLuint GlSeam::create_buffer(uint64_t bytes, const void* content) {
  GLuint name = 0;
  while (gl().GetError() != GL_NO_ERROR) {
  }
  gl().GenBuffers(1, &name);
  gl().BindBuffer(GL_COPY_WRITE_BUFFER, name);
  gl().BufferData(GL_COPY_WRITE_BUFFER, static_cast<GLsizeiptr>(std::max<uint64_t>(bytes, 16)),
                  nullptr, GL_STATIC_COPY);
  if (content != nullptr) {
    gl().BufferSubData(GL_COPY_WRITE_BUFFER, 0, static_cast<GLsizeiptr>(bytes), content);
  }
  if (gl().GetError() != GL_NO_ERROR) throw std::runtime_error("no memory on the device");
  return name;
}

std::vector<GLuint> GlSeam::start(const std::pmr::vector<Program>& programs) {
  std::vector<GLuint> names;
  std::pmr::string source;
  for (const Program& program : programs) {
    source.clear();
    append_source(program, source);
    names.push_back(start_program(gl(), source.c_str()));
  }
  return names;
}

void GlSeam::finish(std::vector<GLuint>* programs) {
  for (GLuint& program : *programs) {
    GLint good = GL_FALSE;
    gl().GetProgramiv(program, GL_LINK_STATUS, &good);
    if (good == GL_TRUE) continue;
    gl().DeleteProgram(program);
    program = 0;
  }
}

std::vector<GLuint> GlSeam::compile(const std::pmr::vector<Program>& programs) {
  std::vector<GLuint> names = start(programs);
  finish(&names);
  return names;
}

std::vector<std::vector<GLuint>> GlSeam::compile(const std::vector<Recipe>& recipes) {
  std::vector<std::vector<GLuint>> all;
  for (const Recipe& recipe : recipes) all.push_back(start(recipe.programs));
  for (std::vector<GLuint>& programs : all) finish(&programs);
  return all;
}

void GlSeam::poison(GLuint buffer) {
  if (buffer == 0) return;
  GLint64 bytes = 0;
  gl().BindBuffer(GL_COPY_WRITE_BUFFER, buffer);
  gl().GetBufferParameteri64v(GL_COPY_WRITE_BUFFER, GL_BUFFER_SIZE, &bytes);
  gl().UseProgram(poison_);
  gl().Uniform1ui(0, static_cast<GLuint>(bytes / 4));
  gl().BindBufferBase(GL_SHADER_STORAGE_BUFFER, 0, buffer);
  gl().DispatchCompute(8192, 1, 1);
  gl().MemoryBarrier(GL_ALL_BARRIER_BITS);
}

Match GlSeam::compare(GLuint output, GLuint reference, uint64_t count) {
  gl().MemoryBarrier(GL_ALL_BARRIER_BITS);
  gl().UseProgram(compare_);
  gl().Uniform1ui(0, static_cast<GLuint>(count));
  gl().BindBufferBase(GL_SHADER_STORAGE_BUFFER, 0, output);
  gl().BindBufferBase(GL_SHADER_STORAGE_BUFFER, 1, reference);
  gl().BindBufferBase(GL_SHADER_STORAGE_BUFFER, 2, partial_);
  gl().DispatchCompute(compare_threads / 256, 1, 1);
  gl().MemoryBarrier(GL_ALL_BARRIER_BITS);
  std::vector<float> parts(compare_threads * 4);
  gl().BindBuffer(GL_COPY_READ_BUFFER, partial_);
  gl().GetBufferSubData(GL_COPY_READ_BUFFER, 0, static_cast<GLsizeiptr>(parts.size() * 4),
                        parts.data());
  double difference = 0, norm = 0, largest = 0, wrong = 0;
  for (size_t i = 0; i < parts.size(); i += 4) {
    difference += parts[i];
    norm += parts[i + 1];
    largest = std::max<double>(largest, parts[i + 2]);
    wrong += parts[i + 3];
  }
  return {std::sqrt(difference / norm), largest, static_cast<uint64_t>(wrong)};
}

}  // namespace bench
