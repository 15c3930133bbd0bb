#include "backends/gl/self_test.h"

#include "backends/gl/buffer_object.h"
#include "backends/gl/program_cache.h"
#include "base/clock.h"

namespace sporkle::gl {

namespace {

constexpr uint32_t word_count = 4096;

// Uses what the kernels use: two storage blocks, shared memory, a barrier.
constexpr const char* source = R"(#version 430
layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer Input { uint x[]; };
layout(std430, binding = 1) writeonly buffer Output { uint y[]; };
layout(location = 0) uniform uvec4 args[2];
shared uint row[64];
void main() {
  uint i = gl_GlobalInvocationID.x;
  row[gl_LocalInvocationID.x] = x[i] * args[0].x;
  barrier();
  y[i] = row[63u - gl_LocalInvocationID.x] + args[1].w;
}
)";

// The GL objects of one check.
class TestObjects {
 public:
  explicit TestObjects(const GladGLContext& gl) : gl_(gl) {}
  TestObjects(const TestObjects&) = delete;
  TestObjects& operator=(const TestObjects&) = delete;
  ~TestObjects() {
    gl_.UseProgram(0);
    gl_.DeleteProgram(program);
    gl_.DeleteBuffers(2, buffers);
  }

  void create(const uint32_t* words) {
    program = compile_program(gl_, source, "self-test");
    gl_.GenBuffers(2, buffers);
    for (GLuint i = 0; i < 2; ++i) {
      gl_.BindBuffer(GL_COPY_WRITE_BUFFER, buffers[i]);
      gl_.BufferData(GL_COPY_WRITE_BUFFER, word_count * sizeof(uint32_t), words, GL_DYNAMIC_COPY);
      gl_.BindBufferBase(GL_SHADER_STORAGE_BUFFER, i, buffers[i]);
    }
  }

  void dispatch() const noexcept {
    const GLuint args[8] = {2654435761u, 0, 0, 0, 0, 0, 0, 12345u};
    gl_.UseProgram(program);
    gl_.Uniform4uiv(0, 2, args);
    gl_.DispatchCompute(word_count / 64, 1, 1);
    gl_.MemoryBarrier(GL_BUFFER_UPDATE_BARRIER_BIT | GL_SHADER_STORAGE_BARRIER_BIT);
  }

  void read(uint32_t* words) const noexcept {
    gl_.BindBuffer(GL_COPY_READ_BUFFER, buffers[1]);
    gl_.GetBufferSubData(GL_COPY_READ_BUFFER, 0, word_count * sizeof(uint32_t), words);
    gl_.BindBuffer(GL_COPY_READ_BUFFER, 0);
  }

  GLuint program = 0;
  GLuint buffers[2] = {0, 0};

 private:
  const GladGLContext& gl_;
};

uint32_t expected_word(const uint32_t* input, uint32_t i) noexcept {
  return input[i / 64 * 64 + 63 - i % 64] * 2654435761u + 12345u;
}

}  // namespace

bool wait_sync(const GladGLContext& gl, GLsync sync, uint64_t timeout_ns) noexcept {
  const Deadline deadline = Deadline::after(timeout_ns);
  for (;;) {
    const GLenum answer = gl.ClientWaitSync(sync, GL_SYNC_FLUSH_COMMANDS_BIT, 5000000);
    if (answer == GL_ALREADY_SIGNALED || answer == GL_CONDITION_SATISFIED) return true;
    if (answer != GL_TIMEOUT_EXPIRED || deadline.passed()) return false;
  }
}

bool passes_self_test(const GlContext& context, uint64_t patience_ns, Reason* reason) {
  const GladGLContext& gl = context.gl();
  uint32_t input[word_count], output[word_count] = {};
  for (uint32_t i = 0; i < word_count; ++i) input[i] = i * i + 7u;
  TestObjects objects(gl);
  objects.create(input);
  objects.dispatch();
  const GLsync sync = gl.FenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
  const bool ended = sync != nullptr && wait_sync(gl, sync, patience_ns);
  gl.DeleteSync(sync);
  if (!ended) {
    reason->set("self-test: a small dispatch does not end: the driver or the GPU hangs");
    return false;
  }
  objects.read(output);
  const GLenum error = gl.GetError();
  uint32_t wrong = 0;
  for (uint32_t i = 0; i < word_count; ++i) wrong += output[i] != expected_word(input, i);
  if (wrong == 0 && error == GL_NO_ERROR) return true;
  reason->set("self-test: the driver (%.60s) computes nothing or computes wrongly: %u of %u words "
              "differ, OpenGL error 0x%04x", context.facts().name, wrong, word_count, error);
  return false;
}

bool dispatches_synchronously(const GlContext& context) {
  const GladGLContext& gl = context.gl();
  const uint32_t input[word_count] = {};
  TestObjects objects(gl);
  objects.create(input);
  for (int attempt = 0; attempt < 3; ++attempt) {
    for (int i = 0; i < 8; ++i) objects.dispatch();
    const GLsync sync = gl.FenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
    if (sync == nullptr) return false;
    const GLenum answer = gl.ClientWaitSync(sync, 0, 0);
    if (answer == GL_TIMEOUT_EXPIRED) wait_sync(gl, sync, self_test_patience_ns);
    gl.DeleteSync(sync);
    if (answer != GL_ALREADY_SIGNALED) return false;
  }
  return true;
}

}  // namespace sporkle::gl
