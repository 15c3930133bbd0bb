#include "backends/gl/trial.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "backends/gl/self_test.h"
#include "backends/gl/trial_programs.h"

namespace sporkle::gl {

namespace {

constexpr double error_limit = 1e-5;      // relative L2 over the samples
constexpr double sample_work = 2e6;       // multiply-adds spent on the samples
constexpr uint64_t sample_least = 64, sample_most = 1024;
constexpr uint64_t patience_ns = 5'000'000'000, software_patience_ns = 60'000'000'000;
constexpr uint64_t helper_limit = uint64_t{1} << 31;  // bytes one helper dispatch covers

// mode 0 fills y, mode 1 counts what is not finite in x, mode 2 gathers x[index], mode 3
// fills y with NaN: glClearBufferData takes NVIDIA's driver 3.5 ms a megabyte, and moves a
// buffer that is cleared often behind the bus.
constexpr const char* helper_source = R"(#version 430
layout(local_size_x = 256) in;
layout(location = 0) uniform uvec4 args[2];
layout(std430, binding = 0) readonly buffer X { float x[]; };
layout(std430, binding = 1) writeonly buffer Y { float y[]; };
layout(std430, binding = 2) buffer Z { uint unwritten; uint where[]; };
float value(uint index) {
  uint v = index * 747796405u + args[0].z * 2891336453u + 1u;
  v = ((v >> ((v >> 28) + 4u)) ^ v) * 277803737u;
  v = (v >> 22) ^ v;
  return float(v >> 8) * (1.0 / 8388608.0) - 1.0;
}
void main() {
  uint wrong = 0u;
  for (uint i = gl_GlobalInvocationID.x; i < args[0].y; i += gl_NumWorkGroups.x * 256u) {
    if (args[0].x == 0u) y[i] = value(i);
    if (args[0].x == 1u && (floatBitsToUint(x[i]) & 0x7f800000u) == 0x7f800000u) ++wrong;
    if (args[0].x == 2u) y[i] = x[where[i]];
    if (args[0].x == 3u) y[i] = uintBitsToFloat(0x7fc00001u);
  }
  if (wrong != 0u) atomicAdd(unwritten, wrong);
}
)";

float largest(const float* values, int64_t count) noexcept {
  float most = 0;
  for (int64_t i = 0; i < count; ++i) {
    // In this order NaN stays.
    if (!(std::fabs(values[i]) <= most)) most = std::fabs(values[i]);
    if (std::isnan(most)) return most;
  }
  return most;
}

// Whether results can be told from wrong ones: no sum overflows, those of transforms
// included, and what is expected is neither all the same nor lost with denormals.
bool tells(const ConvProblem& p, const float* weights, const float* bias,
           const std::pmr::vector<double>& expected) noexcept {
  constexpr double overflows = 1e33, vanishes = 1e-30;
  const auto depth = static_cast<double>(p.group_c() * p.kernel_h * p.kernel_w);
  const double reach =
      depth * largest(weights, static_cast<int64_t>(p.weights_bytes() / sizeof(float))) +
      (bias != nullptr ? largest(bias, p.k) : 0.0f) + 1.0;
  if (!(reach < overflows)) return false;
  const auto [least, most] = std::minmax_element(expected.begin(), expected.end());
  if (std::max(std::fabs(*least), std::fabs(*most)) < vanishes) return false;
  return expected.size() == 1 || *least != *most;
}

std::pmr::vector<uint32_t> choose_samples(const ConvProblem& p, std::pmr::memory_resource* memory) {
  const uint64_t total = p.output_bytes() / sizeof(float);
  const double depth = static_cast<double>(p.group_c() * p.kernel_h * p.kernel_w);
  const auto wanted = static_cast<uint64_t>(sample_work / depth);
  const uint64_t count = std::min(total, std::clamp(wanted, sample_least, sample_most));
  std::pmr::vector<uint32_t> where(memory);
  // An odd stride through all of the output, both ends included.
  for (uint64_t i = 0; i < count; ++i) {
    where.push_back(static_cast<uint32_t>(count == 1 ? 0 : i * (total - 1) / (count - 1)));
  }
  return where;
}

}  // namespace

