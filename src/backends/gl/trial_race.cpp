#include "backends/gl/trial_race.h"

#include <algorithm>
#include <time.h>

#include "backends/gl/tuner.h"

namespace sporkle::gl {

namespace {

constexpr uint64_t budget_ns = 280'000'000;  // of a plan, verified and packed
constexpr uint64_t verify_ns = 15'000'000;   // of it after the last candidate
constexpr uint64_t timing_ns = 5'000'000;    // a candidate whose programs are there
constexpr uint64_t pack_bytes_per_ns = 3;
// Candidates that compile at the same time. NVIDIA's driver compiles in the call unless it
// is told a number of threads, and then wakes up all the time (docs/gl_kernels.md).
constexpr size_t compile_window = 3, compile_window_nvidia = 1;
constexpr uint64_t poll_ns = 500'000;
constexpr uint64_t answer_ns = 1'000'000'000;  // for something small

double ms(uint64_t ns) noexcept { return static_cast<double>(ns) * 1e-6; }

void sleep_ns(uint64_t ns) noexcept {
  const timespec time{0, static_cast<long>(ns)};
  nanosleep(&time, nullptr);
}

}  // namespace

TrialRace::TrialRace(Tuner& tuner, Trial& trial, const std::pmr::vector<Recipe>& recipes,
                     CompileCost& cost, Log& log)
    : tuner_(tuner),
      trial_(trial),
      recipes_(recipes),
      cost_(cost),
      log_(log),
      times_(recipes.size(), not_measured, recipes.get_allocator()),
      entries_(recipes.size(), recipes.get_allocator()),
      programs_(recipes.get_allocator()) {}

uint64_t TrialRace::spent_ns() const noexcept { return now_ns() - race_.begin_ns; }

uint64_t TrialRace::run(const Rules& rules) try {
  race_ = rules;
  const bool software = rules.vendor == Vendor::software;
  rules_.least_warm_ns = 0;
  rules_.warm_ns = 2'000'000;
  rules_.batch_ns = 300'000;
  rules_.batches = 3;
  // A software driver may translate in the first dispatch, for seconds beside other load.
  rules_.patience_ns = software ? 60'000'000'000 : 2'000'000'000;
  hurried_ = !software;
  limit_ = std::min(rules.automatic, recipes_.size());
  race();
  time_again();
  if (rules.thorough) search();
  const size_t best = first_ != none ? first_ : fastest();
  return best == none ? 0 : times_[best];
} catch (const Error& error) {
  if (error.status == SPORKLE_ERROR_DEVICE_LOST && at_work_ != none) {
    log_.write(SPORKLE_LOG_WARNING, "tuner: the device was lost while kernel %s was %s: %s",
               recipes_[at_work_].variant.name, how_, error.reason.text);
  }
  throw;
}

void TrialRace::race() {
  next_ = 0;
  const size_t window = race_.vendor == Vendor::nvidia ? compile_window_nvidia : compile_window;
  Deadline patience = Deadline::after(race_.compile_patience_ns);
  for (;;) {
    while (running_ < window && begin_one()) {
    }
    if (running_ == 0) return;
    if (end_one()) patience = Deadline::after(race_.compile_patience_ns);
    else if (patience.passed()) return give_up_on_the_compiler();
    else sleep_ns(poll_ns);
  }
}

// The fastest that was measured.
size_t TrialRace::fastest() const noexcept {
  const auto best = std::min_element(times_.begin(), times_.end());
  if (best == times_.end() || *best >= rejected) return none;
  return static_cast<size_t>(best - times_.begin());
}

std::pmr::vector<size_t> TrialRace::order() const {
  std::pmr::vector<size_t> order(recipes_.get_allocator());
  for (size_t i = 0; i < times_.size(); ++i) order.push_back(i);
  const auto place = [&](size_t i) {
    if (i == first_) return 0;
    if (i == second_) return 1;
    return times_[i] < rejected ? 2 : times_[i] == not_measured ? 3 : 4;
  };
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    if (place(a) != place(b)) return place(a) < place(b);
    return place(a) == 2 && times_[a] < times_[b];
  });
  return order;
}

