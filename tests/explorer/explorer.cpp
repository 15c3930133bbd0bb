#include "explorer/explorer.h"

#include <cinttypes>
#include <cstdio>
#include <memory_resource>
#include <unordered_set>
#include <vector>

#include "explorer/scenarios.h"

using namespace explorer;

namespace {

struct Hash {
  uint64_t a = 0x9e3779b97f4a7c15u, b = 0xc2b2ae3d27d4eb4fu;

  void add(const void* data, size_t bytes) {
    const auto* p = static_cast<const unsigned char*>(data);
    for (; bytes >= 8; p += 8, bytes -= 8) {
      uint64_t word;
      std::memcpy(&word, p, 8);
      a = (a ^ word) * 0xff51afd7ed558ccdu;
      a ^= a >> 32;
      b = (b + word) * 0x9fb21c651e98df25u;
      b ^= b >> 29;
    }
  }
  bool operator==(const Hash&) const = default;
};

struct HashOf {
  size_t operator()(const Hash& h) const { return h.a; }
};

// The parts of a thread that say something: its log is seldom full.
size_t log_bytes(const Thread& t) { return t.log_size * sizeof t.log[0]; }
size_t buffer_bytes(const Thread& t) { return t.buffered * sizeof t.buffer[0]; }

Hash hash_state(const Scenario& scenario) {
  Hash h;
  const World& world = now.world;
  h.add(&world, offsetof(World, slots));
  h.add(world.slots, static_cast<size_t>(scenario.capacity) * sizeof world.slots[0]);
  h.add(&world.head, offsetof(World, known) - offsetof(World, head));
  h.add(world.known, static_cast<size_t>(scenario.fences) * sizeof world.known[0]);
  for (int i = 0; i < scenario.threads; ++i) {
    const Thread& t = now.threads[i];
    h.add(&t, offsetof(Thread, log));
    h.add(t.log, log_bytes(t));
    h.add(t.buffer, buffer_bytes(t));
  }
  return h;
}

void copy_threads(Thread* to, const Thread* from, int threads) {
  for (int i = 0; i < threads; ++i) {
    std::memcpy(static_cast<void*>(&to[i]), &from[i], offsetof(Thread, log) + log_bytes(from[i]));
    std::memcpy(to[i].buffer, from[i].buffer, buffer_bytes(from[i]));
  }
}

class Search {
 public:
  Search(const Scenario& scenario, explorer_report* report)
      : scenario_(scenario), report_(report) {}

  void run() {
    model_start(scenario_);
    visit();
  }

 private:
  struct Saved {
    World world;
    Thread threads[3];
  };

  void visit();
  enum class Choice { step, flush, expire };
  void choose(int thread, Choice choice, const Saved& saved);
  void check_end();
  void report_violation();

  const Scenario& scenario_;
  explorer_report* report_;
  std::pmr::monotonic_buffer_resource memory_;  // nothing is ever taken out of the set
  std::pmr::unordered_set<Hash, HashOf> seen_{&memory_};
  std::vector<Step> path_;
};

void Search::visit() {
  if (!seen_.insert(hash_state(scenario_)).second) return;
  ++report_->states;
  Saved saved;
  std::memcpy(static_cast<void*>(&saved.world), &now.world, sizeof saved.world);
  copy_threads(saved.threads, now.threads, scenario_.threads);
  bool stuck = true;
  for (int thread = 0; thread < scenario_.threads && violation == nullptr; ++thread) {
    if (model_enabled(scenario_, thread)) {
      stuck = false;
      choose(thread, Choice::step, saved);
    }
    if (violation == nullptr && now.threads[thread].buffered != 0) {
      stuck = false;
      choose(thread, Choice::flush, saved);
    }
    if (violation == nullptr && model_expires(scenario_, thread)) {
      stuck = false;
      choose(thread, Choice::expire, saved);
    }
  }
  if (stuck && violation == nullptr) check_end();
}

void Search::choose(int thread, Choice choice, const Saved& saved) {
  switch (choice) {
    case Choice::step: model_step(scenario_, thread); break;
    case Choice::flush: machine.flush_one(thread); break;
    case Choice::expire: model_expire(scenario_, thread); break;
  }
  path_.push_back(machine.last());
  if (violation == nullptr) visit();
  if (violation != nullptr) {
    report_violation();
    return;
  }
  path_.pop_back();
  std::memcpy(static_cast<void*>(&now.world), &saved.world, sizeof saved.world);
  copy_threads(now.threads, saved.threads, scenario_.threads);
}

void Search::check_end() {
  ++report_->ends;
  for (int thread = 0; thread < scenario_.threads; ++thread) {
    if (model_finished(scenario_, thread)) continue;
    violation = machine.awake(thread) ? "a thread waits for a slot that never becomes free"
                                      : "a waiter is never woken";
    return;
  }
  model_check_end(scenario_);
}

void Search::report_violation() {
  if (report_->violation[0] != '\0') return;
  describe_violation(scenario_, path_.data(), path_.size(), report_);
}

uint64_t next_random(uint64_t* state) {
  uint64_t x = *state += 0x9e3779b97f4a7c15u;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

// One random interleaving; returns its length.
void walk(const Scenario& scenario, uint64_t* random, explorer_report* report) {
  model_start(scenario);
  std::vector<Step> path;
  for (;;) {
    int choices[3 * thread_limit];
    int count = 0;
    for (int t = 0; t < scenario.threads; ++t) {
      if (model_enabled(scenario, t)) choices[count++] = t;
      if (now.threads[t].buffered != 0) choices[count++] = t + thread_limit;
      if (model_expires(scenario, t)) choices[count++] = t + 2 * thread_limit;
    }
    if (count == 0) break;
    const int choice = choices[next_random(random) % static_cast<uint64_t>(count)];
    if (choice >= 2 * thread_limit) {
      model_expire(scenario, choice - 2 * thread_limit);
    } else if (choice >= thread_limit) {
      machine.flush_one(choice - thread_limit);
    } else {
      model_step(scenario, choice);
    }
    path.push_back(machine.last());
    ++report->steps;
    if (violation != nullptr) break;
  }
  for (int t = 0; t < scenario.threads && violation == nullptr; ++t) {
    if (model_finished(scenario, t)) continue;
    violation = machine.awake(t) ? "a thread waits for a slot that never becomes free"
                                 : "a waiter is never woken";
  }
  if (violation == nullptr) model_check_end(scenario);
  if (violation != nullptr) describe_violation(scenario, path.data(), path.size(), report);
}

}  // namespace

void explorer_exhaust(int family, explorer_report* report) {
  each_scenario(family, [&](const Scenario& scenario) {
    ++report->scenarios;
    Search(scenario, report).run();
    return violation == nullptr;
  });
}

void explorer_walk(uint64_t seed, int walks, explorer_report* report) {
  uint64_t random = seed;
  for (int i = 0; i < walks && report->violation[0] == '\0'; ++i) {
    const Scenario scenario = random_scenario([&] { return next_random(&random); });
    ++report->walks;
    walk(scenario, &random, report);
  }
}
