#include "backends/gl/buffer_object.h"

#include <sys/sysinfo.h>

#include <cinttypes>

namespace sporkle::gl {

namespace {

constexpr uintptr_t map_alignment = 64;

// Whether there cannot be as much memory. Drivers that allocate on first use take any size:
// NVIDIA 580 on an H100 gave, and mapped, 16 TiB. Swap counts: what software drivers allocate,
// and what drivers move out of video memory, may go there.
bool beyond_memory(const GlContext& context, BufferKind kind, uint64_t bytes) noexcept {
  constexpr uint64_t always_tried = uint64_t{1} << 30;
  if (bytes <= always_tried) return false;
  struct sysinfo memory;
  if (sysinfo(&memory) != 0) return false;
  uint64_t most = (uint64_t{memory.totalram} + memory.totalswap) * memory.mem_unit;
  if (kind == BufferKind::local && !context.facts().software) {
    // GL_GPU_MEMORY_INFO_DEDICATED_VIDMEM_NVX of NVX_gpu_memory_info, in KiB; who does not
    // know it may have a terabyte.
    constexpr GLenum dedicated = 0x9047;
    GLint kibibytes = 0;
    if (context.facts().limits.vendor == Vendor::nvidia) {
      context.gl().GetIntegerv(dedicated, &kibibytes);
      clear_gl_errors(context.gl());
    }
    most += kibibytes > 0 ? static_cast<uint64_t>(kibibytes) << 10 : uint64_t{1} << 40;
  }
  return bytes > most;
}

// False when the driver has no memory or refuses the flags.
bool allocate(const GladGLContext& gl, bool storage, const MapChoice& choice, bool coherent,
              BufferObject* out) noexcept {
  const auto bytes = static_cast<GLsizeiptr>(out->size);
  gl.GenBuffers(1, &out->name);
  gl.BindBuffer(GL_COPY_WRITE_BUFFER, out->name);
  if (!storage) {
    gl.BufferData(GL_COPY_WRITE_BUFFER, bytes, nullptr, GL_DYNAMIC_COPY);
    return gl.GetError() == GL_NO_ERROR;
  }
  if (out->kind == BufferKind::local) {
    gl.BufferStorage(GL_COPY_WRITE_BUFFER, bytes, nullptr, 0);
    return gl.GetError() == GL_NO_ERROR;
  }
  const GLbitfield access = (choice.read ? GL_MAP_READ_BIT : 0u) |
                            (choice.write ? GL_MAP_WRITE_BIT : 0u) | GL_MAP_PERSISTENT_BIT |
                            (coherent ? GL_MAP_COHERENT_BIT : 0u);
  gl.BufferStorage(GL_COPY_WRITE_BUFFER, bytes, nullptr,
                   access | (choice.client_storage ? GL_CLIENT_STORAGE_BIT : 0u));
  if (gl.GetError() != GL_NO_ERROR) return false;
  out->map = gl.MapBufferRange(GL_COPY_WRITE_BUFFER, 0, bytes,
                               access | (coherent || !choice.write
                                             ? 0u
                                             : GL_MAP_FLUSH_EXPLICIT_BIT));
  out->coherent = coherent;
  return out->map != nullptr && gl.GetError() == GL_NO_ERROR &&
         reinterpret_cast<uintptr_t>(out->map) % map_alignment == 0;
}

}  // namespace

void clear_gl_errors(const GladGLContext& gl) noexcept {
  // A lost context may report an error for ever.
  for (int i = 0; i < 16 && gl.GetError() != GL_NO_ERROR; ++i) {
  }
}

const char* buffer_kind_name(BufferKind kind) noexcept {
  switch (kind) {
    case BufferKind::upload: return "upload";
    case BufferKind::readback: return "readback";
    case BufferKind::shared: return "shared";
    case BufferKind::local: break;
  }
  return "local";
}

bool mapping_works(const GlContext& context, const OpenRules& rules) noexcept try {
  BufferObject object;
  create_buffer_object(context, rules, BufferKind::shared, MapChoice{}, map_alignment, &object);
  context.gl().DeleteBuffers(1, &object.name);
  return true;
} catch (const Error&) {
  return false;
}

Status status_of_gl_error(GLenum error) noexcept {
  switch (error) {
    case GL_NO_ERROR: return SPORKLE_OK;
    case GL_OUT_OF_MEMORY: return SPORKLE_ERROR_OUT_OF_MEMORY;
    case GL_CONTEXT_LOST: return SPORKLE_ERROR_DEVICE_LOST;
    default: return SPORKLE_ERROR_OPERATION_FAILED;
  }
}

void refuse_beyond_memory(const GlContext& context, BufferKind kind, uint64_t bytes) {
  if (bytes > static_cast<uint64_t>(INT64_MAX) - map_alignment) {
    fail(SPORKLE_ERROR_OUT_OF_MEMORY, "size: %" PRIu64 " bytes are beyond OpenGL", bytes);
  }
  if (beyond_memory(context, kind, bytes)) {
    fail(SPORKLE_ERROR_OUT_OF_MEMORY, "size: %" PRIu64 " bytes are more than this machine has",
         bytes);
  }
}

void create_buffer_object(const GlContext& context, const OpenRules& rules, BufferKind kind,
                          const MapChoice& choice, uint64_t bytes, BufferObject* out) {
  const GladGLContext& gl = context.gl();
  clear_gl_errors(gl);
  const bool storage = context.facts().buffer_storage;
  *out = BufferObject{};
  for (const bool coherent : {true, false}) {
    if (coherent && rules.without_coherent) continue;
    BufferObject object;
    object.kind = kind;
    object.size = (bytes + map_alignment - 1) / map_alignment * map_alignment;
    const bool made = allocate(gl, storage, choice, coherent, &object);
    gl.BindBuffer(GL_COPY_WRITE_BUFFER, 0);
    if (!made) gl.DeleteBuffers(1, &object.name);
    clear_gl_errors(gl);
    context.checkpoint();
    if (made) {
      *out = object;
      return;
    }
    if (kind == BufferKind::local || !storage) break;
  }
  fail(SPORKLE_ERROR_OUT_OF_MEMORY,
       "size: the OpenGL driver has no memory for a buffer of %" PRIu64 " bytes", bytes);
}

}  // namespace sporkle::gl
