#include "buffers/best_gl.h"

#include <cstring>
#include <stdexcept>

#include "backends/gl/dispatch.h"
#include "backends/gl/kernels/cost.h"
#include "backends/gl/program_cache.h"
#include "core/parallel.h"

using namespace sporkle;
using namespace sporkle::gl;

namespace buffers {

namespace {

class OneThread final : public ParallelFor {
 public:
  uint32_t threads() const noexcept override { return 1; }
  void run(uint32_t count, sporkle_task task, void* data) noexcept override {
    for (uint32_t i = 0; i < count; ++i) task(data, i);
  }
};

Recipe recipe_named(const char* algorithm, const ConvProblem& problem, const Limits& limits) {
  const auto memory = std::pmr::get_default_resource();
  for (const Variant* variant : rank(problem, limits, memory, nullptr)) {
    if (std::strcmp(variant->name, algorithm) == 0) return build(*variant, problem, limits, memory);
  }
  throw std::runtime_error(std::string("no kernel is named ") + algorithm);
}

std::vector<GLuint> compile_all(const GladGLContext& gl, const std::pmr::vector<Program>& all) {
  std::vector<GLuint> names;
  std::pmr::string source;
  for (const Program& program : all) {
    source.clear();
    append_source(program, source);
    names.push_back(compile_program(gl, source.c_str(), "best"));
  }
  return names;
}

}  // namespace

BestGl::BestGl(NaiveGl* naive, const sporkle_conv2d_desc& desc, const float* weights,
               const char* algorithm)
    : naive_(naive),
      recipe_(recipe_named(algorithm, make_problem(desc), naive->context().facts().limits)) {
  const ConvProblem problem = make_problem(desc);
  input_bytes_ = problem.input_bytes();
  output_bytes_ = problem.output_bytes();
  programs_ = compile_all(naive->gl(), recipe_.programs);
  constexpr GLbitfield always = GL_MAP_PERSISTENT_BIT | GL_MAP_COHERENT_BIT;
  mapped_in_ = naive->make(input_bytes_, GL_MAP_WRITE_BIT | always, &in_);
  mapped_out_ = naive->make(output_bytes_, GL_MAP_READ_BIT | always, &out_);
  local_in_ = naive->make(input_bytes_, 0, nullptr);
  local_out_ = naive->make(output_bytes_, 0, nullptr);
  workspace_ = naive->make(recipe_.workspace_bytes + 16, 0, nullptr);
  packed_ = pack(problem, weights);
  if (in_ == nullptr || out_ == nullptr) throw std::runtime_error("no persistent map");
}

BestGl::~BestGl() {
  const GLuint names[] = {mapped_in_, mapped_out_, local_in_, local_out_, packed_, workspace_};
  naive_->gl().DeleteBuffers(6, names);
  for (const GLuint program : programs_) naive_->gl().DeleteProgram(program);
}

GLuint BestGl::pack(const ConvProblem& problem, const float* weights) {
  const GladGLContext& gl = naive_->gl();
  const GLuint packed = naive_->make(recipe_.packed_bytes, 0, nullptr);
  if (recipe_.packing.empty()) {
    std::vector<std::byte> bytes(recipe_.packed_bytes + 16);
    auto* aligned = reinterpret_cast<std::byte*>(
        (reinterpret_cast<uintptr_t>(bytes.data()) + 15) / 16 * 16);
    OneThread thread;
    pack_weights(recipe_, problem, weights, nullptr, aligned, &thread);
    gl.BindBuffer(GL_COPY_WRITE_BUFFER, packed);
    gl.BufferSubData(GL_COPY_WRITE_BUFFER, 0, static_cast<GLsizeiptr>(recipe_.packed_bytes), aligned);
    return packed;
  }
  const GLuint raw = naive_->make(problem.weights_bytes(), 0, nullptr);
  gl.BindBuffer(GL_COPY_WRITE_BUFFER, raw);
  gl.BufferSubData(GL_COPY_WRITE_BUFFER, 0, static_cast<GLsizeiptr>(problem.weights_bytes()), weights);
  const std::vector<GLuint> packers = compile_all(gl, recipe_.packers);
  dispatch_packing(gl, recipe_, packers.data(), raw, problem.weights_bytes(), 0, packed);
  for (const GLuint program : packers) gl.DeleteProgram(program);
  gl.DeleteBuffers(1, &raw);
  return packed;
}

void BestGl::dispatch(GLuint input, GLuint output) {
  const RecipeTensors tensors{{input, 0}, {packed_, 0}, {}, {output, 0}, {workspace_, 0}, {}};
  dispatch_recipe(naive_->gl(), recipe_, programs_.data(), tensors);
}

void BestGl::copy(GLuint from, GLuint to, uint64_t bytes) {
  const GladGLContext& gl = naive_->gl();
  gl.BindBuffer(GL_COPY_READ_BUFFER, from);
  gl.BindBuffer(GL_COPY_WRITE_BUFFER, to);
  gl.CopyBufferSubData(GL_COPY_READ_BUFFER, GL_COPY_WRITE_BUFFER, 0, 0,
                       static_cast<GLsizeiptr>(bytes));
}

void BestGl::spin() {
  const GladGLContext& gl = naive_->gl();
  const GLsync sync = gl.FenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
  gl.Flush();
  GLenum state;
  do state = gl.ClientWaitSync(sync, 0, 0);
  while (state == GL_TIMEOUT_EXPIRED);
  gl.DeleteSync(sync);
  if (state == GL_WAIT_FAILED) throw std::runtime_error("the sync object failed");
}

void BestGl::run_mapped(const float* input, float* output) {
  std::memcpy(in_, input, input_bytes_);
  dispatch(mapped_in_, mapped_out_);
  spin();
  std::memcpy(output, out_, output_bytes_);
}

void BestGl::run_copies(const float* input, float* output) {
  std::memcpy(in_, input, input_bytes_);
  copy(mapped_in_, local_in_, input_bytes_);
  dispatch(local_in_, local_out_);
  naive_->gl().MemoryBarrier(GL_BUFFER_UPDATE_BARRIER_BIT);
  copy(local_out_, mapped_out_, output_bytes_);
  spin();
  std::memcpy(output, out_, output_bytes_);
}

void BestGl::run_naively(const float* input, float* output) {
  const GladGLContext& gl = naive_->gl();
  gl.BindBuffer(GL_COPY_WRITE_BUFFER, local_in_);
  gl.BufferSubData(GL_COPY_WRITE_BUFFER, 0, static_cast<GLsizeiptr>(input_bytes_), input);
  dispatch(local_in_, local_out_);
  gl.MemoryBarrier(GL_BUFFER_UPDATE_BARRIER_BIT);
  gl.Finish();
  gl.BindBuffer(GL_COPY_READ_BUFFER, local_out_);
  gl.GetBufferSubData(GL_COPY_READ_BUFFER, 0, static_cast<GLsizeiptr>(output_bytes_), output);
}

}  // namespace buffers
