#include "raw_gl.h"

#include <algorithm>
#include <cstring>
#include <ctime>
#include <dlfcn.h>
#include <glad/egl.h>
#include <vector>

namespace fences {

namespace {

constexpr const char* source = R"(#version 430
layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer Input { uint x[]; };
layout(std430, binding = 1) writeonly buffer Output { uint y[]; };
layout(location = 0) uniform uint rounds;
void main() {
  uint i = gl_GlobalInvocationID.x;
  uint v = x[i];
  for (uint r = 0u; r < rounds; ++r) v = v * 1664525u + 1013904223u;
  y[i] = v;
}
)";

EGLDisplay open_display(void* device) {
  if (device != nullptr) {
    return eglGetPlatformDisplayEXT(EGL_PLATFORM_DEVICE_EXT, device, nullptr);
  }
  return eglGetPlatformDisplayEXT(EGL_PLATFORM_SURFACELESS_MESA, nullptr, nullptr);
}

}  // namespace

bool RawGl::open(const std::string& renderer, std::string* reason) {
  library_ = dlopen("libEGL.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library_ == nullptr) {
    *reason = "no libEGL.so.1";
    return false;
  }
  const auto find = reinterpret_cast<GLADapiproc (*)(const char*)>(
      dlsym(library_, "eglGetProcAddress"));
  if (find == nullptr || gladLoadEGL(nullptr, find) == 0) {
    *reason = "libEGL.so.1 is incomplete";
    return false;
  }
  EGLDeviceEXT devices[32];
  EGLint count = 0;
  if (eglQueryDevicesEXT == nullptr || eglQueryDevicesEXT(32, devices, &count) != EGL_TRUE) {
    count = 1;
    devices[0] = nullptr;
  }
  *reason = "no EGL device has the renderer " + renderer;
  for (EGLint i = 0; i < count; ++i) {
    if (!make_context(devices[i], reason)) continue;
    const char* name = reinterpret_cast<const char*>(gl_.GetString(GL_RENDERER));
    if (name != nullptr && renderer == name) return make_objects(reason);
    eglMakeCurrent(display_, EGL_NO_SURFACE, EGL_NO_SURFACE, EGL_NO_CONTEXT);
    eglDestroyContext(display_, context_);
    context_ = nullptr;
  }
  return false;
}

bool RawGl::make_context(void* device, std::string* reason) {
  display_ = open_display(device);
  EGLint major = 0, minor = 0;
  if (display_ == EGL_NO_DISPLAY || eglInitialize(display_, &major, &minor) != EGL_TRUE) {
    *reason = "eglInitialize failed";
    return false;
  }
  // gladLoadEGL without a display knows no display extensions or versions.
  gladLoadEGL(display_, reinterpret_cast<GLADapiproc (*)(const char*)>(
                            dlsym(library_, "eglGetProcAddress")));
  eglBindAPI(EGL_OPENGL_API);
  const EGLint attributes[] = {EGL_CONTEXT_MAJOR_VERSION, 4, EGL_CONTEXT_MINOR_VERSION, 5,
                               EGL_CONTEXT_OPENGL_PROFILE_MASK,
                               EGL_CONTEXT_OPENGL_CORE_PROFILE_BIT, EGL_NONE};
  context_ = eglCreateContext(display_, EGL_NO_CONFIG_KHR, EGL_NO_CONTEXT, attributes);
  if (context_ == EGL_NO_CONTEXT ||
      eglMakeCurrent(display_, EGL_NO_SURFACE, EGL_NO_SURFACE, context_) != EGL_TRUE) {
    *reason = "no OpenGL 4.5 context";
    return false;
  }
  const auto find =
      reinterpret_cast<GLADapiproc (*)(const char*)>(dlsym(library_, "eglGetProcAddress"));
  if (gladLoadGLContext(&gl_, find) != 0) return true;
  *reason = "OpenGL functions are missing";
  return false;
}

bool RawGl::make_objects(std::string* reason) {
  const GLuint shader = gl_.CreateShader(GL_COMPUTE_SHADER);
  gl_.ShaderSource(shader, 1, &source, nullptr);
  gl_.CompileShader(shader);
  program_ = gl_.CreateProgram();
  gl_.AttachShader(program_, shader);
  gl_.LinkProgram(program_);
  gl_.DeleteShader(shader);
  GLint linked = 0;
  gl_.GetProgramiv(program_, GL_LINK_STATUS, &linked);
  const GLsizeiptr bytes = GLsizeiptr{slot_count} * most_words * 4;
  const GLbitfield map = GL_MAP_PERSISTENT_BIT | GL_MAP_COHERENT_BIT;
  std::vector<uint32_t> words(most_words);
  for (uint32_t i = 0; i < most_words; ++i) words[i] = i * 2654435761u;
  gl_.CreateBuffers(4, buffers_);
  gl_.NamedBufferStorage(buffers_[0], most_words * 4, words.data(), 0);
  gl_.NamedBufferStorage(buffers_[1], bytes, nullptr, 0);
  gl_.NamedBufferStorage(buffers_[2], bytes, nullptr, map | GL_MAP_WRITE_BIT);
  gl_.NamedBufferStorage(buffers_[3], bytes, nullptr, map | GL_MAP_READ_BIT);
  map_in_ = static_cast<uint32_t*>(
      gl_.MapNamedBufferRange(buffers_[2], 0, bytes, map | GL_MAP_WRITE_BIT));
  map_out_ = static_cast<uint32_t*>(
      gl_.MapNamedBufferRange(buffers_[3], 0, bytes, map | GL_MAP_READ_BIT));
  gl_.UseProgram(program_);
  gl_.BindBufferBase(GL_SHADER_STORAGE_BUFFER, 0, buffers_[0]);
  const bool usable = linked != 0 && map_in_ != nullptr && map_out_ != nullptr &&
                      gl_.GetError() == GL_NO_ERROR;
  if (!usable) *reason = "buffers, mappings or the shader were refused";
  return usable;
}

