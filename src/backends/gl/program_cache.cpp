#include "backends/gl/program_cache.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <new>
#include <vector>

#include "backends/gl/buffer_object.h"

namespace sporkle::gl {

namespace {

constexpr const char* store_kind = "glprogram";

// Two independent 64-bit hashes of the source stand for it in the key.
void store_key(const Facts& facts, const std::pmr::string& source, char* out, size_t capacity) {
  uint64_t a = 1469598103934665603u, b = 0x9e3779b97f4a7c15u;
  for (const char c : source) {
    const auto byte = static_cast<unsigned char>(c);
    a = (a ^ byte) * 1099511628211u;                    // FNV-1a
    b = (b + byte) * 0xff51afd7ed558ccdu;               // multiplier of MurmurHash3
    b ^= b >> 32;
  }
  std::snprintf(out, capacity, "%s|%s|%s|%zu|%016" PRIx64 "%016" PRIx64, facts.vendor, facts.name,
                facts.version, source.size(), a, b);
}

// Behind calls that wait for the compiler, whether they throw or not: whoever asked for
// the program may have given the thread up and be gone.
class CheckpointAtEnd {
 public:
  explicit CheckpointAtEnd(const GlContext& context) : context_(context) {}
  CheckpointAtEnd(const CheckpointAtEnd&) = delete;
  CheckpointAtEnd& operator=(const CheckpointAtEnd&) = delete;
  ~CheckpointAtEnd() { context_.checkpoint(); }

