#include "buffers/naive_gl.h"

#include <cstring>

#include "backends/gl/program_cache.h"
#include "backends/gl/self_test.h"

using namespace sporkle::gl;

namespace buffers {

namespace {

constexpr const char* scale_source = R"(#version 430
layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer From { vec4 from[]; };
layout(std430, binding = 1) writeonly buffer To { vec4 to[]; };
layout(location = 0) uniform uint count;
void main() {
  uint step = gl_NumWorkGroups.x * 64u;
  for (uint i = gl_GlobalInvocationID.x; i < count; i += step) to[i] = 2.0 * from[i] + 1.0;
}
)";

constexpr const char* conv_source = R"(#version 430
layout(local_size_x = 16, local_size_y = 16) in;
layout(std430, binding = 0) readonly buffer X { float x[]; };
layout(std430, binding = 1) readonly buffer W { float w[]; };
layout(std430, binding = 2) writeonly buffer Y { float y[]; };
layout(location = 0) uniform ivec4 a; // c h w k
layout(location = 1) uniform ivec4 b; // kernel stride padding out
void main() {
  int ox = int(gl_GlobalInvocationID.x), oy = int(gl_GlobalInvocationID.y);
  int k = int(gl_WorkGroupID.z) % a.w, n = int(gl_WorkGroupID.z) / a.w;
  if (ox >= b.w || oy >= b.w) return;
  float sum = 0.0;
  for (int c = 0; c < a.x; ++c)
    for (int r = 0; r < b.x; ++r)
      for (int s = 0; s < b.x; ++s) {
        int iy = oy * b.y + r - b.z, ix = ox * b.y + s - b.z;
        if (iy < 0 || iy >= a.y || ix < 0 || ix >= a.z) continue;
        sum += x[((n * a.x + c) * a.y + iy) * a.z + ix] * w[((k * a.x + c) * b.x + r) * b.x + s];
      }
  y[((n * a.w + k) * b.w + oy) * b.w + ox] = sum;
}
)";

}  // namespace

bool NaiveGl::open(const char* name, std::string* reason) {
  sporkle::Reason why;
  const EglFunctions* egl = open_egl_library(&why);
  EglDevice devices[egl_device_limit];
  const uint32_t count =
      egl == nullptr ? 0 : list_egl_devices(*egl, devices, egl_device_limit, &why);
  for (uint32_t i = 0; i < count; ++i) {
    if (context_.open(*egl, devices[i], OpenRules{}, &why) &&
        std::strcmp(context_.facts().name, name) == 0) {
      scale_ = compile_program(gl(), scale_source, "scale");
      conv_ = compile_program(gl(), conv_source, "naive convolution");
      return true;
    }
    context_.close();
  }
  *reason = why.text;
  return false;
}

void NaiveGl::prepare(const sporkle_conv2d_desc& d, const float* weights) {
  const int64_t out = (d.h + 2 * d.padding_top - d.kernel_h) / d.stride_h + 1;
  input_bytes_ = static_cast<uint64_t>(d.n * d.c * d.h * d.w) * 4;
  output_bytes_ = static_cast<uint64_t>(d.n * d.k * out * out) * 4;
  const uint64_t bytes[3] = {input_bytes_,
                             static_cast<uint64_t>(d.k * d.c * d.kernel_h * d.kernel_w) * 4,
                             output_bytes_};
  GLuint* const names[3] = {&input_, &weights_, &output_};
  for (GLuint i = 0; i < 3; ++i) {
    gl().GenBuffers(1, names[i]);
    gl().BindBuffer(GL_SHADER_STORAGE_BUFFER, *names[i]);
    gl().BufferData(GL_SHADER_STORAGE_BUFFER, static_cast<GLsizeiptr>(bytes[i]),
                    i == 1 ? weights : nullptr, GL_DYNAMIC_DRAW);
  }
  const auto as = [](int64_t v) { return static_cast<GLint>(v); };
  gl().UseProgram(conv_);
  gl().Uniform4i(0, as(d.c), as(d.h), as(d.w), as(d.k));
  gl().Uniform4i(1, as(d.kernel_h), as(d.stride_h), as(d.padding_top), as(out));
  groups_[0] = groups_[1] = static_cast<GLuint>((out + 15) / 16);
  groups_[2] = static_cast<GLuint>(d.n * d.k);
}

