// Buffers and programs in the caller's context.
#include <algorithm>
#include <cinttypes>
#include <cstring>
#include <string>

#include "backends/gl/interop.h"
#include "backends/gl/program_cache.h"

namespace sporkle::gl {

namespace {

// Binds a buffer for the length of a call and puts the caller's back.
class Bound {
 public:
  Bound(const GladGLContext& gl, GLuint name) : gl_(gl) {
    GLint before = 0;
    gl.GetIntegerv(GL_COPY_WRITE_BUFFER_BINDING, &before);
    before_ = static_cast<GLuint>(before);
    clear_gl_errors(gl);
    gl.BindBuffer(GL_COPY_WRITE_BUFFER, name);
  }
  Bound(const Bound&) = delete;
  Bound& operator=(const Bound&) = delete;
  ~Bound() { gl_.BindBuffer(GL_COPY_WRITE_BUFFER, before_); }

 private:
  const GladGLContext& gl_;
  GLuint before_ = 0;
};

void check_errors(const GladGLContext& gl, const char* argument) {
  switch (const GLenum error = gl.GetError()) {
    case GL_NO_ERROR: return;
    case GL_OUT_OF_MEMORY: fail(SPORKLE_ERROR_OUT_OF_MEMORY, "%s: the driver has no memory", argument);
    case GL_CONTEXT_LOST: fail(SPORKLE_ERROR_DEVICE_LOST, "%s: the context is lost", argument);
    case GL_INVALID_OPERATION:
      fail(SPORKLE_ERROR_UNSUPPORTED, "%s: its storage does not allow that", argument);
    default:
      fail(SPORKLE_ERROR_OPERATION_FAILED, "%s: OpenGL error 0x%04x", argument,
           static_cast<unsigned>(error));
  }
}

uint64_t bound_size(const GladGLContext& gl) noexcept {
  GLint64 size = 0;
  gl.GetBufferParameteri64v(GL_COPY_WRITE_BUFFER, GL_BUFFER_SIZE, &size);
  return static_cast<uint64_t>(std::max<GLint64>(size, 0));
}

bool linked(const GladGLContext& gl, GLuint program) noexcept {
  GLint good = GL_FALSE;
  gl.GetProgramiv(program, GL_LINK_STATUS, &good);
  return good == GL_TRUE;
}

}  // namespace

const GladGLContext& Interop::checked_buffer(uint32_t name, uint64_t offset, uint64_t size) {
  const GladGLContext& gl = entered();
  if (gl.IsBuffer(name) != GL_TRUE) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "name: %u is no buffer object", name);
  }
  const Bound bound(gl, name);
  const uint64_t have = bound_size(gl);
  if (offset > have || size > have - offset) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT,
         "offset: %" PRIu64 " with %" PRIu64 " bytes is outside of the %" PRIu64 " of the buffer",
         offset, size, have);
  }
  return gl;
}

uint32_t Interop::create_buffer(uint64_t size, const void* data) {
  const GladGLContext& gl = entered();
  if (size > static_cast<uint64_t>(INT64_MAX)) {
    fail(SPORKLE_ERROR_OUT_OF_MEMORY, "size: %" PRIu64 " bytes are beyond OpenGL", size);
  }
  GLuint name = 0;
  gl.GenBuffers(1, &name);
  try {
    const Bound bound(gl, name);
    // Not immutable: the caller's own commands may size it anew.
    gl.BufferData(GL_COPY_WRITE_BUFFER, static_cast<GLsizeiptr>(size),
                  size <= copy_limit ? data : nullptr, GL_DYNAMIC_COPY);
    check_errors(gl, "size");
    if (bound_size(gl) != size) fail(SPORKLE_ERROR_OUT_OF_MEMORY, "size: the driver has no memory");
    if (data != nullptr && size > copy_limit) write_buffer(name, 0, size, data);
  } catch (...) {
    gl.DeleteBuffers(1, &name);
    throw;
  }
  return name;
}

void Interop::delete_buffer(uint32_t name) {
  const GladGLContext& gl = checked_buffer(name, 0, 0);
  gl.DeleteBuffers(1, &name);
}

void Interop::write_buffer(uint32_t name, uint64_t offset, uint64_t size, const void* data) {
  const GladGLContext& gl = checked_buffer(name, offset, size);
  const Bound bound(gl, name);
  in_pieces({offset, size}, [&](Stretch piece) {
    gl.BufferSubData(GL_COPY_WRITE_BUFFER, static_cast<GLintptr>(piece.offset),
                     static_cast<GLsizeiptr>(piece.bytes),
                     static_cast<const char*>(data) + (piece.offset - offset));
  });
  check_errors(gl, "name");
}