RawGl::~RawGl() {
  if (context_ == nullptr) return;
  eglMakeCurrent(display_, EGL_NO_SURFACE, EGL_NO_SURFACE, EGL_NO_CONTEXT);
  eglDestroyContext(display_, context_);
}

bool RawGl::finish_is_sound() const {
  const char* name = reinterpret_cast<const char*>(gl_.GetString(GL_RENDERER));
  return name != nullptr && std::strstr(name, "zink") == nullptr;
}

void RawGl::dispatch(RawWork work, uint32_t slot) {
  gl_.Uniform1ui(0, work.rounds);
  gl_.BindBufferRange(GL_SHADER_STORAGE_BUFFER, 1, buffers_[1], GLintptr{slot} * most_words * 4,
                      GLsizeiptr{work.groups} * group_size * 4);
  gl_.DispatchCompute(work.groups, 1, 1);
}

void RawGl::dispatch_mapped(RawWork work, uint32_t slot) {
  const GLintptr offset = GLintptr{slot} * most_words * 4;
  const GLsizeiptr bytes = GLsizeiptr{work.groups} * group_size * 4;
  gl_.Uniform1ui(0, work.rounds);
  gl_.BindBufferRange(GL_SHADER_STORAGE_BUFFER, 0, buffers_[2], offset, bytes);
  gl_.BindBufferRange(GL_SHADER_STORAGE_BUFFER, 1, buffers_[3], offset, bytes);
  gl_.DispatchCompute(work.groups, 1, 1);
  gl_.BindBufferBase(GL_SHADER_STORAGE_BUFFER, 0, buffers_[0]);
}

uint32_t RawGl::expected(uint32_t x, uint32_t rounds) {
  // The n-th power of an affine map by squaring.
  uint32_t a = 1, c = 0, step_a = 1664525u, step_c = 1013904223u;
  for (; rounds != 0; rounds >>= 1) {
    if ((rounds & 1) != 0) {
      c = c * step_a + step_c;
      a = a * step_a;
    }
    step_c = step_c * step_a + step_c;
    step_a = step_a * step_a;
  }
  return a * x + c;
}

void RawGl::poison() {
  const uint32_t zero = 0;
  gl_.ClearNamedBufferData(buffers_[1], GL_R32UI, GL_RED_INTEGER, GL_UNSIGNED_INT, &zero);
  gl_.MemoryBarrier(GL_ALL_BARRIER_BITS);
  std::memset(map_in_, 0, sizeof(uint32_t) * slot_count * most_words);
}

uint64_t RawGl::verify(RawWork work, uint32_t slots) {
  const uint32_t words = work.groups * group_size;
  std::vector<uint32_t> got(words);
  gl_.MemoryBarrier(GL_BUFFER_UPDATE_BARRIER_BIT);
  for (uint32_t s = 0; s < slots; ++s) {
    gl_.GetNamedBufferSubData(buffers_[1], GLintptr{s} * most_words * 4, GLsizeiptr{words} * 4,
                              got.data());
    for (uint32_t i = 0; i < words; ++i) {
      if (got[i] != expected(i * 2654435761u, work.rounds)) return 0;
    }
  }
  return uint64_t{words} * slots;
}

double RawGl::stream_ns(RawWork work) {
  const auto stream = [&](uint32_t count) {
    timespec start, stop;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (uint32_t i = 0; i < count; ++i) {
      dispatch(work, 0);
      gl_.MemoryBarrier(GL_SHADER_STORAGE_BARRIER_BIT | GL_BUFFER_UPDATE_BARRIER_BIT);
    }
    const GLsync sync = gl_.FenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
    wait(sync);
    gl_.DeleteSync(sync);
    clock_gettime(CLOCK_MONOTONIC, &stop);
    return static_cast<double>(stop.tv_sec - start.tv_sec) * 1e9 +
           static_cast<double>(stop.tv_nsec - start.tv_nsec);
  };
  constexpr double budget_ns = 6e6;
  const auto count = static_cast<uint32_t>(std::clamp(budget_ns / (stream(4) / 4), 2.0, 500.0));
  std::vector<double> times;
  for (int i = 0; i < 5; ++i) {
    const double one = stream(count);
    times.push_back((stream(2 * count) - one) / count);
  }
  std::sort(times.begin(), times.end());
  return std::max(times[times.size() / 2], 1.0);
}

uint32_t RawGl::calibrate(uint32_t groups, double target_ns) {
  double rounds = 1000;
  // A device that was idle has a low clock rate.
  for (int i = 0; i < 10; ++i) stream_ns({groups, static_cast<uint32_t>(rounds)});
  for (int i = 0; i < 8; ++i) {
    const double took = stream_ns({groups, static_cast<uint32_t>(rounds)});
    if (took > 0.97 * target_ns && took < 1.03 * target_ns) break;
    // The kernel's own start and end cost time that rounds do not change.
    rounds = std::clamp(rounds * std::clamp(target_ns / took, 0.1, 10.0), 1.0, 4e8);
  }
  return static_cast<uint32_t>(rounds);
}

bool RawGl::wait(GLsync sync) const {
  for (;;) {
    const GLenum answer = gl_.ClientWaitSync(sync, GL_SYNC_FLUSH_COMMANDS_BIT, 1000000000u);
    if (answer == GL_ALREADY_SIGNALED || answer == GL_CONDITION_SATISFIED) return true;
    if (answer != GL_TIMEOUT_EXPIRED) return false;
  }
}

}  // namespace fences
