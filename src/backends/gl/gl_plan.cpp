#include "backends/gl/gl_plan.h"

#include <algorithm>
#include <cmath>

#include "backends/gl/engine.h"
#include "backends/gl/submission_thread.h"
#include "backends/gl/tuner.h"
#include "base/memory.h"

namespace sporkle::gl {

namespace {

// First guesses, replaced by observation: FLOPs per nanosecond.
constexpr uint64_t hardware_rate = 2000;
constexpr uint64_t software_rate = 10;

bool all_finite(const float* values, uint64_t count) noexcept {
  for (uint64_t i = 0; i < count; ++i) {
    if (!std::isfinite(values[i])) return false;
  }
  return true;
}

// The host's parallel loop, where the context lends one.
class HostParallelFor final : public ParallelFor {
 public:
  explicit HostParallelFor(const DeviceEnvironment& environment)
      : run_(environment.parallel_for),
        user_(environment.parallel_for_user),
        threads_(environment.parallel_for_threads) {}

  bool lent() const noexcept { return run_ != nullptr; }
  uint32_t threads() const noexcept override { return threads_; }
  void run(uint32_t count, sporkle_task task, void* data) noexcept override {
    run_(user_, count, task, data);
  }

 private:
  sporkle_parallel_for run_;
  void* user_;
  uint32_t threads_;
};

}  // namespace

GlPlan::GlPlan(std::shared_ptr<SubmissionThread> thread, const DeviceEnvironment& environment,
               const Facts& facts, const OpenRules& rules, Tuner& tuner,
               const ConvProblem& problem, const float* weights, const float* bias)
    : GlWork(problem),
      thread_(std::move(thread)),
      memory_(environment.memory),
      recipe_(environment.memory),
      programs_(environment.memory),
      program_names_(environment.memory),
      pieces_(environment.memory) {
  try {
    if (all_finite(weights, problem.weights_bytes() / sizeof(float))) {
      choose(environment, facts, rules, tuner, weights, bias);
    } else {
      choose_exact(facts, tuner.record());
      pack(environment, facts, weights, bias);
      // Sums of what is not finite tell nothing.
      run_early(facts, tuner, true, weights, bias, nullptr);
    }
  } catch (...) {
    release_programs();
    release_packed();
    throw;
  }
  const uint64_t rate = facts.software ? software_rate : hardware_rate;
  guess_duration(problem.flops() / rate + 5000);
  set_step();
}

GlPlan::GlPlan(const GlPlan& whole, const ConvProblem& problem, Recipe recipe)
    : GlWork(problem),
      thread_(whole.thread_),
      memory_(whole.memory_),
      recipe_(std::move(recipe)),
      programs_(whole.memory_),
      program_names_(whole.program_names_, whole.memory_),
      packed_(whole.packed_),
      is_piece_(true),
      pieces_(whole.memory_) {
  const auto parts = static_cast<uint64_t>(std::max<int64_t>(whole.problem().n / problem.n, 1));
  guess_duration(whole.expected_ns() / parts);
  set_step();
}

void GlPlan::set_step() noexcept {
  const ConvProblem& problem = this->problem();
  using Source = StepTensor::Source;
  step_ = {this, {Source::input, 0},
           {problem.has_residual ? Source::residual : Source::none, 0}, {Source::output, 0}};
}

GlPlan::~GlPlan() {
  release_programs();
  release_packed();
}

void GlPlan::release_packed() noexcept {
  if (packed_ != nullptr && !is_piece_) thread_->release(packed_);
  packed_ = nullptr;
}

void GlPlan::compile() {
  programs_.reserve(recipe_.programs.size());
  program_names_.reserve(recipe_.programs.size());
  thread_->call([this](Engine& engine) {
    std::pmr::string source(memory_);
    const auto write = [&](const Program& program) {
      source.clear();
      append_source(program, source);
    };
    // All at once: drivers compile on several threads.
    for (const auto* programs : {&recipe_.programs, &recipe_.packers}) {
      for (const Program& program : *programs) {
        write(program);
        engine.start_program(source);
      }
    }
    for (const Program& program : recipe_.programs) {
      write(program);
      programs_.push_back(engine.acquire_program(source, shader_name(program.shader)));
      program_names_.push_back(programs_.back()->name);
    }
  });
}

void GlPlan::release_programs() noexcept {
  for (ProgramEntry* program : programs_) program->users.fetch_sub(1, std::memory_order_release);
  programs_.clear();
  program_names_.clear();
}

// The device transforms the weights: far more bytes come out than go in.
void GlPlan::pack_on_device(const float* weights, const float* bias) {
  const uint64_t weights_bytes = problem().weights_bytes();
  const uint64_t bias_bytes = bias != nullptr ? sizeof(float) * problem().k : 0;
  std::pmr::polymorphic_allocator<> allocator(memory_);
  BufferObject* raw = allocator.new_object<BufferObject>();
  try {
    packed_ = allocator.new_object<BufferObject>();
    thread_->call([&](Engine& engine) {
      engine.create_buffer(BufferKind::local, recipe_.packed_bytes, packed_);
      engine.create_buffer(BufferKind::local, weights_bytes + bias_bytes, raw);
      engine.fill_local(*raw, weights, weights_bytes);
      if (bias != nullptr) engine.fill_local(*raw, bias, bias_bytes, weights_bytes);
      std::pmr::vector<GLuint> names(memory_);
      std::pmr::vector<ProgramEntry*> packers(memory_);
      std::pmr::string source(memory_);
      for (const Program& program : recipe_.packers) {
        source.clear();
        append_source(program, source);
        packers.push_back(engine.acquire_program(source, shader_name(program.shader)));
        names.push_back(packers.back()->name);
      }
      dispatch_packing(engine.gl(), recipe_, names.data(), raw->name, weights_bytes, bias_bytes,
                       packed_->name);
      for (ProgramEntry* entry : packers) entry->users.fetch_sub(1, std::memory_order_release);
      // Weights that a refused dispatch did not write would be taken for weights.
      const Status status = status_of_gl_error(engine.gl().GetError());
      engine.context().checkpoint();
      if (status != SPORKLE_OK) fail(status, "plan: the OpenGL driver did not pack the weights");
    });
  } catch (...) {
    thread_->release(raw);
    throw;
  }
  thread_->release(raw);
}

void GlPlan::pack(const DeviceEnvironment& environment, const Facts& facts, const float* weights,
                  const float* bias) {
  if (!recipe_.packing.empty()) return pack_on_device(weights, bias);
  HostParallelFor parallel(environment);
  ParallelFor* const lent = parallel.lent() ? &parallel : nullptr;
  std::pmr::polymorphic_allocator<> allocator(memory_);
  packed_ = allocator.new_object<BufferObject>();
  const uint64_t bytes = recipe_.packed_bytes;
  if (facts.buffer_storage && facts.software) {
    // One memory: the kernels read the mapped buffer at full rate.
    thread_->call(
        [&](Engine& engine) { engine.create_buffer(BufferKind::upload, bytes, packed_); });
    thread_->touch_mapped([&] {
      pack_weights(recipe_, problem(), weights, bias, static_cast<std::byte*>(packed_->map), lent);
    });
    thread_->call([&](Engine& engine) { engine.flush_mapped(*packed_); });
    return;
  }
  AlignedBlock host(memory_, bytes);
  pack_weights(recipe_, problem(), weights, bias, static_cast<std::byte*>(host.data()), lent);
  thread_->call([&](Engine& engine) {
    engine.create_buffer(BufferKind::local, bytes, packed_);
    engine.fill_local(*packed_, host.data(), bytes);
  });
}

GlPlan* GlPlan::piece(int64_t images, const Limits& limits) {
  const std::lock_guard lock(pieces_mutex_);
  for (const auto& known : pieces_) {
    if (known->problem().n == images) return known.get();
  }
  Part part{problem(), Recipe(memory_)};
  if (!take_part(recipe_, problem(), images, limits, memory_, &part)) return nullptr;
  pieces_.push_back(make_shared_in<GlPlan>(memory_, *this, part.problem, std::move(part.recipe)));
  return pieces_.back().get();
}

bool GlPlan::usable() const noexcept { return thread_->generation() == generation(); }

}  // namespace sporkle::gl