 private:
  const GlContext& context_;
};

// The first line of a driver's log, for the text of an error.
void first_line(char* log) noexcept {
  for (char* c = log; *c != '\0'; ++c) {
    if (*c == '\n' || *c == '\r') *c = ' ';
  }
}

}  // namespace

GLuint start_program(const GladGLContext& gl, const char* source, bool keep) noexcept {
  const GLuint shader = gl.CreateShader(GL_COMPUTE_SHADER);
  gl.ShaderSource(shader, 1, &source, nullptr);
  gl.CompileShader(shader);
  const GLuint program = gl.CreateProgram();
  if (keep) gl.ProgramParameteri(program, GL_PROGRAM_BINARY_RETRIEVABLE_HINT, GL_TRUE);
  gl.AttachShader(program, shader);
  gl.LinkProgram(program);
  // Stays alive, with its log, for as long as it is attached.
  gl.DeleteShader(shader);
  return program;
}

// Waits for a program that was started; it is deleted when it did not link.
void finish_program(const GladGLContext& gl, GLuint program, const char* label) {
  GLint good = GL_FALSE;
  gl.GetProgramiv(program, GL_LINK_STATUS, &good);
  GLuint shader = 0;
  GLsizei count = 0;
  gl.GetAttachedShaders(program, 1, &count, &shader);
  if (good == GL_TRUE) {
    if (count != 0) gl.DetachShader(program, shader);
    return;
  }
  char log[200] = {};
  GLint compiled = GL_TRUE;
  if (count != 0) gl.GetShaderiv(shader, GL_COMPILE_STATUS, &compiled);
  if (compiled == GL_TRUE) {
    gl.GetProgramInfoLog(program, sizeof log, nullptr, log);
  } else {
    gl.GetShaderInfoLog(shader, sizeof log, nullptr, log);
  }
  first_line(log);
  gl.DeleteProgram(program);
  fail(SPORKLE_ERROR_OPERATION_FAILED, "shader %s does not %s: %s", label,
       compiled == GL_TRUE ? "link" : "compile", log);
}

GLuint compile_program(const GladGLContext& gl, const char* source, const char* label) {
  clear_gl_errors(gl);
  const GLuint program = start_program(gl, source, false);
  finish_program(gl, program, label);
  return program;
}

// NVIDIA's binaries are assembly text whose machine code is made again at the first
// dispatch (28 to 65 ms each, one after the other), while its own cache on disk serves
// sources in 1 ms, machine code included (driver 580.159.04).
static bool keeps_binaries(const GlContext& context) noexcept {
  return context.facts().limits.vendor != Vendor::nvidia;
}

GLuint ProgramCache::load_binary(const GlContext& context,
                                 const std::pmr::string& source) noexcept try {
  if (store_ == nullptr || !store_->enabled() || !keeps_binaries(context)) return 0;
  char key[512];
  store_key(context.facts(), source, key, sizeof key);
  std::pmr::vector<unsigned char> content(memory_);
  GLenum format = 0;
  if (!store_->get(store_kind, key, &content)) return 0;
  if (content.size() <= sizeof format) {
    store_->blame(store_kind, key, "it holds no program");
    return 0;
  }
  std::memcpy(&format, content.data(), sizeof format);
  const GladGLContext& gl = context.gl();
  const GLuint program = gl.CreateProgram();
  gl.ProgramBinary(program, format, content.data() + sizeof format,
                   static_cast<GLsizei>(content.size() - sizeof format));
  GLint good = GL_FALSE;
  gl.GetProgramiv(program, GL_LINK_STATUS, &good);
  context.checkpoint();
  if (good == GL_TRUE) return program;
  // A driver may refuse its own binary after an update; the source is at hand.
  gl.DeleteProgram(program);
  clear_gl_errors(gl);
  return 0;
} catch (const std::bad_alloc&) {
  return 0;
}

void ProgramCache::save_binary(const GlContext& context, const std::pmr::string& source,
                               GLuint program) noexcept try {
  if (store_ == nullptr || !store_->enabled() || !keeps_binaries(context)) return;
  const GladGLContext& gl = context.gl();
  GLint bytes = 0;
  gl.GetProgramiv(program, GL_PROGRAM_BINARY_LENGTH, &bytes);
  context.checkpoint();
  GLenum format = 0;
  if (bytes <= 0) return;
  std::pmr::vector<unsigned char> content(memory_);
  content.resize(sizeof format + static_cast<size_t>(bytes));
  GLsizei written = 0;
  gl.GetProgramBinary(program, bytes, &written, &format, content.data() + sizeof format);
  const GLenum error = gl.GetError();
  context.checkpoint();
  if (error != GL_NO_ERROR || written <= 0) return;
  std::memcpy(content.data(), &format, sizeof format);
  content.resize(sizeof format + static_cast<size_t>(written));
  char key[512];
  store_key(context.facts(), source, key, sizeof key);
  store_->put(store_kind, key, content);
} catch (const std::bad_alloc&) {
}

ProgramEntry* ProgramCache::find(const std::pmr::string& source) noexcept {
  for (ProgramEntry& entry : entries_) {
    if (entry.name != 0 && entry.source == source) return &entry;
  }
  return nullptr;
}

void ProgramCache::start(const GlContext& context, const std::pmr::string& source) noexcept try {
  if (find(source) != nullptr) return;
  trim(context.gl());
  ProgramEntry& entry = entries_.emplace_front(memory_);
  entry.source = source;
  entry.name = load_binary(context, source);
  if (entry.name != 0) return;
  clear_gl_errors(context.gl());
  const bool keep = store_ != nullptr && store_->enabled() && keeps_binaries(context);
  entry.name = start_program(context.gl(), source.c_str(), keep);
  entry.linking = true;
  context.checkpoint();
} catch (const std::bad_alloc&) {
}

bool ProgramCache::ready(const GlContext& context, const std::pmr::string& source) const noexcept {
  if (!context.gl().KHR_parallel_shader_compile) return true;
  for (const ProgramEntry& entry : entries_) {
    if (entry.name == 0 || !entry.linking || entry.source != source) continue;
    GLint complete = GL_TRUE;
    context.gl().GetProgramiv(entry.name, GL_COMPLETION_STATUS_KHR, &complete);
    context.checkpoint();
    return complete == GL_TRUE;
  }
  return true;
}

void ProgramCache::finish(const GlContext& context, ProgramEntry& entry, const char* label) {
  const CheckpointAtEnd end(context);
  entry.linking = false;
  const GLuint name = entry.name;
  entry.name = 0;  // until it is known to be good
  finish_program(context.gl(), name, label);
  entry.name = name;
  ++compiled_;
  save_binary(context, entry.source, name);
}

ProgramEntry* ProgramCache::acquire(const GlContext& context, const std::pmr::string& source,
                                    const char* label) {
  start(context, source);
  ProgramEntry* entry = find(source);
  if (entry == nullptr) throw std::bad_alloc();
  if (entry->linking) finish(context, *entry, label);
  entry->users.fetch_add(1, std::memory_order_relaxed);
  return entry;
}

void ProgramCache::trim(const GladGLContext& gl) noexcept {
  size_t unused = 0;
  for (auto it = entries_.begin(); it != entries_.end();) {
    // Newest first: the oldest unused ones are beyond the limit.
    const bool idle = it->users.load(std::memory_order_acquire) == 0;
    if (!idle || (it->name != 0 && ++unused <= unused_limit)) {
      ++it;
      continue;
    }
    if (it->name != 0) gl.DeleteProgram(it->name);
    it = entries_.erase(it);
  }
}

void ProgramCache::delete_unused(const GladGLContext& gl) noexcept {
  for (ProgramEntry& entry : entries_) {
    if (entry.name == 0 || entry.users.load(std::memory_order_acquire) != 0) continue;
    gl.DeleteProgram(entry.name);
    entry.name = 0;
  }
}

void ProgramCache::forget_names() noexcept {
  for (ProgramEntry& entry : entries_) entry.name = 0;
}

}  // namespace sporkle::gl
