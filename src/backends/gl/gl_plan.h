// A convolution prepared for an OpenGL device: recipe, programs, packed weights.
#pragma once

#include <mutex>

#include "backends/gl/buffer_object.h"
#include "backends/gl/gl_work.h"
#include "backends/gl/program_cache.h"
#include "core/device.h"

namespace sporkle::gl {

class KernelRecord;
class SubmissionThread;
class Tuner;

class GlPlan final : public GlWork {
 public:
  // Takes the kernel that the tuner remembers or finds, else the first of the rule's
  // order that the driver compiles; a reproducible one does not depend on the batch size,
  // nor on how much memory there is. Throws
  // OPERATION_FAILED with the driver's log, OUT_OF_MEMORY, DEVICE_LOST.
  GlPlan(std::shared_ptr<SubmissionThread> thread, const DeviceEnvironment& environment,
         const Facts& facts, const OpenRules& rules, Tuner& tuner, const ConvProblem& problem,
         const float* weights, const float* bias);
  // A part of the batch of `whole`, with its kernel, programs and packed weights.
  GlPlan(const GlPlan& whole, const ConvProblem& problem, Recipe recipe);
  ~GlPlan() override;

  // This plan for fewer images, made once and kept as long as this plan. The
  // same kernel: each image's output has the same bits. Null where the kernel
  // does not take the part as it took the whole.
  GlPlan* piece(int64_t images, const Limits& limits);

  const char* algorithm() const noexcept override { return recipe_.variant.name; }
  uint64_t packed_bytes() const noexcept override { return recipe_.packed_bytes; }
  uint64_t workspace_bytes() const noexcept override { return recipe_.workspace_bytes; }

  bool usable() const noexcept override;

  const Recipe& recipe() const noexcept { return recipe_; }
  // Of recipe().programs, in their order.
  const GLuint* program_names() const noexcept { return program_names_.data(); }
  GLuint packed_name() const noexcept { return packed_->name; }
  uint64_t generation() const noexcept override { return packed_->generation; }
  std::span<const GlStep> steps() const noexcept override { return {&step_, 1}; }

 private:
  void set_step() noexcept;
  std::pmr::vector<const Variant*> candidates(const DeviceEnvironment& environment,
                                              const Facts& facts, const OpenRules& rules,
                                              KernelRecord& record);
  void choose(const DeviceEnvironment& environment, const Facts& facts, const OpenRules& rules,
              Tuner& tuner, const float* weights, const float* bias);
  void choose_exact(const Facts& facts, const KernelRecord& record);
  void reserve_workspace(const Facts& facts);
  bool run_early(const Facts& facts, Tuner& tuner, bool verified, const float* weights,
                 const float* bias, Reason* reason);
  void note_ran() noexcept;
  void compile();
  void release_programs() noexcept;
  void release_packed() noexcept;
  void pack(const DeviceEnvironment& environment, const Facts& facts, const float* weights,
            const float* bias);
  void pack_on_device(const float* weights, const float* bias);

  std::shared_ptr<SubmissionThread> thread_;
  std::pmr::memory_resource* memory_;
  Recipe recipe_;
  std::pmr::vector<ProgramEntry*> programs_;
  std::pmr::vector<GLuint> program_names_;
  BufferObject* packed_ = nullptr;
  bool is_piece_ = false;
  GlStep step_;
  std::mutex pieces_mutex_;
  std::pmr::vector<std::shared_ptr<GlPlan>> pieces_;
};

}  // namespace sporkle::gl
