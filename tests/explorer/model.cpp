#include "explorer/model.h"

#include <new>

namespace explorer {

State now;
const char* violation = nullptr;

namespace {

World& w = now.world;

Protocol::Slot& slot_at(uint32_t index) { return w.slots[index]; }
Protocol::Slot& slot_of(const Known& k) { return w.slots[k.slot]; }

void wrong(const char* what) {
  if (violation == nullptr) violation = what;
}

// Flags in Thread::begin.
constexpr uint64_t was_published = 1, was_destroyed = 2;

// An answer about a fence against what is known of it.
void check_answer(Known& k, sporkle_status status, uint64_t begin) {
  if ((begin & was_destroyed) != 0 && status != SPORKLE_ERROR_INVALID_HANDLE) {
    wrong(status == SPORKLE_OK ? "success for a recycled slot" : "answer for a destroyed fence");
  }
  switch (status) {
    case SPORKLE_OK:
      if (k.failing || k.losing) wrong("success for a failed operation");
      if (!k.done) wrong("early success");
      break;
    case SPORKLE_NOT_READY:
    case SPORKLE_TIMEOUT:
      if ((begin & was_published) != 0) wrong("lost completion");
      break;
    case SPORKLE_ERROR_OPERATION_FAILED:
      if (!k.failing) wrong("failure of another fence");
      break;
    case SPORKLE_ERROR_DEVICE_LOST:
      if (!k.losing) wrong("failure of another fence");
      break;
    case SPORKLE_ERROR_CANCELLED:
      if (!k.cancelling) wrong("failure of another fence");
      break;
    case SPORKLE_ERROR_INVALID_HANDLE:
      if (!k.destroying) wrong("a live fence is called stale");
      break;
    default: wrong("unknown answer"); return;
  }
  if (status == SPORKLE_NOT_READY || status == SPORKLE_TIMEOUT) return;
  if (status == SPORKLE_ERROR_INVALID_HANDLE) return;
  const uint8_t end = status == SPORKLE_OK ? 1 : 2;
  if (k.seen != 0 && k.seen != end) wrong("a fence ended twice");
  k.seen = end;
}

sporkle_status poll(const Known& k) {
  return Protocol::poll(slot_of(k), k.generation, w.timelines);
}

// As the library's listeners do: everyone who is told of a change looks at all.
void tell_listeners() {
  for (Known& k : w.known) {
    if (once([&] { return uint64_t{k.listening && !k.told}; }) == 0) continue;
    if (poll(k) != SPORKLE_NOT_READY) once([&] { return uint64_t{k.told = 1}; });
  }
}

void recycle(uint32_t slot) {
  once([&] { return uint64_t{w.slot_taken[slot] = 0}; });
  Protocol::push(w.head, slot, slot_at);
}

// Returns false when no slot was free after all: the call begins again.
bool submit(Known& k, uint32_t timeline, bool owned) {
  const uint32_t slot = Protocol::pop(w.head, slot_at);
  if (slot == Protocol::no_slot) return false;
  const sporkle::FenceState state{slot_at(slot).state.load(std::memory_order_relaxed)};
  once([&] {
    if (w.slot_taken[slot]) wrong("a slot was given to two fences");
    w.slot_taken[slot] = 1;
    k.slot = slot;
    k.home = timeline;
    k.generation = state.generation();
    k.value = k.lost_value = ++w.next_value[timeline];
    k.owned = owned;
    return uint64_t{0};
  });
  Protocol::arm(slot_of(k), k.generation, timeline, k.value, owned);
  Memory::full_fence();  // the queue's lock
  once([&] { return uint64_t{k.submitted = 1}; });
  return true;
}

void destroy(Known& k) {
  once([&] { return uint64_t{k.destroying |= !k.owned}; });
  const sporkle_status status =
      Protocol::destroy(slot_of(k), k.generation, false, w.timelines, w.gathering,
                        [&](sporkle::FenceState) { recycle(k.slot); }, tell_listeners);
  if (status != SPORKLE_OK) return;
  once([&] {
    if (k.owned) wrong("the user destroyed a fence that is not his");
    return uint64_t{k.destroyed = 1};
  });
}

void publish(Known& k, uint32_t timeline, uint64_t value) {
  if (Protocol::publish(w.timelines[timeline], value, w.gathering)) tell_listeners();
  once([&] {
    if (k.done || k.failing) k.published = 1;
    return uint64_t{0};
  });
}

void finish(Known& k, bool failing) {
  const auto home = static_cast<uint32_t>(once([&] {
    if (!k.losing) (failing ? k.failing : k.done) = 1;
    return uint64_t{k.home};
  }));
  if (once([&] { return uint64_t{k.losing}; }) != 0) return;  // went with the device
  if (failing) {
    Protocol::fail(slot_of(k), k.generation, SPORKLE_ERROR_OPERATION_FAILED, home);
  }
  publish(k, home, k.value);
}

void move(Known& k) {
  const uint64_t value = once([&] { return ++w.next_value[1]; });
  const auto moved = Protocol::move(slot_of(k), k.generation, 1, value, w.timelines, w.gathering);
  if (moved == Protocol::Move::recycle) recycle(k.slot);
  once([&] {
    if (moved != Protocol::Move::done) return uint64_t{0};
    k.home = 1;
    k.value = value;
    return uint64_t{0};
  });
}

// A lost device, from refusing new work to taking it again. What it had not done fails.
void lose_all() {
  once([&] {
    w.closing = 1;
    for (Known& k : w.known) k.losing |= k.submitted && k.home == 0 && !k.done && !k.failing;
    return uint64_t{0};
  });
  const auto visit = [](auto fail_one) {
    for (int i = 0; i < slot_limit; ++i) {
      const sporkle::FenceState state{w.slots[i].state.load(std::memory_order_acquire)};
      if (state.kind() == sporkle::FenceKind::free) continue;
      fail_one(w.slots[i], state.generation());
    }
  };
  if (Protocol::fail_all(visit, 0, SPORKLE_ERROR_DEVICE_LOST, w.timelines, w.gathering)) {
    tell_listeners();
  }
  if (Protocol::publish(w.timelines[0], w.next_value[0], w.gathering)) tell_listeners();
  once([&] {
    for (Known& k : w.known) k.published |= k.losing;
    w.closing = 0;
    return uint64_t{0};
  });
}

// Whose slot it is, by the state that a visitor has seen.
Known* known_of(int slot, uint64_t generation) {
  for (Known& k : w.known) {
    if (k.submitted && static_cast<int>(k.slot) == slot && k.generation == generation) return &k;
  }
  return nullptr;
}

void release_all() {
  once([&] { return uint64_t{w.closing = 1}; });
  for (int i = 0; i < slot_limit; ++i) {
    const sporkle::FenceState state{w.slots[i].state.load(std::memory_order_acquire)};
    if (state.kind() == sporkle::FenceKind::free) continue;
    Known* const found = known_of(i, state.generation());
    if (found == nullptr) return wrong("a slot that no fence has is alive");
    Known& k = *found;
    once([&] {
      k.cancelling |= !k.done && !k.failing && !k.losing;
      return uint64_t{k.destroying = 1};
    });
    Protocol::release(
        w.slots[i], k.generation, SPORKLE_ERROR_CANCELLED, w.timelines, w.gathering,
        [&](sporkle::FenceState) { recycle(k.slot); }, tell_listeners);
    once([&] { return uint64_t{k.destroyed = 1}; });
  }
}

bool late() { return once([] { return uint64_t{machine.late()}; }) != 0; }

// One round of a wait; NOT_READY: another one follows. What a thread saw in
// earlier rounds does not matter any more, and so is not kept.
template <class Look, class Sleep>
sporkle_status wait_round(Look look, Sleep sleep) {
  const sporkle_status status = look();
  if (status != SPORKLE_NOT_READY) return status;
  if (late()) return Protocol::at_deadline(look);
  sleep();
  return SPORKLE_NOT_READY;
}

sporkle_status wait(const Known& k) {
  return wait_round(
      [&] { return poll(k); },
      [&] { Protocol::sleep_for(slot_of(k), k.generation, w.timelines, Memory::Deadline{}); });
}

// The same for two fences; `which` the answer is of.
sporkle_status wait_many(const Known* k, bool any, uint32_t* which) {
  const auto look = [&] {
    return Protocol::look(2, any, [&](uint32_t i) { return poll(k[i]); }, which);
  };
  const auto pending = [&] { return look() == SPORKLE_NOT_READY; };
  return wait_round(look, [&] {
    Protocol::sleep_for_any(w.gathering, pending, Memory::Deadline{});
  });
}

// The answer of a wait for two fences, against what is known of both.
void check_many(Known* k, bool any, sporkle_status status, uint32_t which, uint64_t begin) {
  if (status == SPORKLE_TIMEOUT) {
    const uint64_t first = begin & was_published, second = begin >> 8 & was_published;
    if ((any ? first | second : first & second) != 0) wrong("lost completion");
  } else if (!any && status == SPORKLE_OK) {
    check_answer(k[0], status, begin);
    check_answer(k[1], status, begin >> 8);
  } else {
    check_answer(k[which], status, begin >> 8 * which);
  }
}

// Returns whether the counter has got there.
bool drain(uint64_t value) {
  Protocol::Timeline& timeline = w.timelines[0];
  if (timeline.counter.load(std::memory_order_acquire) >= value) return true;
  Protocol::sleep_for_value(timeline, value, Memory::Deadline{});
  return false;
}

void listen(Known& k) {
  const auto enlist = [&] { return once([&] { return uint64_t{k.listening = 1}; }) != 0; };
  Protocol::listen(w.gathering, enlist, tell_listeners);
}

struct Turn {
  Line line;
  int thread;
  bool again;  // the call begins anew
};

uint64_t flags_of(const Known& k) {
  return (k.published ? was_published : 0) | (k.destroyed ? was_destroyed : 0);
}

bool of_two(Call call) { return call == Call::wait_any || call == Call::wait_all; }

bool submits(Call call) {
  return call == Call::submit || call == Call::submit_other || call == Call::submit_owned;
}

uint64_t flags_of(Line line) {
  const Known* k = &w.known[line.fence];
  return flags_of(k[0]) | (of_two(line.call) ? flags_of(k[1]) << 8 : 0);
}

void run(void* data) {
  Turn& turn = *static_cast<Turn*>(data);
  const Line line = turn.line;
  Known& k = w.known[line.fence];
  uint64_t& begin = now.threads[turn.thread].begin;
  once([&] {
    begin = flags_of(line);
    return uint64_t{0};
  });
  sporkle_status status = SPORKLE_OK;
  switch (line.call) {
    case Call::end: break;
    case Call::submit: turn.again = !submit(k, 0, false); break;
    case Call::submit_other: turn.again = !submit(k, 1, false); break;
    case Call::submit_owned: turn.again = !submit(k, 0, true); break;
    case Call::poll:
      status = poll(k);
      once([&] { return check_answer(k, status, begin), uint64_t{0}; });
      break;
    case Call::wait:
      status = wait(k);
      turn.again = status == SPORKLE_NOT_READY;
      if (!turn.again) once([&] { return check_answer(k, status, begin), uint64_t{0}; });
      break;
    case Call::wait_any:
    case Call::wait_all: {
      const bool any = line.call == Call::wait_any;
      uint32_t which = 0;
      status = wait_many(&k, any, &which);
      turn.again = status == SPORKLE_NOT_READY;
      if (!turn.again) {
        once([&] { return check_many(&k, any, status, which, begin), uint64_t{0}; });
      }
      break;
    }
    case Call::drain: turn.again = !drain(k.value); break;
    case Call::destroy: destroy(k); break;
    case Call::finish: finish(k, false); break;
    case Call::fail: finish(k, true); break;
    case Call::move: move(k); break;
    case Call::lose: publish(k, 0, k.lost_value); break;
    case Call::lose_all: lose_all(); break;
    case Call::release: release_all(); break;
    case Call::listen: listen(k); break;
  }
}

}  // namespace

void model_start(const Scenario& scenario) {
  std::memset(static_cast<void*>(&now), 0, sizeof now);
  for (int i = 0; i < scenario.capacity; ++i) {
    const auto state = sporkle::FenceState::make(1, 0, sporkle::FenceKind::free, false);
    new (&w.slots[i].state) Atomic<uint64_t>(state.word);
    // As push() would leave it: the value is the next one's index + 1.
    new (&w.slots[i].value) Atomic<uint64_t>(i + 1 < scenario.capacity ? i + 2 : 0);
  }
  new (&w.head) Atomic<uint64_t>(1);
  machine.attach(&w, sizeof w, now.threads, scenario.threads);
  violation = nullptr;
}

bool model_finished(const Scenario& scenario, int thread) {
  return scenario.programs[thread][now.threads[thread].pc].call == Call::end;
}

bool model_enabled(const Scenario& scenario, int thread) {
  const Thread& t = now.threads[thread];
  if (t.sleep_cell != 0 || model_finished(scenario, thread)) return false;
  if (t.log_size != 0) return true;
  const Line line = scenario.programs[thread][t.pc];
  if (submits(line.call)) {
    return !w.closing && (w.head.peek() & Protocol::index_mask) != 0;
  }
  if (of_two(line.call) && !w.known[line.fence + 1].submitted) return false;
  if (line.call == Call::lose_all || line.call == Call::release) {
    // The queue's lock: no submission is half done.
    for (int i = 0; i < scenario.threads; ++i) {
      const Thread& other = now.threads[i];
      if (other.log_size != 0 && submits(scenario.programs[i][other.pc].call)) return false;
    }
  }
  return w.known[line.fence].submitted != 0;
}

bool model_expires(const Scenario& scenario, int thread) {
  const Thread& t = now.threads[thread];
  return t.log_size != 0 && t.late == 0 && scenario.programs[thread][t.pc].timed;
}

void model_expire(const Scenario& scenario, int thread) {
  Thread& t = now.threads[thread];
  // What was published before the deadline has to be seen.
  t.begin |= flags_of(scenario.programs[thread][t.pc]) & (was_published | was_published << 8);
  machine.expire(thread);
}

void model_step(const Scenario& scenario, int thread) {
  Thread& t = now.threads[thread];
  Turn turn{scenario.programs[thread][t.pc], thread, false};
  if (!machine.step(thread, run, &turn)) return;
  t.log_size = 0;
  t.begin = 0;
  if (turn.again) return;
  t.late = 0;
  ++t.pc;
}

void model_check_end(const Scenario& scenario) {
  int live = 0, free = 0;
  bool used[slot_limit] = {};
  for (const Known& k : w.known) {
    if (!k.submitted || k.destroyed) continue;
    used[k.slot] = true;
    ++live;
  }
  uint64_t next = w.head.peek() & Protocol::index_mask;
  bool seen[slot_limit] = {};
  while (next != 0) {
    if (next > static_cast<uint64_t>(scenario.capacity) || seen[next - 1]) {
      wrong("the list of free slots is broken");
      return;
    }
    seen[next - 1] = true;
    if (used[next - 1]) wrong("a live slot is in the list of free ones");
    ++free;
    next = w.slots[next - 1].value.peek() & Protocol::index_mask;
  }
  if (live + free != scenario.capacity) wrong("a slot was lost");
  uint32_t counted = w.gathering.waiters.peek();
  for (const Protocol::Timeline& timeline : w.timelines) counted += timeline.waiters.peek();
  if (counted != 0) wrong("a waiter that has gone is counted");
  for (const Known& k : w.known) {
    if (k.listening && !k.told && (k.published || k.destroyed)) wrong("a listener was not told");
  }
}

}  // namespace explorer
