// Which kernel a plan takes, and its first run.
#include <algorithm>
#include <cstring>

#include "backends/gl/engine.h"
#include "backends/gl/gl_plan.h"
#include "backends/gl/submission_thread.h"
#include "backends/gl/tuner.h"

namespace sporkle::gl {

// The rule's order, without what failed before; or what is named.
std::pmr::vector<const Variant*> GlPlan::candidates(const DeviceEnvironment& environment,
                                                    const Facts& facts, const OpenRules& rules,
                                                    KernelRecord& record) {
  Reason reason;
  auto ranked = rank(problem(), facts.limits, memory_, &reason, environment.reproducible);
  if (rules.spoil == OpenRules::only_variant) {
    std::erase_if(ranked, [&](const Variant* v) {
      return std::strcmp(v->name, rules.spoiled_variant) != 0;
    });
  }
  if (ranked.empty()) fail(SPORKLE_ERROR_UNSUPPORTED, "device: %s", reason.text);
  const char* wish = environment.options->value(Option::gl_kernel);
  const Variant* wished = find_variant(wish);
  if (wish[0] != '\0' && wished == nullptr) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "SPORKLE_GL_KERNEL: \"%.40s\" is no kernel", wish);
  }
  // Who names a kernel gets it or the reason why not, each time anew.
  if (std::find(ranked.begin(), ranked.end(), wished) != ranked.end()) ranked.assign(1, wished);
  else record.drop_rejected(&ranked);
  return ranked;
}

void GlPlan::choose(const DeviceEnvironment& environment, const Facts& facts,
                    const OpenRules& rules, Tuner& tuner, const float* weights,
                    const float* bias) {
  Reason reason;
  const bool any_batch = environment.reproducible;
  auto ranked = candidates(environment, facts, rules, tuner.record());
  auto order = tuner.order(thread_, problem(), &ranked);
  if (ranked.empty()) {
    fail(SPORKLE_ERROR_OPERATION_FAILED,
         "device: every kernel for the problem hangs, computes wrongly or does not compile");
  }
  const Variant* refused = nullptr;
  Error refusal;
  const auto report_refused = [&] {
    if (refused != nullptr) tuner.report(*refused, refusal.reason);
    refused = nullptr;
  };
  uint64_t most_bytes = UINT64_MAX;
  for (size_t i = 0; i < ranked.size(); ++i) {
    uint64_t bytes = 0;
    bool made = false;
    try {
      recipe_ = build(*ranked[i], problem(), facts.limits, memory_, any_batch);
      bytes = recipe_.packed_bytes + recipe_.workspace_bytes;
      if (bytes > most_bytes) continue;
      report_refused();
      compile();
      pack(environment, facts, weights, bias);
      // Last: a kernel that is refused before has taken nothing that outlives it.
      reserve_workspace(facts);
      made = true;
      if (order.trial == nullptr) {
        const bool verified = order.remembered && i == 0;
        if (run_early(facts, tuner, verified, weights, bias, &reason)) return;
      } else if (const auto verdict =
                     order.trial->verify(recipe_, packed_->name, weights, bias, &reason);
                 verdict == Trial::Verdict::unclear) {
        return;  // timed, but these weights do not tell: taken, not remembered
      } else if (verdict == Trial::Verdict::right) {
        note_ran();
        // Also where a faster one computes wrongly: the next process need not find out. Not
        // where there was no memory for it: the next time there may be.
        const bool scarce = most_bytes != UINT64_MAX;
        if (!scarce) tuner.keep(problem(), *ranked[i], i == 0 ? order.best_ns : 0);
        return;
      }
      tuner.reject(*ranked[i], reason);
      fail(SPORKLE_ERROR_OPERATION_FAILED, "kernel %s is not used: %s", ranked[i]->name,
           reason.text);
    } catch (const Error& error) {
      // Only the check waits for what came before: taken as the rule would, not remembered.
      if (made && error.status == SPORKLE_ERROR_BUSY) return;
      release_programs();
      release_packed();
      // A driver may reject one shader and take the next; what the device has no memory for
      // gives way to what needs half as much, unless the bits are promised; a lost device
      // takes none.
      const bool scarce = error.status == SPORKLE_ERROR_OUT_OF_MEMORY && !any_batch;
      if (scarce) most_bytes = bytes / 2;
      else if (error.status != SPORKLE_ERROR_OPERATION_FAILED &&
               error.status != SPORKLE_ERROR_UNSUPPORTED) throw;
      report_refused();
      refused = ranked[i];
      refusal = error;
    }
  }
  throw refusal;
}

// Where there is no memory for it, a kernel for any batch takes fewer images at a time; its
// programs and packed weights are the same.
void GlPlan::reserve_workspace(const Facts& facts) {
  for (Limits limits = facts.limits;;) {
    try {
      return thread_->call(
          [this](Engine& engine) { engine.reserve_workspace(recipe_.workspace_bytes); });
    } catch (const Error& error) {
      const Variant variant = recipe_.variant;
      limits.max_workspace_bytes = recipe_.workspace_bytes / 2;
      const bool smaller = recipe_.any_batch && recipe_.workspace_bytes != 0 &&
                           accepts(variant, problem(), limits, nullptr);
      if (error.status != SPORKLE_ERROR_OUT_OF_MEMORY || !smaller) throw;
      recipe_ = build(variant, problem(), limits, memory_, true);
    }
  }
}

// What was not timed is verified, and runs once, so that the first call finds machine code.
bool GlPlan::run_early(const Facts& facts, Tuner& tuner, bool verified, const float* weights,
                       const float* bias, Reason* reason) {
  const auto ran = [](const ProgramEntry* entry) {
    return entry->ran.load(std::memory_order_relaxed);
  };
  if (!tuner.runs_early() || std::all_of(programs_.begin(), programs_.end(), ran)) return true;
  const Part part = least_part(recipe_, problem(), facts.limits, memory_);
  using Proof = Tuner::Proof;
  const Proof proof = verified ? Proof::known
                               : tuner.prove(thread_, part, packed_->name, weights, bias, reason);
  if (proof == Proof::wrong) return false;
  if (proof != Proof::right) warm_up(*thread_, part, program_names_, *packed_, memory_);
  if (proof != Proof::unchecked) note_ran();
  return true;
}

void GlPlan::note_ran() noexcept {
  for (ProgramEntry* program : programs_) program->ran.store(true, std::memory_order_relaxed);
}

// A weight that is infinite or NaN may not meet the zeros of padding, nor the
// sums of a Winograd transform: only the direct kernels do exactly what the
// definition says.
void GlPlan::choose_exact(const Facts& facts, const KernelRecord& record) {
  Reason reason;
  for (const char* name : {"direct_4x4", "direct_1x4", "direct_1x1"}) {
    const Variant* variant = find_variant(name);
    if (!accepts(*variant, problem(), facts.limits, &reason)) continue;
    if (record.rejected(*variant)) {
      reason.set("%s failed for another problem", name);
      continue;
    }
    recipe_ = build(*variant, problem(), facts.limits, memory_);
    for (Program& program : recipe_.programs) {
      if (program.shader == Program::Shader::direct) {
        program.defines.append("#define EXACT_PADDING\n");
      }
    }
    compile();
    return;
  }
  fail(SPORKLE_ERROR_UNSUPPORTED, "weights: not all finite, and the kernels for that refuse: %s",
       reason.text);
}

}  // namespace sporkle::gl