Trial::Trial(std::shared_ptr<SubmissionThread> thread, const DeviceEnvironment& environment,
             const OpenRules& rules, const ConvProblem& problem, const TrialKinds& kinds,
             std::span<const Recipe> recipes)
    : thread_(std::move(thread)),
      memory_(environment.memory),
      rules_(rules),
      problem_(problem),
      held_(environment.memory) {
  if (std::max(problem.input_bytes(), problem.output_bytes()) > helper_limit) {
    fail(SPORKLE_ERROR_OUT_OF_MEMORY, "tensors beyond 2 GiB are not tried");
  }
  uint64_t packed = 16, workspace = 16;
  for (const Recipe& recipe : recipes) {
    packed = std::max(packed, recipe.packed_bytes);
    workspace = std::max(workspace, recipe.workspace_bytes);
  }
  try {
    thread_->call([&](Engine& engine) {
      const std::pmr::string source(helper_source, memory_);
      helper_ = engine.acquire_program(source, "trial");
      allocate(engine, kinds.input, &input_, problem_.input_bytes());
      allocate(engine, BufferKind::local, &packed_, packed);
      allocate(engine, BufferKind::local, &workspace_, workspace);
      allocate(engine, kinds.output, &output_, problem_.output_bytes());
      if (problem_.has_residual) allocate(engine, kinds.input, &residual_, problem_.output_bytes());
      allocate(engine, BufferKind::local, &samples_, 2 * sizeof(float) * (sample_most + 16));
      clear_gl_errors(engine.gl());
      fill(engine, *input_, Fill::random, problem_.input_bytes(), trial_input_seed);
      fill(engine, *packed_, Fill::random, packed, trial_packed_seed);
      if (residual_) {
        fill(engine, *residual_, Fill::random, problem_.output_bytes(), trial_residual_seed);
      }
      const GLenum error = engine.gl().GetError();
      engine.context().checkpoint();
      // Results for other content than this would be wrong.
      if (error != GL_NO_ERROR) {
        fail(status_of_gl_error(error), "scratch tensors cannot be filled (error 0x%04x)", error);
      }
    });
  } catch (...) {
    release();
    throw;
  }
}

Trial::~Trial() { release(); }

void Trial::release() noexcept {
  if (helper_ != nullptr) helper_->users.fetch_sub(1, std::memory_order_release);
  for (ProgramEntry* entry : held_) entry->users.fetch_sub(1, std::memory_order_release);
  held_.clear();
  for (BufferObject* buffer : {input_, packed_, residual_, output_, workspace_, samples_}) {
    if (buffer != nullptr) thread_->release(buffer);
  }
}

void Trial::allocate(Engine& engine, BufferKind kind, BufferObject** out, uint64_t bytes) {
  std::pmr::polymorphic_allocator<> allocator(memory_);
  *out = allocator.new_object<BufferObject>();
  engine.create_buffer(kind, bytes, *out);
}

void Trial::make_room(const Recipe& recipe) {
  if (recipe.workspace_bytes <= workspace_->size) return;
  thread_->release(std::exchange(workspace_, nullptr));
  thread_->call([&](Engine& engine) {
    allocate(engine, BufferKind::local, &workspace_, recipe.workspace_bytes);
  });
}

void Trial::fill(Engine& engine, const BufferObject& buffer, Fill how, uint64_t bytes,
                 uint32_t seed) {
  const GladGLContext& gl = engine.gl();
  const auto count = static_cast<GLuint>(std::min(bytes, helper_limit) / sizeof(float));
  const GLuint args[8] = {how == Fill::nan ? 3u : 0u, count, seed};
  gl.UseProgram(helper_->name);
  gl.Uniform4uiv(0, 2, args);
  gl.BindBufferBase(GL_SHADER_STORAGE_BUFFER, 1, buffer.name);
  gl.DispatchCompute(std::clamp<GLuint>(count / 1024, 1, 8192), 1, 1);
  gl.MemoryBarrier(GL_SHADER_STORAGE_BARRIER_BIT);
}

RecipeTensors Trial::tensors(GLuint packed) const noexcept {
  return {{input_->name, 0},
          {packed, 0},
          {residual_ != nullptr ? residual_->name : 0, 0},
          {output_->name, 0},
          {workspace_->name, 0},
          {}};
}

bool Trial::is_spoiled(const Recipe& recipe, uint32_t how) const noexcept {
  const char* name = rules_.spoiled_variant;
  const bool but = name[0] == '!';
  return rules_.spoil == how && (std::strcmp(name + but, recipe.variant.name) == 0) != but;
}

void Trial::start(const Recipe& recipe) {
  thread_->call([&](Engine& engine) {
    std::pmr::string source(memory_);
    for (const auto* programs : {&recipe.programs, &recipe.packers}) {
      for (const Program& program : *programs) {
        source.clear();
        append_source(program, source);
        engine.start_program(source);
      }
    }
  });
}

