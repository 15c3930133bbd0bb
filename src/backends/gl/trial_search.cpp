// The thorough search behind the race for a plan: all candidates by turns, and what the plan
// would take against the fastest of them.
#include <algorithm>

#include "backends/gl/trial_race.h"

namespace sporkle::gl {

namespace {

constexpr size_t run_off_rounds = 5, duel_rounds = 9;
// A time that is less than this much better is none: what is chosen already stays.
constexpr double margin = 0.02;
// While a driver compiles for a tenth of a second, a GPU's clock falls to a fifth, and takes
// some 200 ms of work to rise (H100).
constexpr uint64_t clock_step_ns = 100'000'000, clock_patience_ns = 2'000'000'000;
constexpr int steady_count = 4;

double us(uint64_t ns) noexcept { return static_cast<double>(ns) * 1e-3; }

uint64_t median(uint64_t* first, size_t count) noexcept {
  std::sort(first, first + count);
  return first[count / 2];
}

}  // namespace

void TrialRace::search() {
  const bool keeps = race_.remembered && !times_.empty() && times_[0] < rejected;
  const size_t incumbent = keeps ? 0 : fastest();
  hurried_ = false;
  limit_ = recipes_.size();
  race();
  if (fastest() == none) return;
  raise_clock(incumbent != none ? incumbent : fastest());
  run_off();
  const size_t challenger = fastest();
  first_ = challenger;
  if (incumbent == none || incumbent == challenger || times_[incumbent] >= rejected) return;
  // What the plan would take stays at hand for the case that the result is wrong.
  first_ = beats(challenger, incumbent) ? challenger : incumbent;
  second_ = first_ == challenger ? incumbent : challenger;
}

// Work until a candidate takes the same time again and again.
void TrialRace::raise_clock(size_t i) {
  const Deadline end = Deadline::after(clock_patience_ns);
  uint64_t last = 0, ns = 0;
  for (int steady = 0; steady < steady_count && !end.passed(); last = ns) {
    if (!trial_.keep_busy(clock_step_ns) || !time_once(i, &ns)) return;
    const double change = last == 0 ? 1.0 : us(ns) / us(last) - 1.0;
    steady = change < margin && change > -margin ? steady + 1 : 1;
  }
}

// Every one in each round, with everything compiled; the median of the rounds counts.
void TrialRace::run_off() {
  const size_t count = times_.size();
  std::pmr::vector<uint64_t> found(run_off_rounds * count, 0, recipes_.get_allocator());
  for (size_t round = 0; round < run_off_rounds; ++round) {
    for (size_t i = 0; i < count; ++i) {
      if (times_[i] < rejected) time_once(i, &found[i * run_off_rounds + round]);
    }
  }
  for (size_t i = 0; i < count; ++i) {
    if (times_[i] >= rejected) continue;
    uint64_t* const first = &found[i * run_off_rounds];
    const uint64_t before = times_[i];
    times_[i] = median(first, run_off_rounds);
    log_.write(SPORKLE_LOG_DEBUG, "tuner: %s in %zu rounds: %.1f us (%.1f to %.1f), %.1f before",
               recipes_[i].variant.name, run_off_rounds, us(times_[i]), us(first[0]),
               us(first[run_off_rounds - 1]), us(before));
  }
}

// By turns, each as often first as second; the medians.
bool TrialRace::beats(size_t challenger, size_t incumbent) {
  uint64_t new_ns[duel_rounds] = {}, old_ns[duel_rounds] = {};
  for (size_t round = 0; round < duel_rounds; ++round) {
    const bool old_first = round % 2 == 0;
    if (old_first && !time_once(incumbent, &old_ns[round])) return true;
    if (!time_once(challenger, &new_ns[round])) return false;
    if (!old_first && !time_once(incumbent, &old_ns[round])) return true;
  }
  times_[challenger] = median(new_ns, duel_rounds);
  times_[incumbent] = median(old_ns, duel_rounds);
  const bool better = us(times_[challenger]) * (1.0 + margin) < us(times_[incumbent]);
  log_.write(SPORKLE_LOG_DEBUG, "tuner: %s %.1f us, %s %.1f us in %zu rounds by turns: the %s",
             recipes_[incumbent].variant.name, us(times_[incumbent]),
             recipes_[challenger].variant.name, us(times_[challenger]), duel_rounds,
             better ? "second" : "first");
  return better;
}

}  // namespace sporkle::gl
