#include "buffers/overlap.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>

#include "backends/gl/program_cache.h"
#include "backends/gl/self_test.h"

using namespace sporkle::gl;

namespace buffers {

namespace {

// Long chains of products in as many invocations as fill a large GPU.
constexpr const char* busy_source = R"(#version 430
layout(local_size_x = 256) in;
layout(std430, binding = 1) writeonly buffer To { float to[]; };
layout(location = 0) uniform uint rounds;
void main() {
  float a = float(gl_GlobalInvocationID.x & 255u), b = 0.5;
  for (uint i = 0u; i < rounds; ++i) { a = a * 0.999 + b; b = b * 0.999 + 0.001; }
  if (a < -1.0) to[0] = a;
}
)";

constexpr const char* copy_source = R"(#version 430
layout(local_size_x = 256) in;
layout(std430, binding = 0) readonly buffer From { vec4 from[]; };
layout(std430, binding = 1) writeonly buffer To { vec4 to[]; };
layout(location = 0) uniform uint count;
void main() {
  uint step = gl_NumWorkGroups.x * 256u;
  for (uint i = gl_GlobalInvocationID.x; i < count; i += step) to[i] = from[i];
}
)";

constexpr GLuint busy_groups = 1056, copy_groups = 16;

class Overlap {
 public:
  Overlap(NaiveGl* naive, uint64_t bytes, Records* records)
      : naive_(naive), gl_(naive->gl()), bytes_(bytes), records_(records) {
    busy_ = compile_program(gl_, busy_source, "busy");
    copy_ = compile_program(gl_, copy_source, "copy");
    constexpr GLbitfield always = GL_MAP_PERSISTENT_BIT | GL_MAP_COHERENT_BIT;
    host_in_ = naive->make(bytes, GL_MAP_WRITE_BIT | always, &in_);
    host_out_ = naive->make(bytes, GL_MAP_READ_BIT | always, &out_);
    local_ = naive->make(bytes, 0, nullptr);
    scrap_ = naive->make(4096, 0, nullptr);
  }
  ~Overlap() {
    const GLuint names[] = {host_in_, host_out_, local_, scrap_};
    gl_.DeleteBuffers(4, names);
    gl_.DeleteProgram(busy_);
    gl_.DeleteProgram(copy_);
  }

  void run(double kernel_us) {
    const double begin = now_us();
    double one = 0;
    while (now_us() - begin < warm_up_us) one = items([&](int) { busy(1000); });
    rounds_ = static_cast<GLuint>(1000 * kernel_us / (one > 1 ? one : 1));
    const std::string prefix = "overlap/" + std::to_string(static_cast<int>(kernel_us)) + " us, " +
                               std::to_string(bytes_ >> 10) + " KiB/";
    const auto add = [&](const char* what, double us) { records_->add(prefix + what, "us", {us}); };
    add("kernel", items([&](int) { busy(rounds_); }));
    add("kernel, a sync object per 20", items([&](int) {
      for (int i = 0; i < 20; ++i, barrier()) busy(rounds_);
    }, 4) / 20);
    moved(prefix + "copies", [&](int) { transfer_in(); transfer_out(); });
    moved(prefix + "shader copies", [&](int) {
      shader_copy(host_in_, local_);
      barrier();
      shader_copy(local_, host_out_);
    });
    moved(prefix + "in, kernel, out", [&](int) {
      transfer_in();
      busy(rounds_);
      barrier();
      transfer_out();
    });
    moved(prefix + "in, kernel, out, copied by shaders beside kernels", [&](int) {
      shader_copy(host_in_, local_);
      busy(rounds_);
      shader_copy(local_, host_out_);
      barrier();
    });
    beside(prefix + "beside copies of a second context", [&] { transfer_in(); transfer_out(); });
    beside(prefix + "beside shader copies of a second context",
           [&] { shader_copy(host_in_, local_); shader_copy(local_, host_out_); });
  }

