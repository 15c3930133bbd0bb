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
void check_answer(const Known& k, sporkle_status status, uint64_t begin) {
  if ((begin & was_destroyed) != 0 && status != SPORKLE_ERROR_INVALID_HANDLE) {
    wrong(status == SPORKLE_OK ? "success for a recycled slot" : "answer for a destroyed fence");
  }
  switch (status) {
    case SPORKLE_OK:
      if (k.failing) wrong("success for a failed operation");
      if (!k.done) wrong("early success");
      break;
    case SPORKLE_NOT_READY:
      if ((begin & was_published) != 0) wrong("lost completion");
      break;
    case SPORKLE_ERROR_OPERATION_FAILED:
      if (!k.failing) wrong("failure of another fence");
      break;
    case SPORKLE_ERROR_INVALID_HANDLE:
      if (!k.destroying) wrong("a live fence is called stale");
      break;
    default: wrong("unknown answer");
  }
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
bool submit(Known& k, uint32_t timeline) {
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
    return uint64_t{0};
  });
  Protocol::arm(slot_of(k), k.generation, timeline, k.value, false);
  Memory::full_fence();  // the queue's lock
  once([&] { return uint64_t{k.submitted = 1}; });
  return true;
}

void destroy(Known& k) {
  once([&] { return uint64_t{k.destroying = 1}; });
  const sporkle_status status =
      Protocol::destroy(slot_of(k), k.generation, false, w.timelines, w.gathering,
                        [&](sporkle::FenceState) { recycle(k.slot); }, tell_listeners);
  if (status != SPORKLE_OK) return;
  once([&] { return uint64_t{k.destroyed = 1}; });
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
    (failing ? k.failing : k.done) = 1;
    return uint64_t{k.home};
  }));
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

// One round of a wait; NOT_READY: another one follows. What a thread saw in
// earlier rounds does not matter any more, and so is not kept.
sporkle_status wait(const Known& k) {
  const sporkle_status status = poll(k);
  if (status == SPORKLE_NOT_READY) {
    Protocol::sleep_for(slot_of(k), k.generation, w.timelines, Memory::Never{});
  }
  return status;
}

// One round for two fences. Returns which has ended, and its answer.
int wait_any(const Known* k, sporkle_status* status) {
  int which = 0;
  const auto pending = [&] {
    for (which = 0; which < 2; ++which) {
      *status = poll(k[which]);
      if (*status != SPORKLE_NOT_READY) return false;
    }
    which = 0;
    return true;
  };
  if (pending()) Protocol::sleep_for_any(w.gathering, pending, Memory::Never{});
  return which;
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

void run(void* data) {
  Turn& turn = *static_cast<Turn*>(data);
  const Line line = turn.line;
  Known& k = w.known[line.fence];
  uint64_t& begin = now.threads[turn.thread].begin;
  once([&] {
    begin = flags_of(k);
    if (line.call == Call::wait_any) begin |= flags_of((&k)[1]) << 8;
    return uint64_t{0};
  });
  sporkle_status status = SPORKLE_OK;
  switch (line.call) {
    case Call::end: break;
    case Call::submit: turn.again = !submit(k, 0); break;
    case Call::submit_other: turn.again = !submit(k, 1); break;
    case Call::poll:
      status = poll(k);
      once([&] { return check_answer(k, status, begin), uint64_t{0}; });
      break;
    case Call::wait:
      status = wait(k);
      turn.again = status == SPORKLE_NOT_READY;
      if (!turn.again) once([&] { return check_answer(k, status, begin), uint64_t{0}; });
      break;
    case Call::wait_any: {
      const int which = wait_any(&k, &status);
      turn.again = status == SPORKLE_NOT_READY;
      if (turn.again) break;
      once([&] {
        return check_answer((&k)[which], status, begin >> 8 * which), uint64_t{0};
      });
      break;
    }
    case Call::destroy: destroy(k); break;
    case Call::finish: finish(k, false); break;
    case Call::fail: finish(k, true); break;
    case Call::move: move(k); break;
    case Call::lose: publish(k, 0, k.lost_value); break;
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
  if (line.call == Call::submit || line.call == Call::submit_other) {
    return (w.head.peek() & Protocol::index_mask) != 0;
  }
  if (line.call == Call::wait_any && !w.known[line.fence + 1].submitted) return false;
  return w.known[line.fence].submitted != 0;
}

void model_step(const Scenario& scenario, int thread) {
  Thread& t = now.threads[thread];
  Turn turn{scenario.programs[thread][t.pc], thread, false};
  if (!machine.step(thread, run, &turn)) return;
  t.log_size = 0;
  t.begin = 0;
  std::memset(t.log, 0, sizeof t.log);
  if (!turn.again) ++t.pc;
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
  for (const Known& k : w.known) {
    if (k.listening && !k.told && (k.published || k.destroyed)) wrong("a listener was not told");
  }
}

}  // namespace explorer
