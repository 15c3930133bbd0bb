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
  struct Rules {
    Vendor vendor = Vendor::software;
    uint64_t begin_ns = 0;             // when this choice's turn came
    uint64_t compile_patience_ns = 0;  // longer than this: the compiler hangs
    // The first so many race as they do for a plan; the others are for a thorough search.
    size_t automatic = 0;
    bool thorough = false;
    bool remembered = false;  // the first is what is remembered for this problem
  };

  // Everything outlives it. What is rejected goes to `tuner`.
  TrialRace(Tuner& tuner, Trial& trial, const std::pmr::vector<Recipe>& recipes,
            CompileCost& cost, Log& log);

  // Returns the best time, 0 when none was measured.
  uint64_t run(const Rules& rules);

  // The recipes in the order in which they are to be taken: what failed comes last.
  std::pmr::vector<size_t> order() const;
  bool failed(size_t i) const noexcept { return times_[i] == rejected; }

 private:
  struct Entry {
    uint64_t started_ns = 0;   // 0: not under way
    uint64_t expected_ns = 0;  // for its programs
  };
  static constexpr size_t none = SIZE_MAX;

  void race();
  bool begin_one();
  bool end_one();
  void end(size_t i);
  void give_up_on_the_compiler();
  bool time_once(size_t i, uint64_t* ns);
  void time_again();
  size_t fastest() const noexcept;
  void note_work(size_t i, const char* how) noexcept {
    at_work_ = i;
    how_ = how;
  }
  uint64_t spent_ns() const noexcept;

  // trial_search.cpp
  void search();
  void raise_clock(size_t i);
  void run_off();
  bool beats(size_t challenger, size_t incumbent);

  Tuner& tuner_;
  Trial& trial_;
  const std::pmr::vector<Recipe>& recipes_;
  CompileCost& cost_;
  Log& log_;
  Rules race_;
  TimingRules rules_;
  bool hurried_ = false;
  std::pmr::vector<uint64_t> times_;
  std::pmr::vector<Entry> entries_;
  std::pmr::vector<const Program*> programs_;  // begun
  size_t limit_ = 0;                           // of those to begin
  size_t next_ = 0, running_ = 0, measured_ = 0;
  size_t first_ = none, second_ = none;  // whatever the times say
  size_t at_work_ = none;                // for who asks what a driver hangs in
  const char* how_ = "";
  uint64_t pending_ns_ = 0;   // expected of those under way
  uint64_t finish_ns_ = 0;    // packing of the one that takes longest
  uint64_t last_end_ns_ = 0;  // of a candidate: one is timed at a time
};

}  // namespace sporkle::gl