 private:
  // Microseconds per item with a sync object each and two in flight.
  template <class Item>
  double items(Item item, int count = 40) {
    GLsync syncs[2] = {};
    const double start = now_us();
    for (int i = 0; i < count; ++i) {
      if (syncs[i % 2] != nullptr) end(&syncs[i % 2]);
      item(i);
      syncs[i % 2] = gl_.FenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
      gl_.Flush();
    }
    for (GLsync& sync : syncs) end(&sync);
    return (now_us() - start) / count;
  }
  void end(GLsync* sync) {
    wait_sync(gl_, *sync, 20000000000u);
    gl_.DeleteSync(*sync);
    *sync = nullptr;
  }
  void busy(GLuint rounds) {
    gl_.UseProgram(busy_);
    gl_.Uniform1ui(0, rounds);
    gl_.BindBufferBase(GL_SHADER_STORAGE_BUFFER, 1, scrap_);
    gl_.DispatchCompute(busy_groups, 1, 1);
  }
  void shader_copy(GLuint from, GLuint to) {
    gl_.UseProgram(copy_);
    gl_.Uniform1ui(0, static_cast<GLuint>(bytes_ / 16));
    gl_.BindBufferBase(GL_SHADER_STORAGE_BUFFER, 0, from);
    gl_.BindBufferBase(GL_SHADER_STORAGE_BUFFER, 1, to);
    gl_.DispatchCompute(copy_groups, 1, 1);
  }
  void barrier() {
    gl_.MemoryBarrier(GL_SHADER_STORAGE_BARRIER_BIT | GL_BUFFER_UPDATE_BARRIER_BIT);
  }
  void transfer(GLuint from, GLuint to) {
    gl_.BindBuffer(GL_COPY_READ_BUFFER, from);
    gl_.BindBuffer(GL_COPY_WRITE_BUFFER, to);
    gl_.CopyBufferSubData(GL_COPY_READ_BUFFER, GL_COPY_WRITE_BUFFER, 0, 0,
                          static_cast<GLsizeiptr>(bytes_));
  }
  void transfer_in() { transfer(host_in_, local_); }
  void transfer_out() { transfer(local_, host_out_); }

  // Words that nothing before has moved.
  void renew_content() {
    std::fill_n(static_cast<float*>(in_), bytes_ / 4, static_cast<float>(++contents_));
  }
  bool arrived() {
    gl_.Finish();
    return gl_.GetError() == GL_NO_ERROR && std::memcmp(in_, out_, bytes_) == 0;
  }
  template <class Item>
  void moved(const std::string& name, Item item) {
    renew_content();
    const double us = items(item);
    if (arrived()) records_->add(name, "us", {us}, bytes_ / 4);
    else records_->fail(name, "wrong words");
  }

  // Kernels here, copies in another context on another thread, at once.
  template <class Copies>
  void beside(const std::string& name, Copies copies) {
    const EGLContext shared = naive_->context().create_shared();
    sporkle::Reason reason;
    const EglFunctions* egl = open_egl_library(&reason);
    if (shared == EGL_NO_CONTEXT || egl == nullptr) return records_->fail(name, "no second context");
    std::atomic<bool> ready{false}, stop{false};
    renew_content();
    double copy_us = 0;
    std::thread other([&] {
      egl->make_current(naive_->context().display(), EGL_NO_SURFACE, EGL_NO_SURFACE, shared);
      items([&](int) { copies(); }, 4);
      ready.store(true);
      double sum = 0;
      int rounds = 0;
      for (; !stop.load() || rounds == 0; ++rounds) sum += items([&](int) { copies(); }, 10);
      copy_us = sum / rounds;
      egl->make_current(naive_->context().display(), EGL_NO_SURFACE, EGL_NO_SURFACE,
                        EGL_NO_CONTEXT);
    });
    while (!ready.load()) std::this_thread::yield();
    const double kernel_us = items([&](int) { busy(rounds_); }, 100);
    stop.store(true);
    other.join();
    egl->destroy_context(naive_->context().display(), shared);
    if (!arrived()) return records_->fail(name, "wrong words");
    records_->add(name + ", kernel", "us", {kernel_us});
    records_->add(name + ", copies", "us", {copy_us}, bytes_ / 4);
  }

  NaiveGl* naive_;
  const GladGLContext& gl_;
  uint64_t bytes_;
  Records* records_;
  GLuint busy_ = 0, copy_ = 0, host_in_ = 0, host_out_ = 0, local_ = 0, scrap_ = 0;
  GLuint rounds_ = 0;
  int contents_ = 0;
  void *in_ = nullptr, *out_ = nullptr;
};

}  // namespace

void measure_overlap(NaiveGl* naive, double kernel_us, uint64_t bytes, Records* records) {
  if (naive->storage()) Overlap(naive, bytes, records).run(kernel_us);
}

}  // namespace buffers
