#include "backends/gl/copy_shader.h"

#include "backends/gl/gl_memory.h"
#include "backends/gl/program_cache.h"

namespace sporkle::gl {

namespace {

constexpr const char* source = R"(#version 430
layout(local_size_x = 256) in;
layout(std430, binding = 0) readonly buffer From { uvec4 from[]; };
layout(std430, binding = 1) writeonly buffer To { uvec4 to[]; };
layout(location = 0) uniform uvec4 args[2];
void main() {
  uint step = gl_NumWorkGroups.x * 256u;
  for (uint i = gl_GlobalInvocationID.x; i < args[0].x; i += step) to[i] = from[i];
}
)";

// Fills the link both ways; 8 do not, and more take room from the kernel (H100).
constexpr GLuint groups = 32;
constexpr uint64_t vector_bytes = 16;

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

void CopyShader::copy(const GladGLContext& gl, BoundState& bound, const TensorPlace& from,
                      const TensorPlace& to, uint64_t bytes) const noexcept {
  const uint32_t args[arg_count] = {static_cast<uint32_t>(bytes / vector_bytes)};
  bound.use(gl, program_, args);
  bound.bind(gl, 0, from.name, from.offset, bytes);
  bound.bind(gl, 1, to.name, to.offset, bytes);
  gl.DispatchCompute(groups, 1, 1);
}

}  // namespace sporkle::gl
