#include "backends/gl/tuner.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>

#include "backends/gl/kernels/cost.h"
#include "backends/gl/patience.h"
#include "backends/gl/trial_race.h"
#include "backends/gl/tuner_key.h"
#include "base/memory.h"
#include "core/cache_store.h"

namespace sporkle::gl {

namespace {

constexpr uint64_t mapped_trial_output_bytes = uint64_t{512} << 10;
constexpr const char* store_kind = "gltune";
constexpr size_t choice_limit = 512;
constexpr size_t candidate_count = 10, thorough_count = 32;
constexpr uint64_t compile_patience_ns = 30'000'000'000;

Tuner::Mode mode_of(const DeviceEnvironment& environment, const OpenRules& rules) {
  if (environment.reproducible) return Tuner::Mode::off;
  if (rules.tune_everywhere) return Tuner::Mode::everywhere;
  const char* text = environment.options->value(Option::tune);
  if (text_is_off(text)) return Tuner::Mode::off;
  if (std::strcmp(text, "on") == 0) return Tuner::Mode::everywhere;
  if (std::strcmp(text, "thorough") == 0) return Tuner::Mode::thorough;
  return Tuner::Mode::hardware;
}

// False when it is not in the list.
bool move_to_front(std::pmr::vector<const Variant*>* list, const Variant* variant) {
  const auto found = std::find(list->begin(), list->end(), variant);
  if (found == list->end()) return false;
  std::rotate(list->begin(), found, found + 1);
  return true;
}

// Two variants of one kind differ in the sizes of their tiles only.
bool same_kind(const Variant& a, const Variant& b) noexcept {
  return a.family == b.family && a.tile == b.tile && a.kernel == b.kernel &&
         (a.splits > 1) == (b.splits > 1);
}

// Brings the best of every kind among the first `count`, behind the rule's first half of
// them: the rule may err about a kind as a whole.
void mix_kinds(const ConvProblem& problem, const Limits& limits, size_t count,
               std::pmr::vector<const Variant*>* ranked) {
  constexpr double hopeless = 2.5;
  const double first = predicted_us(*(*ranked)[0], problem, limits);
  size_t taken = std::min(count / 2, ranked->size());
  for (size_t i = taken; i < ranked->size() && taken < count; ++i) {
    const Variant* variant = (*ranked)[i];
    if (predicted_us(*variant, problem, limits) > hopeless * first) break;
    const auto end = ranked->begin() + static_cast<std::ptrdiff_t>(taken);
    const bool known = std::any_of(ranked->begin(), end, [&](const Variant* other) {
      return same_kind(*variant, *other);
    });
    if (known) continue;
    std::rotate(end, ranked->begin() + static_cast<std::ptrdiff_t>(i),
                ranked->begin() + static_cast<std::ptrdiff_t>(i) + 1);
    ++taken;
  }
}

}  // namespace

Tuner::Tuner(const DeviceEnvironment& environment, const Facts& facts, const OpenRules& rules,
             DevicePlacement& placement)
    : environment_(environment),
      facts_(facts),
      rules_(rules),
      placement_(placement),
      mode_(mode_of(environment, rules)),
      share_(now_ns(), rules.tuning_grace_ns),
      record_(environment, facts),
      choices_(environment.memory) {}

bool Tuner::measures() const noexcept {
  return mode_ != Mode::off && (mode_ != Mode::hardware || !facts_.software);
}

// Who asked for a search has to know that there was none.
int32_t Tuner::notice() const noexcept {
  return mode_ == Mode::thorough ? SPORKLE_LOG_WARNING : SPORKLE_LOG_INFO;
}

TrialKinds trial_kinds(const Placement& placement, const ConvProblem& problem) noexcept {
  const auto kind = [&](BufferKind wanted, uint64_t bytes) {
    const bool mapped = placement.form_of(wanted, bytes) == MemoryForm::direct;
    // The time to write a larger output over the bus would hide what tells kernels apart.
    const bool hides = wanted == BufferKind::readback && bytes > mapped_trial_output_bytes &&
                       placement.of(wanted).form != MemoryForm::direct;
    return mapped && !hides ? wanted : BufferKind::local;
  };
  return {kind(BufferKind::upload, problem.input_bytes()),
          kind(BufferKind::readback, problem.output_bytes())};
}

const Variant* Tuner::recall(const char* key) noexcept try {
  {
    const std::lock_guard lock(mutex_);
    for (const Choice& choice : choices_) {
      if (choice.key == key) return choice.variant;
    }
  }
  std::pmr::vector<unsigned char> content(environment_.memory);
  if (!environment_.cache->get(store_kind, key, &content)) return nullptr;
  char name[sizeof Variant::name];
  size_t length = 0;
  while (length < content.size() && length + 1 < sizeof name && content[length] > ' ') {
    name[length] = static_cast<char>(content[length]);
    ++length;
  }
  name[length] = '\0';
  const Variant* variant = find_variant(name);
  if (variant == nullptr) {
    environment_.cache->blame(store_kind, key, "it names no kernel of this library");
    return nullptr;
  }
  const std::lock_guard lock(mutex_);
  choices_.push_front({std::pmr::string(key, environment_.memory), variant});
  if (choices_.size() > choice_limit) choices_.pop_back();
  return variant;
} catch (const std::bad_alloc&) {
  return nullptr;
}

void Tuner::remember(const char* key, const Variant& variant, uint64_t ns) noexcept try {
  char text[96];
  const int length = std::snprintf(text, sizeof text, "%s %" PRIu64 "\n", variant.name, ns);
  CacheStore& cache = *environment_.cache;
  const bool kept = cache.put(store_kind, key, {reinterpret_cast<const unsigned char*>(text),
                                                static_cast<size_t>(std::max(length, 0))});
  if (!kept && cache.enabled()) {
    environment_.log->write(notice(), "tuner: the choice of %s is not kept: %s cannot be written",
                            variant.name, cache.directory());
  }
  const std::lock_guard lock(mutex_);
  // Not std::erase_if: it splices, and a splice between allocators would abort.
  for (auto i = choices_.begin(); i != choices_.end();) {
    i = i->key == key ? choices_.erase(i) : std::next(i);
  }
  choices_.push_front({std::pmr::string(key, environment_.memory), &variant});
  if (choices_.size() > choice_limit) choices_.pop_back();
} catch (const std::bad_alloc&) {
}

void Tuner::keep(const ConvProblem& problem, const Variant& variant, uint64_t ns) noexcept {
  TunerKey key;
  write_similar_key(facts_, problem, key);
  remember(key, variant, ns);
  write_tuner_key(facts_, problem, key);
  remember(key, variant, ns);
}

void Tuner::reject(const Variant& variant, const Reason& reason) noexcept {
  record_.reject(variant);
  report(variant, reason);
}

void Tuner::report(const Variant& variant, const Reason& reason) noexcept {
  char cause[sizeof reason.text + 64];
  std::snprintf(cause, sizeof cause, "tuner %s %s", variant.name, reason.text);
  environment_.log->warn_once(cause, "%s: kernel %s is not used: %s", facts_.name, variant.name,
                              reason.text);
}

Tuner::Result Tuner::order(const std::shared_ptr<SubmissionThread>& thread,
                           const ConvProblem& problem, std::pmr::vector<const Variant*>* ranked) {
  if (mode_ == Mode::off || ranked->size() < 2) return {};
  TunerKey key, similar;
  write_tuner_key(facts_, problem, key);
  // A choice that does not take the problem is none: it is made anew.
  const bool thorough = mode_ == Mode::thorough;
  const auto known = [&] { return !thorough && move_to_front(ranked, recall(key)); };
  const uint64_t begin = now_ns();
  if (known()) {
    environment_.log->write(SPORKLE_LOG_DEBUG, "choice: %s is remembered, found in %.1f us",
                            (*ranked)[0]->name, static_cast<double>(now_ns() - begin) * 1e-3);
    return {nullptr, 0, true};
  }
  // What was searched for on a software driver is taken there, and nothing is tried.
  if (!measures()) return {};
  write_similar_key(facts_, problem, similar);
  if (const Variant* near = recall(similar)) move_to_front(ranked, near);
  const std::lock_guard lock(measuring_);
  // Another thread may have measured the same problem meanwhile.
  if (known()) return {nullptr, 0, true};
  if (!thorough && !share_.allows(now_ns())) return {};
  record_.drop_rejected(ranked);
  if (ranked->empty()) return {};
  const bool remembered = thorough && move_to_front(ranked, recall(key));
  const uint64_t start = now_ns();
  Result result;
  try {
    result = measure(thread, problem, remembered, ranked);
  } catch (const Error& error) {
    if (error.status == SPORKLE_ERROR_DEVICE_LOST) throw;
    environment_.log->write(notice(), "tuner: not tried, the rule decides: %s", error.reason.text);
    record_.drop_rejected(ranked);  // before it ended
  }
  const uint64_t spent = now_ns() - start;
  share_.add(spent);
  environment_.log->write(SPORKLE_LOG_DEBUG, "tuner: %.1f ms; %.2f s of %.2f s in all",
                          static_cast<double>(spent) * 1e-6, static_cast<double>(share_.spent_ns()) * 1e-9,
                          static_cast<double>(start + spent - share_.created_ns()) * 1e-9);
  return result;
}

Tuner::Proof Tuner::prove(const std::shared_ptr<SubmissionThread>& thread, const Part& part,
                          GLuint packed, const float* weights, const float* bias,
                          Reason* reason) {
  const uint64_t programs = program_hash(part.recipe);
  if (record_.proven(programs)) return Proof::known;
  const uint64_t start = now_ns();
  try {
    Trial trial(thread, environment_, rules_, part.problem, {}, {&part.recipe, 1});
    const Trial::Verdict verdict = trial.verify(part.recipe, packed, weights, bias, reason);
    share_.add(now_ns() - start);
    if (verdict == Trial::Verdict::unclear) return Proof::unchecked;
    if (verdict == Trial::Verdict::wrong) return Proof::wrong;
    record_.note_proven(programs);
    return Proof::right;
  } catch (const Error& error) {
    if (error.status == SPORKLE_ERROR_DEVICE_LOST) throw;
    share_.add(now_ns() - start);
    environment_.log->write(notice(), "tuner: %s is not verified: %s", part.recipe.variant.name,
                            error.reason.text);
    return Proof::unchecked;
  }
}

Tuner::Result Tuner::measure(const std::shared_ptr<SubmissionThread>& thread,
                             const ConvProblem& problem, bool remembered,
                             std::pmr::vector<const Variant*>* ranked) {
  TrialRace::Rules rules;
  rules.begin_ns = now_ns();
  rules.vendor = facts_.limits.vendor;
  rules.compile_patience_ns = call_patience_ns(*environment_.options, facts_.software);
  if (rules.compile_patience_ns == 0 || rules.compile_patience_ns > compile_patience_ns) {
    rules.compile_patience_ns = compile_patience_ns;
  }
  rules.automatic = std::min(ranked->size(), candidate_count);
  rules.thorough = mode_ == Mode::thorough;
  rules.remembered = remembered;
  const size_t count = rules.thorough ? std::min(ranked->size(), thorough_count) : rules.automatic;
  // Those that a plan would try come first, as they would for a plan.
  for (const size_t first : {rules.automatic, count}) {
    if (!facts_.software) mix_kinds(problem, facts_.limits, first, ranked);
  }
  std::pmr::vector<Recipe> recipes(environment_.memory);
  for (size_t i = 0; i < count; ++i) {
    recipes.push_back(build(*(*ranked)[i], problem, facts_.limits, environment_.memory));
  }
  Result result;
  result.trial = make_shared_in<Trial>(environment_.memory, thread, environment_, rules_, problem,
                                       trial_kinds(placement_.settled(), problem), recipes);
  TrialRace race(*this, *result.trial, recipes, cost_, *environment_.log);
  result.best_ns = race.run(rules);
  // Measured ones, and what was not tried; what failed is out.
  std::pmr::vector<const Variant*> sorted(environment_.memory);
  for (const size_t i : race.order()) {
    if (!race.failed(i)) sorted.push_back((*ranked)[i]);
  }
  sorted.insert(sorted.end(), ranked->begin() + static_cast<std::ptrdiff_t>(count), ranked->end());
  *ranked = std::move(sorted);
  return result;
}

}  // namespace sporkle::gl