void Trial::read_samples(Engine& engine, const std::pmr::vector<uint32_t>& where,
                         std::pmr::vector<float>* out, uint32_t* unwritten) {
  const GladGLContext& gl = engine.gl();
  const auto count = static_cast<GLuint>(where.size());
  const auto total = static_cast<GLuint>(problem_.output_bytes() / sizeof(float));
  std::pmr::vector<uint32_t> words(memory_);
  words.push_back(0);
  words.insert(words.end(), where.begin(), where.end());
  // Not straight to the caller, who may be gone when the driver answers.
  std::pmr::vector<float> found(count, memory_);
  uint32_t wrong = 0;
  clear_gl_errors(gl);
  GLuint buffers[2] = {};
  gl.GenBuffers(2, buffers);
  gl.BindBuffer(GL_COPY_WRITE_BUFFER, buffers[0]);
  gl.BufferData(GL_COPY_WRITE_BUFFER, static_cast<GLsizeiptr>(words.size() * 4), words.data(),
                GL_STREAM_READ);
  gl.BindBuffer(GL_COPY_WRITE_BUFFER, buffers[1]);
  gl.BufferData(GL_COPY_WRITE_BUFFER, static_cast<GLsizeiptr>(count * 4), nullptr, GL_STREAM_READ);
  gl.UseProgram(helper_->name);
  gl.BindBufferBase(GL_SHADER_STORAGE_BUFFER, 0, output_->name);
  gl.BindBufferBase(GL_SHADER_STORAGE_BUFFER, 1, buffers[1]);
  gl.BindBufferBase(GL_SHADER_STORAGE_BUFFER, 2, buffers[0]);
  for (const GLuint mode : {1u, 2u}) {
    const GLuint args[8] = {mode, mode == 1 ? total : count};
    gl.Uniform4uiv(0, 2, args);
    gl.DispatchCompute(std::clamp<GLuint>(args[1] / 1024, 1, 8192), 1, 1);
  }
  gl.MemoryBarrier(GL_BUFFER_UPDATE_BARRIER_BIT);
  gl.BindBuffer(GL_COPY_WRITE_BUFFER, buffers[1]);
  gl.GetBufferSubData(GL_COPY_WRITE_BUFFER, 0, static_cast<GLsizeiptr>(count * 4), found.data());
  gl.BindBuffer(GL_COPY_WRITE_BUFFER, buffers[0]);
  gl.GetBufferSubData(GL_COPY_WRITE_BUFFER, 0, 4, &wrong);
  gl.BindBuffer(GL_COPY_WRITE_BUFFER, 0);
  gl.DeleteBuffers(2, buffers);
  const GLenum error = gl.GetError();
  engine.context().checkpoint();
  // Says nothing about the kernel.
  if (error != GL_NO_ERROR) {
    fail(status_of_gl_error(error), "its result cannot be read (error 0x%04x)", error);
  }
  *out = std::move(found);
  *unwritten = wrong;
}

Trial::Verdict Trial::verify(const Recipe& recipe, GLuint packed, const float* weights,
                             const float* bias, Reason* reason) {
  const auto where = choose_samples(problem_, memory_);
  std::pmr::vector<double> expected(memory_);
  for (const uint32_t index : where) {
    expected.push_back(trial_output(problem_, weights, bias, index));
  }
  if (!tells(problem_, weights, bias, expected)) return Verdict::unclear;
  std::pmr::vector<float> found(memory_);
  uint32_t unwritten = 0;
  bool ended = false;
  make_room(recipe);
  thread_->call([&](Engine& engine) {
    const GladGLContext& gl = engine.gl();
    const bool software = engine.facts().software;
    const uint64_t patience = software ? software_patience_ns : patience_ns;
    const TrialPrograms programs(engine, recipe, memory_);
    await_idle(engine, patience);
    fill(engine, *output_, Fill::nan, problem_.output_bytes());
    fill(engine, *workspace_, Fill::nan, recipe.workspace_bytes);
    dispatch_recipe(gl, recipe, programs.names.data(), tensors(packed));
    gl.MemoryBarrier(GL_SHADER_STORAGE_BARRIER_BIT);
    const GLsync sync = gl.FenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
    const bool signalled = sync != nullptr && wait_sync(gl, sync, patience);
    gl.DeleteSync(sync);
    const bool scarce = gl.GetError() == GL_OUT_OF_MEMORY;
    engine.context().checkpoint();
    if (scarce) fail(SPORKLE_ERROR_OUT_OF_MEMORY, "the device has no memory to check it");
    ended = signalled;
    if (ended) read_samples(engine, where, &found, &unwritten);
  });
  if (!ended) return reason->set("it does not end"), Verdict::wrong;
  if (is_spoiled(recipe, OpenRules::spoil_result)) found[0] += 1e6f;
  if (unwritten != 0) {
    return reason->set("%u outputs are unwritten or not finite", unwritten), Verdict::wrong;
  }
  double difference = 0, norm = 0;
  for (size_t i = 0; i < where.size(); ++i) {
    difference += (found[i] - expected[i]) * (found[i] - expected[i]);
    norm += expected[i] * expected[i];
  }
  const double error = std::sqrt(difference / norm);
  if (error <= error_limit) return Verdict::right;
  reason->set("relative L2 error %.2g over %zu outputs", error, where.size());
  return Verdict::wrong;
}

}  // namespace sporkle::gl
