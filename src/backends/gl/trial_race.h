// Candidates for one problem on their way through the compiler and the clock. Those begun
// compile side by side; each is timed as soon as it is ready, and none is begun that cannot
// be expected to end within the budget of a plan.
#pragma once

#include "backends/gl/compile_cost.h"
#include "backends/gl/trial.h"

namespace sporkle::gl {

class Tuner;

// Instead of a time.
constexpr uint64_t not_measured = UINT64_MAX, rejected = UINT64_MAX - 1;

class TrialRace {
 public:
  // Everything outlives it; `times` has an entry per recipe, not_measured. What is rejected
  // goes to `tuner`.
  TrialRace(Tuner& tuner, Trial& trial, const std::pmr::vector<Recipe>& recipes,
            CompileCost& cost, Log& log, std::pmr::vector<uint64_t>* times);

  // Fills in what is measured; returns the best time, 0 when none was measured. `begin_ns`:
  // when the plan was asked for; the budget counts from there where it is `hurried`.
  uint64_t run(Vendor vendor, uint64_t begin_ns, bool thorough, bool hurried);

 private:
  struct Entry {
    uint64_t started_ns = 0;   // 0: not under way
    uint64_t expected_ns = 0;  // for its programs
  };

  bool begin_one();
  bool end_one();
  void end(size_t i);
  void time_again(bool thorough);
  uint64_t spent_ns() const noexcept;

  Tuner& tuner_;
  Trial& trial_;
  const std::pmr::vector<Recipe>& recipes_;
  CompileCost& cost_;
  Log& log_;
  std::pmr::vector<uint64_t>& times_;
  TimingRules rules_;
  uint64_t begin_ns_ = 0;
  bool hurried_ = false;
  std::pmr::vector<Entry> entries_;
  std::pmr::vector<const Program*> programs_;  // begun
  size_t next_ = 0, running_ = 0, measured_ = 0;
  uint64_t pending_ns_ = 0;   // expected of those under way
  uint64_t finish_ns_ = 0;    // packing of the one that takes longest
  uint64_t last_end_ns_ = 0;  // of a candidate: one is timed at a time
};

}  // namespace sporkle::gl
