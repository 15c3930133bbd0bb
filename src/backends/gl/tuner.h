// The choice of a variant by time on the device, and its memory: in the process and in
// the cache store. One per device; any thread.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "backends/gl/compile_cost.h"
#include "backends/gl/device_placement.h"
#include "backends/gl/first_run.h"
#include "backends/gl/kernel_record.h"
#include "backends/gl/trial.h"
#include "backends/gl/tuning_share.h"

namespace sporkle::gl {

// Where the tensors of a call lie: what is read and written behind the bus is fastest
// with another kernel than what lies in the device's own memory.
TrialKinds trial_kinds(const Placement& placement, const ConvProblem& problem) noexcept;

class Tuner {
 public:
  enum class Mode : uint8_t { off, hardware, everywhere, thorough };

  Tuner(const DeviceEnvironment& environment, const Facts& facts, const OpenRules& rules,
        DevicePlacement& placement);

  // What a plan needs to know about the order it has got.
  struct Result {
    std::shared_ptr<Trial> trial;  // set when the order was measured: verify, then keep
    uint64_t best_ns = 0;
    bool remembered = false;  // the first was verified for this problem before
  };

  // Reorders `ranked`, the rule's order for `problem`: first what is remembered, or what
  // was measured now. The rule's order stays where choosing by time is off, and where
  // nothing is remembered and measuring is off (software drivers) or too expensive.
  Result order(const std::shared_ptr<SubmissionThread>& thread, const ConvProblem& problem,
               std::pmr::vector<const Variant*>* ranked);

  // Whether a plan runs its programs before its first call. Software drivers do not gain: what
  // they translate then takes as long now.
  bool runs_early() const noexcept { return !facts_.software || rules_.tune_everywhere; }
  // Whether a recipe that was not timed computes what the definition says. It runs unless equal
  // programs were found right before. `unchecked`: there is no memory for it, the device is at
  // work, or these weights would not tell.
  enum class Proof : uint8_t { known, right, wrong, unchecked };
  Proof prove(const std::shared_ptr<SubmissionThread>& thread, const Part& part, GLuint packed,
              const float* weights, const float* bias, Reason* reason);

  // Remembers a verified choice.
  void keep(const ConvProblem& problem, const Variant& variant, uint64_t ns) noexcept;
  // Says why a variant is not taken, by no problem from now on; for this plan.
  void reject(const Variant& variant, const Reason& reason) noexcept;
  void report(const Variant& variant, const Reason& reason) noexcept;

  KernelRecord& record() noexcept { return record_; }

 private:
  struct Choice {
    std::pmr::string key;
    const Variant* variant;
  };

  bool measures() const noexcept;
  int32_t notice() const noexcept;
  const Variant* recall(const char* key) noexcept;
  void remember(const char* key, const Variant& variant, uint64_t ns) noexcept;
  Result measure(const std::shared_ptr<SubmissionThread>& thread, const ConvProblem& problem,
                 bool remembered, std::pmr::vector<const Variant*>* ranked);

  DeviceEnvironment environment_;
  Facts facts_;
  OpenRules rules_;
  DevicePlacement& placement_;
  Mode mode_;
  TuningShare share_;
  KernelRecord record_;
  std::mutex measuring_;  // one trial at a time: they would disturb each other
  CompileCost cost_;      // under measuring_
  std::mutex mutex_;
  std::pmr::list<Choice> choices_;  // newest first
};

}  // namespace sporkle::gl
