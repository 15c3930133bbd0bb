// The fences of the model: what the threads' programs may call, and what must
// hold whatever the order of their accesses.
#pragma once

#include "explorer/machine.h"

namespace explorer {

using Protocol = sporkle::FenceProtocol<Memory>;

constexpr int slot_limit = 4;
constexpr int fence_limit = 6;
constexpr int timeline_total = 2;
constexpr int program_limit = 10;

enum class Call : uint8_t {
  end,
  submit,       // takes a slot, arms it, hands it to the device
  submit_other, // the same on the second timeline
  submit_owned, // the same as submit; the user may not destroy it
  poll,
  wait,
  wait_any,     // this fence or the next
  wait_all,     // this fence and the next
  drain,        // until the first timeline has reached the fence's value
  destroy,
  finish,       // the device: the operation has ended, publish
  fail,         // the device: it failed alone, write that and publish
  move,         // the device: re-point the fence to the second timeline
  lose,         // the device: publish the first timeline past a fence that moved away
  lose_all,     // the device: lost, with all that is pending on the first timeline
  release,      // the pool goes, with all its fences
  listen        // asks to be told without waiting
};

struct Line {
  Call call = Call::end;
  uint8_t fence = 0;
  bool timed = false;  // a wait with a deadline
};

struct Scenario {
  int threads = 3;
  int capacity = 1;
  int fences = fence_limit;  // those of the programs, from 0
  Line programs[thread_limit][program_limit] = {};
};

// What is known about a fence beside what memory says.
struct Known {
  uint32_t slot = 0;
  uint32_t home = 0;  // timeline
  uint64_t generation = 0, value = 0;
  uint64_t lost_value = 0;  // on the timeline that it was submitted to
  uint8_t submitted = 0, done = 0, failing = 0, published = 0;
  uint8_t destroying = 0, destroyed = 0, listening = 0, told = 0;
  uint8_t owned = 0, losing = 0, cancelling = 0;
  uint8_t seen = 0;  // the first end that anyone was told of: 0 none, 1 success, 2 failure
};

struct World {
  Protocol::Timeline timelines[timeline_total];
  Protocol::Gathering gathering;
  Protocol::Slot slots[slot_limit];
  Protocol::Head head{0};
  uint64_t next_value[timeline_total] = {};
  uint8_t slot_taken[slot_limit] = {};
  uint32_t closing = 0;  // the queue takes no work
  Known known[fence_limit];
};

struct State {
  World world;
  Thread threads[thread_limit];
};

// The state that is being worked on, and what went wrong in it.
extern State now;
extern const char* violation;

void model_start(const Scenario& scenario);

// Whether the thread's next access may happen. A call waits for what it needs
// from others without touching memory.
bool model_enabled(const Scenario& scenario, int thread);
// Whether the thread is in a wait whose deadline has not passed yet, and lets it pass.
bool model_expires(const Scenario& scenario, int thread);
void model_expire(const Scenario& scenario, int thread);
bool model_finished(const Scenario& scenario, int thread);

// One access of the thread, with the checks of the call that ends by it.
void model_step(const Scenario& scenario, int thread);

// Checks of a state in which every thread is at its end.
void model_check_end(const Scenario& scenario);

}  // namespace explorer
