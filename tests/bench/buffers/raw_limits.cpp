#include "buffers/raw_limits.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>

#include "backends/gl/program_cache.h"
#include "backends/gl/self_test.h"

using namespace sporkle::gl;

namespace buffers {

namespace {

// One workgroup that is busy for a while: any number of them fit beside each other.
constexpr const char* chain_source = R"(#version 430
layout(local_size_x = 32) in;
layout(std430, binding = 1) writeonly buffer To { float to[]; };
layout(location = 0) uniform uvec4 args; // rounds, ignored
void main() {
  float a = float(gl_LocalInvocationID.x), b = 0.5;
  for (uint i = 0u; i < args.x; ++i) { a = a * 0.999 + b; b = b * 0.999 + 0.001; }
  if (a < -1.0) to[0] = a;
}
)";

// Every output is made of an input.
constexpr const char* spread_source = R"(#version 430
layout(local_size_x = 256) in;
layout(std430, binding = 0) readonly buffer From { vec4 from[]; };
layout(std430, binding = 1) writeonly buffer To { vec4 to[]; };
layout(location = 0) uniform uvec4 args; // vectors in, vectors out
void main() {
  uint step = gl_NumWorkGroups.x * 256u;
  for (uint i = gl_GlobalInvocationID.x; i < args.y; i += step) to[i] = from[i % args.x] + 1.0;
}
)";

constexpr int dispatches = 96;
constexpr GLuint spread_groups = 264;
constexpr GLbitfield always = GL_MAP_PERSISTENT_BIT | GL_MAP_COHERENT_BIT;

enum class Differs : uint8_t { nothing, arguments, binding, program };

class Waits {
 public:
  Waits(NaiveGl* naive, Records* records) : gl_(naive->gl()), records_(records) {
    for (GLuint& program : programs_) program = compile_program(gl_, chain_source, "chain");
    for (GLuint& name : names_) name = naive->make(4096, 0, nullptr);
  }
  ~Waits() {
    gl_.DeleteBuffers(2, names_);
    for (const GLuint program : programs_) gl_.DeleteProgram(program);
  }

  void run() {
    const double begin = now_us();
    while (now_us() - begin < warm_up_us) one();
    row("nothing differs", Differs::nothing, false);
    row("arguments differ", Differs::arguments, false);
    row("bindings differ", Differs::binding, false);
    row("programs differ", Differs::program, false);
    row("nothing differs, flushed each", Differs::nothing, true);
    gl_.UseProgram(0);
  }

 private:
  // How many of these follow one another, of dispatches that could all run at once.
  void row(const char* what, Differs differs, bool flush) {
    std::vector<double> found;
    for (int round = 0; round < 9; ++round) {
      const double alone = one();
      gl_.UseProgram(programs_[0]);
      const double start = now_us();
      for (int i = 0; i < dispatches; ++i) {
        const int turn = i % 2;
        if (differs == Differs::program || i == 0) use(programs_[turn], 0);
        if (differs == Differs::arguments) gl_.Uniform4ui(0, rounds, static_cast<GLuint>(i), 0, 0);
        if (differs == Differs::binding) gl_.BindBufferBase(GL_SHADER_STORAGE_BUFFER, 1, names_[turn]);
        gl_.DispatchCompute(1, 1, 1);
        if (flush) gl_.Flush();
      }
      end();
      found.push_back((now_us() - start) / alone);
    }
    records_->add(std::string("waits of 96 dispatches/") + what, "dispatches in a row", found);
  }
  void use(GLuint program, GLuint other) {
    gl_.UseProgram(program);
    gl_.Uniform4ui(0, rounds, other, 0, 0);
    gl_.BindBufferBase(GL_SHADER_STORAGE_BUFFER, 1, names_[0]);
  }
  double one() {
    use(programs_[0], 0);
    const double start = now_us();
    gl_.DispatchCompute(1, 1, 1);
    end();
    return now_us() - start;
  }
  void end() {
    const GLsync sync = gl_.FenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
    wait_sync(gl_, sync, 20000000000u);
    gl_.DeleteSync(sync);
  }

  static constexpr GLuint rounds = 100000;
  const GladGLContext& gl_;
  Records* records_;
  GLuint programs_[2] = {}, names_[2] = {};
};

// A pipeline without a library: windows in turn, a thread that fills and one that reads.
class Ring {
 public:
  Ring(NaiveGl* naive, uint64_t in_bytes, uint64_t out_bytes, Records* records)
      : naive_(naive), gl_(naive->gl()), in_bytes_(in_bytes), out_bytes_(out_bytes),
        records_(records), y_(out_bytes / 4) {
    spread_ = compile_program(gl_, spread_source, "spread");
    local_[0] = naive->make(in_bytes, 0, nullptr);
    local_[1] = naive->make(out_bytes, 0, nullptr);
    x_.resize(in_bytes / 4);
    for (size_t i = 0; i < x_.size(); ++i) x_[i] = static_cast<float>(i % 4093);
  }
  ~Ring() {
    gl_.DeleteBuffers(2, local_);
    gl_.DeleteProgram(spread_);
  }