// Begins the next candidate that can be expected to end in time; one has to.
bool TrialRace::begin_one() {
  while (next_ < limit_) {
    const size_t i = next_++;
    if (times_[i] != not_measured) continue;
    const Recipe& recipe = recipes_[i];
    const uint64_t expected = timing_ns + cost_.of(recipe, programs_);
    const uint64_t packing = recipe.packed_bytes / pack_bytes_per_ns;
    const uint64_t finish = std::max(finish_ns_, packing);
    const bool needed = measured_ + running_ == 0;
    const uint64_t end = spent_ns() + pending_ns_ + expected + finish + verify_ns;
    if (hurried_ && !needed && end > budget_ns) continue;
    entries_[i] = {now_ns(), expected};
    note_work(i, "compiled");
    trial_.start(recipe);
    for (const auto* programs : {&recipe.programs, &recipe.packers}) {
      for (const Program& program : *programs) programs_.push_back(&program);
    }
    pending_ns_ += expected;
    finish_ns_ = finish;
    ++running_;
    return true;
  }
  return false;
}

// Times a candidate that is compiled; false when none is.
bool TrialRace::end_one() {
  for (size_t i = 0; i < next_; ++i) {
    if (entries_[i].started_ns == 0) continue;
    note_work(i, "compiled");
    if (!trial_.ready(recipes_[i])) continue;
    end(i);
    return true;
  }
  return false;
}

void TrialRace::end(size_t i) {
  const Recipe& recipe = recipes_[i];
  const uint64_t started = entries_[i].started_ns, expected = entries_[i].expected_ns;
  const uint64_t ready = now_ns();
  entries_[i].started_ns = 0;
  pending_ns_ -= expected;
  --running_;
  if (!time_once(i, &times_[i])) {
    last_end_ns_ = now_ns();
    return;
  }
  ++measured_;
  const uint64_t end = now_ns(), alone = end - std::max(started, last_end_ns_);
  last_end_ns_ = end;
  cost_.learn(recipe, expected, alone);
  log_.write(SPORKLE_LOG_DEBUG,
             "tuner: %s begun at %.1f ms, compiled in %.1f, timed in %.1f, %.1f after the last "
             "(expected %.1f): %.1f us",
             recipe.variant.name, ms(started - race_.begin_ns), ms(ready - started), ms(end - ready),
             ms(alone), ms(expected), ms(times_[i]) * 1e3);
}

// Those under way have not been compiled in all that time. Where the compiler takes something
// else meanwhile, none of them is tried again; where not, they may wait for the one that was
// begun first, and only that one is to blame.
void TrialRace::give_up_on_the_compiler() {
  Reason reason;
  reason.set("its compiler has not ended after %.0f s", ms(race_.compile_patience_ns) * 1e-3);
  const bool side_by_side = trial_.compiler_answers(answer_ns);
  const auto begun = [](const Entry& entry) {
    return entry.started_ns == 0 ? UINT64_MAX : entry.started_ns;
  };
  const auto first = std::min_element(
      entries_.begin(), entries_.end(),
      [&](const Entry& a, const Entry& b) { return begun(a) < begun(b); });
  const auto oldest = static_cast<size_t>(first - entries_.begin());
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].started_ns == 0) continue;
    if (i == oldest || side_by_side) {
      times_[i] = rejected;
      tuner_.reject(recipes_[i].variant, reason);
    } else {
      log_.write(SPORKLE_LOG_INFO, "tuner: %s is not tried: the compiler hangs in %s",
                 recipes_[i].variant.name, recipes_[oldest].variant.name);
    }
  }
  for (Entry& entry : entries_) entry.started_ns = 0;
  running_ = 0;
  pending_ns_ = 0;
}

// The fastest batch: others are disturbed.
bool TrialRace::time_once(size_t i, uint64_t* ns) {
  Reason reason;
  Timing timing;
  note_work(i, "linked or timed");
  if (!trial_.time(recipes_[i], rules_, &timing, &reason)) {
    times_[i] = rejected;
    tuner_.reject(recipes_[i].variant, reason);
    return false;
  }
  *ns = timing.fastest_ns;
  return true;
}

// Once more for the first three: the clock may have risen since.
void TrialRace::time_again() {
  std::pmr::vector<size_t> order(recipes_.get_allocator());
  for (size_t i = 0; i < times_.size(); ++i) order.push_back(i);
  const size_t repeats = std::min<size_t>(order.size(), 3);
  for (size_t again = 0; again < repeats; ++again) {
    if (hurried_ && spent_ns() + timing_ns + finish_ns_ + verify_ns > budget_ns) return;
    // The order changes as times fall.
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return times_[a] < times_[b]; });
    const size_t i = order[again];
    uint64_t ns = 0;
    if (times_[i] < rejected && time_once(i, &ns)) times_[i] = std::min(times_[i], ns);
  }
}

}  // namespace sporkle::gl