void NaiveGl::run(const float* input, float* output) {
  gl().BindBuffer(GL_SHADER_STORAGE_BUFFER, input_);
  gl().BufferSubData(GL_SHADER_STORAGE_BUFFER, 0, static_cast<GLsizeiptr>(input_bytes_), input);
  gl().UseProgram(conv_);
  gl().BindBufferBase(GL_SHADER_STORAGE_BUFFER, 0, input_);
  gl().BindBufferBase(GL_SHADER_STORAGE_BUFFER, 1, weights_);
  gl().BindBufferBase(GL_SHADER_STORAGE_BUFFER, 2, output_);
  gl().DispatchCompute(groups_[0], groups_[1], groups_[2]);
  gl().MemoryBarrier(GL_BUFFER_UPDATE_BARRIER_BIT);
  gl().Finish();
  gl().BindBuffer(GL_SHADER_STORAGE_BUFFER, output_);
  gl().GetBufferSubData(GL_SHADER_STORAGE_BUFFER, 0, static_cast<GLsizeiptr>(output_bytes_),
                        output);
}

void NaiveGl::drop() {
  const GLuint names[3] = {input_, weights_, output_};
  gl().DeleteBuffers(3, names);
}

GLuint NaiveGl::make(uint64_t bytes, GLbitfield flags, void** map) {
  GLuint name = 0;
  const auto size = static_cast<GLsizeiptr>(bytes);
  gl().GenBuffers(1, &name);
  gl().BindBuffer(GL_COPY_WRITE_BUFFER, name);
  if (!storage()) {
    gl().BufferData(GL_COPY_WRITE_BUFFER, size, nullptr, GL_DYNAMIC_COPY);
  } else {
    gl().BufferStorage(GL_COPY_WRITE_BUFFER, size, nullptr,
                       map == nullptr ? flags | GL_DYNAMIC_STORAGE_BIT : flags);
    if (map != nullptr) *map = gl().MapBufferRange(GL_COPY_WRITE_BUFFER, 0, size, flags);
  }
  return name;
}

void NaiveGl::scale(GLuint from, GLuint to, uint64_t bytes) {
  const auto count = static_cast<GLuint>(bytes / 16);
  gl().UseProgram(scale_);
  gl().Uniform1ui(0, count);
  gl().BindBufferBase(GL_SHADER_STORAGE_BUFFER, 0, from);
  gl().BindBufferBase(GL_SHADER_STORAGE_BUFFER, 1, to);
  gl().DispatchCompute(count / 64 < 4096 ? count / 64 : 4096, 1, 1);
}

void NaiveGl::wait() {
  const GLsync sync = gl().FenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
  wait_sync(gl(), sync, 20000000000u);
  gl().DeleteSync(sync);
}

