#include "backends/gl/completion_hint.h"

#include <new>

#include "backends/gl/program_cache.h"
#include "backends/gl/self_test.h"

namespace sporkle::gl {

namespace {

constexpr const char* source = R"(#version 430
layout(local_size_x = 1) in;
layout(std430, binding = 0) coherent writeonly buffer Word { uint word; };
layout(location = 0) uniform uint serial;
void main() { word = serial; }
)";

constexpr uint32_t test_serial = 0x7ffffff0u;
constexpr uint64_t patience_ns = 2000000000u;

}  // namespace

bool CompletionHint::create(const GlContext& context, const OpenRules& rules) noexcept {
  if (!context.facts().buffer_storage) return true;
  const GladGLContext& gl = context.gl();
  try {
    create_buffer_object(context, rules, BufferKind::shared, MapChoice{}, 64, &buffer_);
    program_ = compile_program(gl, source, "completion word");
  } catch (const Error&) {
    destroy(gl);
    return true;
  }
  word_ = static_cast<uint32_t*>(buffer_.map);
  const bool coherent = buffer_.coherent;
  if (coherent && works(gl)) return true;
  destroy(gl);
  return !coherent;
}

bool CompletionHint::works(const GladGLContext& gl) const noexcept {
  __atomic_store_n(word_, 0, __ATOMIC_RELEASE);
  signal(gl, test_serial);
  const GLsync sync = gl.FenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
  const bool ended = sync != nullptr && wait_sync(gl, sync, patience_ns);
  gl.DeleteSync(sync);
  const bool seen = ended && __atomic_load_n(word_, __ATOMIC_ACQUIRE) == test_serial;
  __atomic_store_n(word_, 0, __ATOMIC_RELEASE);
  return seen && gl.GetError() == GL_NO_ERROR;
}

void CompletionHint::destroy(const GladGLContext& gl) noexcept {
  if (program_ != 0) gl.DeleteProgram(program_);
  if (buffer_.name != 0) gl.DeleteBuffers(1, &buffer_.name);
  forget();
}

void CompletionHint::signal(const GladGLContext& gl, uint32_t serial) const noexcept {
  gl.MemoryBarrier(GL_SHADER_STORAGE_BARRIER_BIT | GL_CLIENT_MAPPED_BUFFER_BARRIER_BIT |
                   GL_BUFFER_UPDATE_BARRIER_BIT);
  gl.UseProgram(program_);
  gl.Uniform1ui(0, serial);
  gl.BindBufferRange(GL_SHADER_STORAGE_BUFFER, 0, buffer_.name, 0, 64);
  gl.DispatchCompute(1, 1, 1);
}

}  // namespace sporkle::gl