  void run(const std::string& prefix, uint32_t depth, int count) {
    make_windows(depth);
    flow(depth, 2 * static_cast<int>(depth) + 4);  // warm
    const std::string name = prefix + "raw OpenGL pipeline, " + std::to_string(depth) + " windows";
    std::vector<double> walls, reads, alone;
    for (int i = 0; i < 5; ++i) {
      walls.push_back(flow(depth, count) / count);
      reads.push_back(read_us_ / count);
    }
    for (int i = 0; i < count; ++i) {
      const double start = now_us();
      std::memcpy(y_.data(), out_[static_cast<size_t>(i) % depth], out_bytes_);
      alone.push_back(now_us() - start);
    }
    drop_windows();
    if (wrong_ != 0) return records_->fail(name, std::to_string(wrong_) + " wrong outputs");
    records_->add(name, "us", walls);
    records_->add(name + ", reading in it", "us", reads);
    records_->add(name + ", reading alone", "us", alone);
  }

 private:
  void make_windows(uint32_t depth) {
    for (uint32_t i = 0; i < depth; ++i) {
      void *in = nullptr, *out = nullptr;
      names_.push_back(naive_->make(in_bytes_, GL_MAP_WRITE_BIT | always, &in));
      names_.push_back(naive_->make(out_bytes_, GL_MAP_READ_BIT | always, &out));
      in_.push_back(static_cast<float*>(in));
      out_.push_back(static_cast<float*>(out));
    }
  }
  void drop_windows() {
    gl_.DeleteBuffers(static_cast<GLsizei>(names_.size()), names_.data());
    names_.clear();
    in_.clear();
    out_.clear();
  }
  static void await(const std::atomic<int>& count, int least) {
    while (count.load(std::memory_order_acquire) < least) std::this_thread::yield();
  }

  double flow(uint32_t depth, int count) {
    std::atomic<int> filled{0}, done{0}, read{0};
    const int slots = static_cast<int>(depth);
    read_us_ = 0;
    const double start = now_us();
    std::thread filler([&] {
      for (int i = 0; i < count; ++i) {
        await(read, i + 1 - slots);
        float* to = in_[static_cast<size_t>(i % slots)];
        std::memcpy(to, x_.data(), in_bytes_);
        to[0] = static_cast<float>(i);
        filled.store(i + 1, std::memory_order_release);
      }
    });
    std::thread reader([&] {
      for (int i = 0; i < count; ++i) {
        await(done, i + 1);
        const double begin = now_us();
        std::memcpy(y_.data(), out_[static_cast<size_t>(i % slots)], out_bytes_);
        read_us_ += now_us() - begin;
        wrong_ += y_[0] != static_cast<float>(i) + 1 || y_[x_.size() - 1] != x_.back() + 1;
        read.store(i + 1, std::memory_order_release);
      }
    });
    device(slots, count, filled, &done);
    filler.join();
    reader.join();
    return now_us() - start;
  }

  // Two in flight; who is waited for ends what is in flight first.
  void device(int slots, int count, const std::atomic<int>& filled, std::atomic<int>* done) {
    GLsync syncs[2] = {};
    int ended = 0;
    const auto end_one = [&] {
      GLsync& sync = syncs[ended % 2];
      wait_sync(gl_, sync, 20000000000u);
      gl_.DeleteSync(sync);
      done->store(++ended, std::memory_order_release);
    };
    for (int i = 0; i < count; ++i) {
      while (i - ended == 2 || (i > ended && filled.load(std::memory_order_acquire) <= i)) end_one();
      await(filled, i + 1);
      emit(i % slots);
      syncs[i % 2] = gl_.FenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
      gl_.Flush();
    }
    while (ended < count) end_one();
  }
  void emit(int slot) {
    const size_t at = static_cast<size_t>(slot) * 2;
    copy(names_[at], local_[0], in_bytes_);
    gl_.UseProgram(spread_);
    gl_.Uniform4ui(0, static_cast<GLuint>(in_bytes_ / 16), static_cast<GLuint>(out_bytes_ / 16), 0, 0);
    gl_.BindBufferBase(GL_SHADER_STORAGE_BUFFER, 0, local_[0]);
    gl_.BindBufferBase(GL_SHADER_STORAGE_BUFFER, 1, local_[1]);
    gl_.DispatchCompute(spread_groups, 1, 1);
    gl_.MemoryBarrier(GL_SHADER_STORAGE_BARRIER_BIT | GL_BUFFER_UPDATE_BARRIER_BIT);
    copy(local_[1], names_[at + 1], out_bytes_);
  }
  void copy(GLuint from, GLuint to, uint64_t bytes) {
    gl_.BindBuffer(GL_COPY_READ_BUFFER, from);
    gl_.BindBuffer(GL_COPY_WRITE_BUFFER, to);
    gl_.CopyBufferSubData(GL_COPY_READ_BUFFER, GL_COPY_WRITE_BUFFER, 0, 0,
                          static_cast<GLsizeiptr>(bytes));
  }

  NaiveGl* naive_;
  const GladGLContext& gl_;
  uint64_t in_bytes_, out_bytes_;
  Records* records_;
  GLuint spread_ = 0, local_[2] = {};
  std::vector<GLuint> names_;
  std::vector<float*> in_, out_;
  std::vector<float> x_, y_;
  double read_us_ = 0;
  int wrong_ = 0;
};

}  // namespace

void measure_waits(NaiveGl* naive, Records* records) { Waits(naive, records).run(); }

void measure_ring(NaiveGl* naive, const std::string& prefix, uint64_t in_bytes, uint64_t out_bytes,
                  int count, Records* records) {
  if (!naive->storage()) return;
  Ring ring(naive, in_bytes, out_bytes, records);
  for (const uint32_t depth : {2u, 3u, 4u, 8u, 16u}) ring.run(prefix, depth, count);
}

}  // namespace buffers