void Interop::read_buffer(uint32_t name, uint64_t offset, uint64_t size, void* data) {
  const GladGLContext& gl = checked_buffer(name, offset, size);
  const Bound bound(gl, name);
  gl.MemoryBarrier(GL_BUFFER_UPDATE_BARRIER_BIT);
  in_pieces({offset, size}, [&](Stretch piece) {
    gl.GetBufferSubData(GL_COPY_WRITE_BUFFER, static_cast<GLintptr>(piece.offset),
                        static_cast<GLsizeiptr>(piece.bytes),
                        static_cast<char*>(data) + (piece.offset - offset));
  });
  check_errors(gl, "name");
}

void Interop::bind_buffer(uint32_t binding, uint32_t name) {
  const GladGLContext& gl = name == 0 ? entered() : checked_buffer(name, 0, 0);
  GLint limit = 0;
  gl.GetIntegerv(GL_MAX_SHADER_STORAGE_BUFFER_BINDINGS, &limit);
  if (binding >= static_cast<uint32_t>(limit)) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "binding: %u, but the driver has %d", binding, limit);
  }
  gl.BindBufferBase(GL_SHADER_STORAGE_BUFFER, binding, name);
}

const GladGLContext& Interop::checked_program(uint32_t program) {
  const GladGLContext& gl = entered();
  if (gl.IsProgram(program) != GL_TRUE) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "program: %u is no program object", program);
  }
  return gl;
}

uint32_t Interop::create_program(const char* source, uint64_t length) {
  const GladGLContext& gl = entered();
  if (std::memchr(source, '\0', length) != nullptr) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "length: the source has a NUL inside");
  }
  const std::pmr::string text(source, length, memory_);
  try {
    return compile_program(gl, text.c_str(), "source");
  } catch (const Error& error) {
    fail(error.status, "source: %s", error.reason.text);
  }
}

void Interop::delete_program(uint32_t program) {
  checked_program(program).DeleteProgram(program);
}

void Interop::save_program(uint32_t program, void* data, uint64_t capacity,
                           GlProgramBinary* out) {
  const GladGLContext& gl = checked_program(program);
  GLint formats = 0, size = 0;
  gl.GetIntegerv(GL_NUM_PROGRAM_BINARY_FORMATS, &formats);
  if (linked(gl, program)) gl.GetProgramiv(program, GL_PROGRAM_BINARY_LENGTH, &size);
  if (formats <= 0 || size <= 0) {
    fail(SPORKLE_ERROR_UNSUPPORTED, "program: the driver has no binary of it");
  }
  out->size = static_cast<uint64_t>(size);
  if (data == nullptr) return;
  if (capacity < out->size) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "capacity: %" PRIu64 ", but the binary has %d bytes",
         capacity, size);
  }
  clear_gl_errors(gl);
  GLsizei written = 0;
  GLenum format = 0;
  gl.GetProgramBinary(program, size, &written, &format, data);
  check_errors(gl, "program");
  out->size = static_cast<uint64_t>(written);
  out->format = format;
}

uint32_t Interop::load_program(uint32_t format, const void* data, uint64_t size) {
  const GladGLContext& gl = entered();
  if (size > INT32_MAX) fail(SPORKLE_ERROR_INVALID_ARGUMENT, "size: more than a binary can have");
  clear_gl_errors(gl);
  const GLuint program = gl.CreateProgram();
  gl.ProgramBinary(program, format, data, static_cast<GLsizei>(size));
  const bool good = linked(gl, program);
  clear_gl_errors(gl);
  if (good) return program;
  gl.DeleteProgram(program);
  fail(SPORKLE_ERROR_OPERATION_FAILED,
       "data: the driver refuses the binary; it is damaged or another driver's");
}

void Interop::dispatch(uint32_t program, uint32_t x, uint32_t y, uint32_t z) {
  const GladGLContext& gl = checked_program(program);
  if (!linked(gl, program)) fail(SPORKLE_ERROR_INVALID_ARGUMENT, "program: not linked");
  const uint32_t groups[] = {x, y, z};
  for (GLuint i = 0; i < 3; ++i) {
    GLint limit = 0;
    gl.GetIntegeri_v(GL_MAX_COMPUTE_WORK_GROUP_COUNT, i, &limit);
    if (groups[i] == 0 || groups[i] > static_cast<uint32_t>(limit)) {
      fail(SPORKLE_ERROR_INVALID_ARGUMENT, "groups_%c: %u is not in [1, %d]", "xyz"[i], groups[i],
           limit);
    }
  }
  GLint before = 0;
  gl.GetIntegerv(GL_CURRENT_PROGRAM, &before);
  clear_gl_errors(gl);
  gl.UseProgram(program);
  gl.DispatchCompute(x, y, z);
  gl.MemoryBarrier(GL_ALL_BARRIER_BITS);
  gl.UseProgram(static_cast<GLuint>(before));
  check_errors(gl, "program");
}

}  // namespace sporkle::gl
