// Trying variants of a problem on the device before one is chosen: scratch tensors with
// random content, kernels compiled side by side, run times, and a check of the result.
// Every step is one short call on the submission thread, so that other work goes on.
#pragma once

#include <memory>
#include <span>

#include "backends/gl/dispatch.h"
#include "backends/gl/submission_thread.h"

namespace sporkle::gl {

// The kinds of buffer that operations read and write: mapped ones lie behind the bus.
struct TrialKinds {
  BufferKind input = BufferKind::local, output = BufferKind::local;
};

struct TrialPrograms;

class Trial {
 public:
  // Takes scratch memory for the problem and for the largest of the recipes.
  // Throws OUT_OF_MEMORY, DEVICE_LOST.
  Trial(std::shared_ptr<SubmissionThread> thread, const DeviceEnvironment& environment,
        const OpenRules& rules, const ConvProblem& problem, const TrialKinds& kinds,
        std::span<const Recipe> recipes);
  ~Trial();
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;

  // Begins to compile a recipe's programs.
  void start(const Recipe& recipe);

  // Whether every program of the recipe is compiled. Gives the device something to do
  // meanwhile, so that its clock is up when the first measurement comes.
  bool ready(const Recipe& recipe);

  // Gives the device work for so long, so that its clock rises. False: a software driver,
  // which has none, or one that does not end its work.
  bool keep_busy(uint64_t ns);

  // Whether the compiler, given something small, has done it after so long: what it has been
  // given before is not in its way.
  bool compiler_answers(uint64_t patience_ns);

  // Times runs on scratch tensors; keeps the programs until the trial ends. False with a
  // reason for a recipe that does not compile or does not end. Throws what says nothing about
  // the recipe: DEVICE_LOST, OUT_OF_MEMORY, BUSY when the device does not end what came before.
  bool time(const Recipe& recipe, const TimingRules& rules, Timing* out, Reason* reason);

  // Runs the recipe with these packed weights and compares outputs spread over all of
  // the result with sums in double precision; none may be left unwritten. The recipe may
  // be another one than those that the trial began with. `unclear`: what is expected is not
  // finite, all the same or too small, so that no result would tell. Throws as time().
  enum class Verdict : uint8_t { right, wrong, unclear };
  Verdict verify(const Recipe& recipe, GLuint packed, const float* weights, const float* bias,
              Reason* reason);

 private:
  void release() noexcept;
  void allocate(Engine& engine, BufferKind kind, BufferObject** out, uint64_t bytes);
  enum class Fill : uint8_t { random, nan };
  void fill(Engine& engine, const BufferObject& buffer, Fill how, uint64_t bytes,
            uint32_t seed = 0);
  void write_table(Engine& engine, const Recipe& recipe);
  void hold(const TrialPrograms& programs);
  void make_room(const Recipe& recipe);
  void await_idle(Engine& engine, uint64_t patience_ns);
  RecipeTensors tensors(GLuint packed) const noexcept;
  bool is_spoiled(const Recipe& recipe, uint32_t how) const noexcept;
  void read_samples(Engine& engine, const std::pmr::vector<uint32_t>& where,
                    std::pmr::vector<float>* out, uint32_t* unwritten);

  std::shared_ptr<SubmissionThread> thread_;
  std::pmr::memory_resource* memory_;
  OpenRules rules_;
  ConvProblem problem_;
  ProgramEntry* helper_ = nullptr;
  std::pmr::vector<ProgramEntry*> held_;
  BufferObject *input_ = nullptr, *packed_ = nullptr, *residual_ = nullptr, *output_ = nullptr,
               *workspace_ = nullptr, *samples_ = nullptr;
};

// One output of the convolution of the scratch tensors in double precision.
double trial_output(const ConvProblem& problem, const float* weights, const float* bias,
                    uint64_t index) noexcept;

// Element `index` of the scratch tensor filled with `seed`, in [-1, 1).
float trial_value(uint32_t index, uint32_t seed) noexcept;

constexpr uint32_t trial_input_seed = 1, trial_residual_seed = 2, trial_packed_seed = 3;

}  // namespace sporkle::gl
