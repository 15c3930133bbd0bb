#include "explorer/scenarios.h"

#include <algorithm>
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
        scenario.fences = 0;
        const Program* programs[3] = {&user, &device, &other};
        for (int t = 0; t < 3; ++t) {
          for (size_t i = 0; i < programs[t]->size(); ++i) {
            const Line line = (*programs[t])[i];
            scenario.programs[t][i] = line;
            const bool two = line.call == Call::wait_any || line.call == Call::wait_all;
            scenario.fences = std::max(scenario.fences, line.fence + (two ? 2 : 1));
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
const Program wait0{{Call::wait, 0}}, wait0_timed{{Call::wait, 0, true}};
const Program move0{{Call::move, 0}, {Call::lose, 0}, {Call::finish, 0}};

// A device is lost: with work pending, ended, moved away, and used again afterwards.
bool losses(const std::function<bool(const Scenario&)>& take) {
  using enum Call;
  const Program lost{{lose_all, 0}};
  const std::vector<Program> devices{lost, finish0 + lost};
  if (!combine(1, after(submit0, sequences({poll, wait, destroy}, 1)), devices,
               {{}, {{poll, 0}}, wait0, {{listen, 0}}}, take) ||
      !combine(1, {submit0}, devices, {wait0_timed}, take)) {
    return false;
  }
  const Program moved{{move, 0}, {lose_all, 0}, {finish, 0}};
  if (!combine(1, {submit0}, {moved}, {{{poll, 0}}, wait0, wait0_timed}, take)) return false;
  const Program again = submit0 + Program{{destroy, 0}, {submit, 1}, {wait, 1}};
  if (!combine(1, {again}, {lost + Program{{finish, 1}}}, {{}, {{poll, 0}}}, take)) return false;
  const Program two = submit0 + Program{{submit, 1}};
  const Program half{{finish, 0}, {lose_all, 1}};
  return combine(2, {two}, {half, {{lose_all, 1}}},
                 {{{wait_any, 0}}, {{wait_all, 0}}, {{wait_all, 0, true}}, {{poll, 0}, {wait, 1}}},
                 take);
}

// A context goes with its fences, pending or not, beside threads that use them.
bool releases(const std::function<bool(const Scenario&)>& take) {
  using enum Call;
  const Program gone{{release, 0}};
  const Program owned{{submit_owned, 0}}, refused = owned + Program{{destroy, 0}};
  const std::vector<Program> users{owned, refused, submit0, submit0 + Program{{destroy, 0}},
                                   submit0 + wait0};
  const Program twice{{poll, 0}, {poll, 0}}, lost_and_gone{{lose_all, 0}, {release, 0}};
  if (!combine(1, users, {gone, finish0 + gone}, {twice, wait0, {{listen, 0}}}, take) ||
      !combine(1, {submit0}, {gone, finish0 + gone, lost_and_gone}, {twice, wait0_timed}, take)) {
    return false;
  }
  const Program two = submit0 + Program{{submit_other, 1}};
  return combine(2, {two}, {Program{{finish, 0}, {release, 1}}},
                 {{{wait_all, 0}}, {{wait_any, 0}}}, take);
}

// Waits with a deadline, for all of several, and for a value of a timeline.
bool deadlines(const std::function<bool(const Scenario&)>& take) {
  using enum Call;
  const Program two = submit0 + Program{{submit_other, 1}};
  const Program in_turn{{finish, 1}, {finish, 0}}, drained = submit0 + Program{{drain, 0}};
  const std::vector<Program> all{{{wait_all, 0}}}, timed{{{wait_all, 0, true}}, {{wait_any, 0, true}}};
  if (!combine(1, {drained}, {finish0, fail0}, {{{drain, 0}}, wait0_timed}, take) ||
      !combine(2, {two, two + Program{{destroy, 0}}}, {in_turn, Program{{finish, 0}, {fail, 1}}},
               all, take) ||
      !combine(2, {two, two + Program{{destroy, 1}}},
               {in_turn, Program{{fail, 0}, {finish, 1}}, finish0}, timed, take)) {
    return false;
  }
  return combine(1, {submit0, submit0 + Program{{destroy, 0}}, submit0 + wait0_timed},
                 {{}, finish0, fail0}, {wait0_timed}, take);
}

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
    case EXPLORER_LOSS: losses(take); break;
    case EXPLORER_RELEASE: releases(take); break;
    case EXPLORER_DEADLINES: deadlines(take); break;
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
      static constexpr Call looks[] = {poll, wait, wait, wait_any, wait_all, listen, poll};
      const Call call = looks[below(7)];
      const bool several = call == wait_any || call == wait_all;
      const bool timed = call != poll && call != listen && below(3) == 0;
      s.programs[t][i] = {call, below(several ? fences - 1u : fences), timed};
    }
  }
  return s;
}

void describe_violation(const Scenario& scenario, const Step* steps, size_t count,
                        explorer_report* report) {
  static constexpr const char* calls[] = {
      "end",  "submit", "submit_other", "submit_owned", "poll", "wait",     "wait_any", "wait_all",
      "drain", "destroy", "finish",     "fail",         "move", "lose", "lose_all", "release",
      "listen"};
  static constexpr const char* accesses[] = {"load",  "store", "add",   "exchange", "fence",
                                             "sleep", "wake",  "flush", "expire"};
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
      if (line.call == Call::end) continue;
      append(" %s(%u%s)", calls[static_cast<int>(line.call)], line.fence,
             line.timed ? ", timed" : "");
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
