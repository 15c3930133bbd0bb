#include "backends/gl/functions.h"

namespace sporkle::gl {

const char* missing_function(const GladGLContext& gl) noexcept {
#define SPORKLE_FUNCTION(name) {"gl" #name, reinterpret_cast<GLADapiproc>(gl.name)}
  const struct {
    const char* name;
    GLADapiproc function;
  } needed[] = {
      SPORKLE_FUNCTION(AttachShader), SPORKLE_FUNCTION(BindBuffer),
      SPORKLE_FUNCTION(BindBufferBase), SPORKLE_FUNCTION(BindBufferRange),
      SPORKLE_FUNCTION(BufferData), SPORKLE_FUNCTION(BufferSubData),
      SPORKLE_FUNCTION(ClientWaitSync), SPORKLE_FUNCTION(CompileShader),
      SPORKLE_FUNCTION(CopyBufferSubData), SPORKLE_FUNCTION(CreateProgram),
      SPORKLE_FUNCTION(CreateShader), SPORKLE_FUNCTION(DeleteBuffers),
      SPORKLE_FUNCTION(DeleteProgram), SPORKLE_FUNCTION(DeleteQueries),
      SPORKLE_FUNCTION(DeleteShader), SPORKLE_FUNCTION(DeleteSync),
      SPORKLE_FUNCTION(DetachShader), SPORKLE_FUNCTION(DispatchCompute),
      SPORKLE_FUNCTION(FenceSync), SPORKLE_FUNCTION(Flush),
      SPORKLE_FUNCTION(GenBuffers), SPORKLE_FUNCTION(GenQueries),
      SPORKLE_FUNCTION(GetBufferSubData), SPORKLE_FUNCTION(GetError),
      SPORKLE_FUNCTION(GetInteger64v), SPORKLE_FUNCTION(GetIntegeri_v),
      SPORKLE_FUNCTION(GetIntegerv), SPORKLE_FUNCTION(GetProgramBinary),
      SPORKLE_FUNCTION(GetProgramInfoLog), SPORKLE_FUNCTION(GetProgramiv),
      SPORKLE_FUNCTION(GetQueryObjectui64v), SPORKLE_FUNCTION(GetShaderInfoLog),
      SPORKLE_FUNCTION(GetShaderiv), SPORKLE_FUNCTION(GetString),
      SPORKLE_FUNCTION(LinkProgram), SPORKLE_FUNCTION(MemoryBarrier),
      SPORKLE_FUNCTION(ProgramBinary), SPORKLE_FUNCTION(ProgramParameteri),
      SPORKLE_FUNCTION(QueryCounter), SPORKLE_FUNCTION(ShaderSource),
      SPORKLE_FUNCTION(Uniform1ui), SPORKLE_FUNCTION(Uniform4uiv),
      SPORKLE_FUNCTION(UseProgram), SPORKLE_FUNCTION(ClearBufferData),
      SPORKLE_FUNCTION(GetAttachedShaders), SPORKLE_FUNCTION(GetBufferParameteri64v),
      SPORKLE_FUNCTION(IsBuffer), SPORKLE_FUNCTION(IsProgram),
      SPORKLE_FUNCTION(WaitSync),
  };
#undef SPORKLE_FUNCTION
  for (const auto& entry : needed) {
    if (entry.function == nullptr) return entry.name;
  }
  return nullptr;
}

bool can_map(const GladGLContext& gl) noexcept {
  return (gl.VERSION_4_4 || gl.ARB_buffer_storage) && gl.BufferStorage != nullptr &&
         gl.MapBufferRange != nullptr && gl.FlushMappedBufferRange != nullptr;
}

}  // namespace sporkle::gl