void NaiveGl::transfers(uint64_t bytes, Records* records) {
  std::vector<float> x(bytes / 4), y(bytes / 4);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 4093);
  const auto size = static_cast<GLsizeiptr>(bytes);
  const char* const forms[] = {"copying", "mapped", "window"};
  for (int form = 0; form < (storage() ? 3 : 1); ++form) {
    void *in = nullptr, *out = nullptr;
    std::vector<GLuint> names;
    const auto begin = [&] {
      names.push_back(make(bytes, 0, nullptr));
      names.push_back(make(bytes, 0, nullptr));
      if (form == 0) return;
      constexpr GLbitfield always = GL_MAP_PERSISTENT_BIT | GL_MAP_COHERENT_BIT;
      names.push_back(make(bytes, GL_MAP_WRITE_BIT | always, &in));
      names.push_back(make(bytes, GL_MAP_READ_BIT | always, &out));
    };
    const auto copy = [&](GLuint from, GLuint to) {
      gl().BindBuffer(GL_COPY_READ_BUFFER, from);
      gl().BindBuffer(GL_COPY_WRITE_BUFFER, to);
      gl().CopyBufferSubData(GL_COPY_READ_BUFFER, GL_COPY_WRITE_BUFFER, 0, 0, size);
    };
    const auto once = [&] {
      if (form == 0) {
        gl().BindBuffer(GL_COPY_WRITE_BUFFER, names[0]);
        gl().BufferSubData(GL_COPY_WRITE_BUFFER, 0, size, x.data());
        scale(names[0], names[1], bytes);
        gl().MemoryBarrier(GL_BUFFER_UPDATE_BARRIER_BIT);
        gl().BindBuffer(GL_COPY_READ_BUFFER, names[1]);
        gl().GetBufferSubData(GL_COPY_READ_BUFFER, 0, size, y.data());
        return;
      }
      std::memcpy(in, x.data(), bytes);
      if (form == 2) copy(names[2], names[0]);
      scale(form == 1 ? names[2] : names[0], form == 1 ? names[3] : names[1], bytes);
      gl().MemoryBarrier(GL_BUFFER_UPDATE_BARRIER_BIT | GL_CLIENT_MAPPED_BUFFER_BARRIER_BIT);
      if (form == 2) copy(names[1], names[3]);
      wait();
      std::memcpy(y.data(), out, bytes);
    };
    const std::string label = std::string("transfer/") + forms[form] + "/" +
                              std::to_string(bytes >> 10) + "KiB";
    const double start = now_us();
    begin();
    once();
    const double cold = now_us() - start;
    size_t wrong = 0;
    const auto count_wrong = [&] {
      for (size_t i = 0; i < x.size(); ++i) wrong += y[i] != 2.0f * x[i] + 1.0f;
    };
    count_wrong();
    std::fill(y.begin(), y.end(), -1.0f);
    const std::vector<double> warm = time_us(2, bytes > (64u << 20) ? 5 : 15, once);
    wrong += gl().GetError() != GL_NO_ERROR ? 1 : 0;
    count_wrong();
    if (wrong == 0) {
      records->add(label + "/cold", "us", {cold}, x.size());
      records->add(label + "/warm", "us", warm, x.size());
    } else {
      records->fail(label, std::to_string(wrong) + " wrong words");
    }
    gl().DeleteBuffers(static_cast<GLsizei>(names.size()), names.data());
  }
}

void NaiveGl::updates(Records* records) {
  constexpr uint64_t bytes = 4096;
  constexpr int rounds = 1000;
  static char content[bytes];
  const GLbitfield flags = GL_MAP_WRITE_BIT | GL_MAP_READ_BIT;
  const GLuint name = make(bytes, storage() ? flags : 0u, nullptr);
  gl().BindBuffer(GL_COPY_WRITE_BUFFER, name);
  const auto per_update = [&](const char* label, auto&& update) {
    std::memset(content, label[0], bytes);
    std::vector<double> samples = time_us(3, 31, [&] {
      for (int i = 0; i < rounds; ++i) update();
      wait();
    });
    for (double& us : samples) us = us * 1000.0 / rounds;
    char back[bytes];
    gl().GetBufferSubData(GL_COPY_WRITE_BUFFER, 0, bytes, back);
    if (std::memcmp(back, content, bytes) == 0) {
      records->add(std::string("update4k/") + label, "ns", samples, bytes);
    } else {
      records->fail(label, "the content did not arrive");
    }
  };
  per_update("BufferSubData", [&] { gl().BufferSubData(GL_COPY_WRITE_BUFFER, 0, bytes, content); });
  per_update("map+write+unmap", [&] {
    void* map = gl().MapBufferRange(GL_COPY_WRITE_BUFFER, 0, bytes,
                                    GL_MAP_WRITE_BIT | GL_MAP_INVALIDATE_RANGE_BIT);
    if (map != nullptr) std::memcpy(map, content, bytes);
    gl().UnmapBuffer(GL_COPY_WRITE_BUFFER);
  });
  gl().DeleteBuffers(1, &name);
}

}  // namespace buffers
