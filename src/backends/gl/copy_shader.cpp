#include "backends/gl/copy_shader.h"

#include <algorithm>

#include "backends/gl/gl_memory.h"
#include "backends/gl/program_cache.h"

namespace sporkle::gl {

namespace {

constexpr const char* source = R"(#version 430
layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer From { uvec4 from[]; };
layout(std430, binding = 1) writeonly buffer To { uvec4 to[]; };
layout(location = 0) uniform uvec4 args[2];
void main() {
  uint step = gl_NumWorkGroups.x * 64u, count = args[0].x, i = gl_GlobalInvocationID.x;
  for (; i + 7u * step < count; i += 8u * step) {
    uvec4 a = from[i], b = from[i + step], c = from[i + 2u * step], d = from[i + 3u * step];
    uvec4 e = from[i + 4u * step], f = from[i + 5u * step], g = from[i + 6u * step];
    uvec4 h = from[i + 7u * step];
    to[i] = a;
    to[i + step] = b;
    to[i + 2u * step] = c;
    to[i + 3u * step] = d;
    to[i + 4u * step] = e;
    to[i + 5u * step] = f;
    to[i + 6u * step] = g;
    to[i + 7u * step] = h;
  }
  for (; i < count; i += step) to[i] = from[i];
}
)";

constexpr uint64_t vector_bytes = 16;

// Bytes per microsecond that one workgroup moves over the link beside a kernel, and
// how many leave the kernel alone: 8 up and 2 down take 1 us of 891 with 3.2 MB each
// way, 8 each 9 us, 32 larger ones 43 us (H100). Stores over the link hold up the kernel's.
struct Lanes {
  uint64_t rate, least, most;
};
constexpr Lanes up_lanes = {4500, 8, 16}, down_lanes = {10000, 2, 8};

}  // namespace

bool CopyShader::works(const GlContext& context) noexcept {
  if (program_ != 0 || failed_) return program_ != 0;
  try {
    program_ = compile_program(context.gl(), source, "copy");
  } catch (const Error&) {
  }
  failed_ = program_ == 0;
  context.checkpoint();
  return program_ != 0;
}

void CopyShader::destroy(const GladGLContext& gl) noexcept {
  if (program_ != 0) gl.DeleteProgram(program_);
  forget();
}

bool CopyShader::takes(const Limits& limits, uint64_t from, uint64_t to,
                       uint64_t bytes) noexcept {
  return (from | to) % limits.offset_alignment == 0 && bytes % vector_bytes == 0 &&
         bytes <= limits.max_block_bytes && bytes <= copy_limit;
}

GLuint CopyShader::groups_for(Way way, uint64_t bytes, uint64_t ns) noexcept {
  const Lanes& lanes = way == Way::up ? up_lanes : down_lanes;
  const uint64_t each = std::max<uint64_t>(lanes.rate * (ns / 2000), 1);
  return static_cast<GLuint>(std::clamp(bytes / each + 1, lanes.least, lanes.most));
}

void CopyShader::copy(const GladGLContext& gl, BoundState& bound, const TensorPlace& from,
                      const TensorPlace& to, uint64_t bytes, GLuint groups) const noexcept {
  const uint32_t args[arg_count] = {static_cast<uint32_t>(bytes / vector_bytes)};
  bound.use(gl, program_, args);
  bound.bind(gl, 0, from.name, from.offset, bytes);
  bound.bind(gl, 1, to.name, to.offset, bytes);
  gl.DispatchCompute(groups, 1, 1);
}

void CopyShader::idle(const GladGLContext& gl, BoundState& bound) const noexcept {
  const uint32_t args[arg_count] = {};
  bound.use(gl, program_, args);
  gl.DispatchCompute(1, 1, 1);
}

}  // namespace sporkle::gl
