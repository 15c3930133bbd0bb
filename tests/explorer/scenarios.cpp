#include "explorer/scenarios.h"

#include <cinttypes>
#include <cstdio>
#include <initializer_list>
#include <vector>

namespace explorer {

namespace {

using Program = std::vector<Line>;

// Every sequence of at most `length` calls on fence 0, each call one of `from`.
std::vector<Program> sequences(std::initializer_list<Call> from, size_t length) {
  std::vector<Program> all{{}};
  for (size_t begin = 0, i = 0; i < length; ++i) {
    const size_t end = all.size();
    for (size_t p = begin; p < end; ++p) {
      for (const Call call : from) {
        all.push_back(all[p]);
        all.back().push_back({call, 0});
      }
    }
    begin = end;
  }
  return all;
}

Program operator+(const Program& a, const Program& b) {
  Program sum = a;
  sum.insert(sum.end(), b.begin(), b.end());
  return sum;
}

// All combinations of three threads' programs.
bool combine(int capacity, const std::vector<Program>& a, const std::vector<Program>& b,
             const std::vector<Program>& c, const std::function<bool(const Scenario&)>& take) {
  for (const Program& user : a) {
    for (const Program& device : b) {
      for (const Program& other : c) {
        Scenario scenario;
        scenario.capacity = capacity;
        const Program* programs[3] = {&user, &device, &other};
        for (int t = 0; t < 3; ++t) {
          for (size_t i = 0; i < programs[t]->size(); ++i) {
            scenario.programs[t][i] = (*programs[t])[i];
          }
        }
        if (!take(scenario)) return false;
      }
    }
  }
  return true;
}

std::vector<Program> after(const Program& first, const std::vector<Program>& rest) {
  std::vector<Program> all;
  for (const Program& program : rest) all.push_back(first + program);
  return all;
}

const Program submit0{{Call::submit, 0}};
const Program finish0{{Call::finish, 0}}, fail0{{Call::fail, 0}};
const Program move0{{Call::move, 0}, {Call::lose, 0}, {Call::finish, 0}};

}  // namespace

void each_scenario(int family, const std::function<bool(const Scenario&)>& take) {
  using enum Call;
  switch (family) {
    case EXPLORER_LIFE:  // one fence that ends or fails, or is destroyed and never ends
      if (!combine(1, {submit0 + Program{{destroy, 0}}}, {{}}, sequences({wait, listen}, 1),
                   take)) {
        return;
      }
      combine(1, after(submit0, sequences({poll, wait, destroy}, 2)), {finish0, fail0},
              sequences({poll, wait, destroy, listen}, 2), take);
      break;
    case EXPLORER_RECYCLE: {  // the slot is used again under a stale handle
      const Program again = submit0 + Program{{destroy, 0}, {submit, 1}};
      const Program waited = submit0 + Program{{wait, 0}, {destroy, 0}, {submit, 1}};
      const std::vector<Program> users{again + Program{{wait, 1}}, waited + Program{{poll, 1}},
                                       again + Program{{destroy, 1}}};
      const std::vector<Program> devices{finish0 + Program{{finish, 1}},
                                         fail0 + Program{{finish, 1}},
                                         finish0 + Program{{fail, 1}}};
      combine(1, users, devices, sequences({poll, wait, destroy}, 1), take);
      break;
    }
    case EXPLORER_MOVE: {  // the fence goes to another queue; the old one is published
      if (!combine(1, after(submit0, sequences({poll, destroy}, 1)), {move0},
                   sequences({poll, wait, destroy}, 1), take)) {
        return;
      }
      const Program moved_only{{move, 0}, {finish, 0}};
      if (!combine(1, after(submit0, sequences({wait, destroy}, 1)), {moved_only},
                   sequences({poll, wait, listen}, 1), take)) {
        return;
      }
      const Program again = submit0 + Program{{destroy, 0}, {submit, 1}, {destroy, 1}};
      combine(2, {again}, {move0, moved_only}, {{}, {{poll, 0}}}, take);
      break;
    }
    default: {  // two fences on two queues: any of them, and a free list under two users
      const Program two = submit0 + Program{{submit_other, 1}};
      const std::vector<Program> waits{{{wait_any, 0}}, {{wait, 0}, {wait, 1}}};
      const std::vector<Program> devices{Program{{finish, 1}, {finish, 0}},
                                         Program{{finish, 0}, {fail, 1}},
                                         Program{{fail, 1}, {finish, 0}}};
      if (!combine(2, {two, two + Program{{destroy, 1}}}, devices, waits, take)) return;
      const Program mine = submit0 + Program{{destroy, 0}};
      const Program theirs{{submit_other, 1}, {destroy, 1}};
      if (!combine(2, {mine}, {{}, finish0}, {theirs, theirs + Program{{poll, 0}}}, take)) return;
      const Program cycle{{submit_other, 1}, {submit_other, 2}, {destroy, 1}};
      combine(3, {submit0, mine}, {{}}, {cycle}, take);
      break;
    }
  }
}

Scenario random_scenario(const std::function<uint64_t()>& random) {
  using enum Call;
  const auto below = [&](uint64_t limit) { return static_cast<uint8_t>(random() % limit); };
  Scenario s;
  s.threads = 4 + below(3);
  s.capacity = 2 + below(3);
  // Thread 0 submits to the first queue and keeps as many alive as there are
  // slots, less the one of thread 1, which submits to the second queue.
  const uint8_t fences = static_cast<uint8_t>(2 + below(3));
  uint8_t line = 0, lines = 0;
  const auto alive = static_cast<uint8_t>(s.capacity - 1);
  for (uint8_t f = 0; f < fences; ++f) {
    if (f >= alive) s.programs[0][line++] = {destroy, static_cast<uint8_t>(f - alive)};
    s.programs[0][line++] = {submit, f};
  }
  const auto other = static_cast<uint8_t>(fences);
  s.programs[1][0] = {submit_other, other};
  s.programs[1][1] = {below(2) == 0 ? wait : poll, other};
  s.programs[1][2] = {destroy, other};
  // Thread 2 is the device of both queues: it ends what was submitted in order.
  for (uint8_t f = 0; f < fences; ++f) {
    s.programs[2][lines++] = {below(3) != 0 ? finish : fail, f};
  }
  s.programs[2][lines++] = {finish, other};
  // The others look at anything; nobody destroys what thread 0 still needs to.
  for (int t = 3; t < s.threads; ++t) {
    for (int i = 0; i < 4; ++i) {
      static constexpr Call looks[] = {poll, wait, wait, wait_any, listen, poll};
      const Call call = looks[below(6)];
      s.programs[t][i] = {call, below(call == wait_any ? fences - 1u : fences)};
    }
  }
  return s;
}

void describe_violation(const Scenario& scenario, const Step* steps, size_t count,
                        explorer_report* report) {
  static constexpr const char* calls[] = {"end",     "submit", "submit_other", "poll",
                                          "wait",    "wait_any", "destroy",    "finish",
                                          "fail",    "move",   "lose",         "listen"};
  static constexpr const char* accesses[] = {"load",  "store", "add",  "exchange",
                                             "fence", "sleep", "wake", "flush"};
  std::snprintf(report->violation, sizeof report->violation, "%s", violation);
  size_t used = 0;
  const auto append = [&](const char* format, auto... values) {
    if (used >= sizeof report->trace) return;
    const int n = std::snprintf(report->trace + used, sizeof report->trace - used, format,
                                values...);
    used += n > 0 ? static_cast<size_t>(n) : 0;
  };
  for (int t = 0; t < scenario.threads; ++t) {
    append("thread %d:", t);
    for (const Line& line : scenario.programs[t]) {
      if (line.call != Call::end) append(" %s(%u)", calls[static_cast<int>(line.call)], line.fence);
    }
    append("%s", "\n");
  }
  for (size_t i = 0; i < count; ++i) {
    append("  %d %s cell %u: %" PRIx64 " -> %" PRIx64 "\n", steps[i].thread,
           accesses[static_cast<int>(steps[i].access)], steps[i].cell, steps[i].value,
           steps[i].result);
  }
}

}  // namespace explorer
