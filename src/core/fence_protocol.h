// What fences, timelines and waiters do to shared memory, and nothing else: no
// storage, no system call, no thread. Everything is written over a memory
// interface, so that the library runs it on std::atomic and a test explores
// every interleaving of the same lines (tests/explorer).
//
// A memory interface M provides
//
//   M::Atomic<T>                    load, store, fetch_add, fetch_sub,
//                                   compare_exchange_strong, as std::atomic
//   M::full_fence()                 std::atomic_thread_fence(seq_cst)
//   M::sleep(word, seen, deadline, mask)  a futex wait: returns when woken, when
//                                   word != seen, at the deadline, or for no reason
//   M::wake(word, mask)             wakes every sleeper whose mask overlaps
#pragma once

#include <atomic>  // std::memory_order
#include <cstdint>

#include "core/fence_state.h"

namespace sporkle {

template <class M>
struct BasicFenceSlot {
  typename M::template Atomic<uint64_t> state{0};
  typename M::template Atomic<uint64_t> value{0};  // free slots: the next free one
};

template <class M>
struct alignas(64) BasicTimeline {
  typename M::template Atomic<uint64_t> counter{0};  // everything up to this value has ended
  typename M::template Atomic<uint32_t> events{0};   // changed whenever a waiter must look again
  typename M::template Atomic<uint32_t> waiters{0};
};

// What waits for several fences at once sleeps on this word; what is told by
// other means (exported descriptors) is counted beside it.
template <class M>
struct alignas(64) BasicGathering {
  typename M::template Atomic<uint32_t> events{0};
  typename M::template Atomic<uint32_t> waiters{0};
  typename M::template Atomic<uint32_t> listeners{0};
};

template <class M>
struct FenceProtocol {
  using Slot = BasicFenceSlot<M>;
  using Timeline = BasicTimeline<M>;
  using Gathering = BasicGathering<M>;
  using Head = typename M::template Atomic<uint64_t>;

  static constexpr uint32_t wake_all = UINT32_MAX;
  static constexpr uint32_t any_timeline = UINT32_MAX;
  static constexpr uint32_t no_slot = UINT32_MAX;

  // Waiters for `value` sleep with this mask, so that a publish wakes those in
  // the range it covers and few others.
  static uint32_t mask_of(uint64_t value) noexcept { return 1u << (value % 32); }

  static uint32_t mask_of_range(uint64_t after, uint64_t last) noexcept {
    if (last - after >= 32) return wake_all;
    uint32_t mask = 0;
    for (uint64_t v = after + 1; v <= last; ++v) mask |= mask_of(v);
    return mask;
  }

  // What a poll finds. A failure is written before its counter value is
  // published, so re-reading the state after the counter cannot miss it; the
  // same look notices a slot that was recycled or moved meanwhile.
  static sporkle_status poll(const Slot& slot, uint64_t generation,
                             const Timeline* timelines) noexcept {
    FenceState state{slot.state.load(std::memory_order_acquire)};
    for (;;) {
      if (state.generation() != generation) return SPORKLE_ERROR_INVALID_HANDLE;
      switch (state.kind()) {
        case FenceKind::free: return SPORKLE_ERROR_INVALID_HANDLE;
        case FenceKind::signalled: return SPORKLE_OK;
        case FenceKind::failed: return state.code();
        case FenceKind::pending: break;
      }
      if (state.moving()) return SPORKLE_NOT_READY;
      const uint64_t value = slot.value.load(std::memory_order_acquire);
      const uint64_t counter = timelines[state.timeline()].counter.load(std::memory_order_acquire);
      const FenceState again{slot.state.load(std::memory_order_acquire)};
      if (again.word == state.word) return counter >= value ? SPORKLE_OK : SPORKLE_NOT_READY;
      state = again;
    }
  }

  // A taken slot becomes pending until `timeline` reaches `value`.
  static void arm(Slot& slot, uint64_t generation, uint32_t timeline, uint64_t value,
                  bool owned) noexcept {
    slot.value.store(value, std::memory_order_relaxed);
    slot.state.store(FenceState::make(generation, timeline, FenceKind::pending, owned).word,
                     std::memory_order_release);
  }

  // A pending fence fails, if `timeline` answers for it. Returns whether it did;
  // the caller publishes or notifies afterwards.
  static bool fail(Slot& slot, uint64_t generation, sporkle_status status,
                   uint32_t timeline) noexcept {
    FenceState state{slot.state.load(std::memory_order_acquire)};
    while (state.pending(generation)) {
      if (timeline != any_timeline && state.timeline() != timeline) return false;
      if (slot.state.compare_exchange_strong(state.word, state.with_failure(status).word,
                                             std::memory_order_acq_rel)) {
        return true;
      }
    }
    return false;
  }

  enum class Move { refused, done, recycle };

  // A pending fence goes to another queue, once in its life: a second move could
  // bring back a word that a poll has seen before. While the move lasts polls
  // say "pending". `recycle`: the fence was destroyed meanwhile and its slot is
  // left for the caller to recycle, because the value was still being written.
  static Move move(Slot& slot, uint64_t generation, uint32_t timeline, uint64_t value,
                   Timeline* timelines, Gathering& gathering) noexcept {
    FenceState state{slot.state.load(std::memory_order_acquire)};
    do {
      if (!state.pending(generation) || state.moved()) return Move::refused;
    } while (!slot.state.compare_exchange_strong(state.word, state.with_move_begun().word,
                                                 std::memory_order_acq_rel));
    const uint32_t old_timeline = state.timeline();
    slot.value.store(value, std::memory_order_release);
    state = state.with_move_begun();
    for (;;) {
      const FenceState next = state.pending(generation)
                                  ? state.with_move_ended().with_timeline(timeline)
                                  : state.with_move_ended();
      if (slot.state.compare_exchange_strong(state.word, next.word, std::memory_order_acq_rel)) {
        break;
      }
      if (state.generation() != generation) return Move::recycle;
    }
    // Who went to sleep before the move sleeps beside the old counter.
    notify(timelines[old_timeline], gathering);
    return state.pending(generation) ? Move::done : Move::refused;
  }

  // Makes every handle of the slot stale. `old` is what the slot was; when it
  // was moving, the mover recycles the slot, else the caller does. A slot that
  // was taken and not armed is retired only with `unarmed`.
  static sporkle_status retire(Slot& slot, uint64_t generation, bool force, bool unarmed,
                               FenceState* old) noexcept {
    FenceState state{slot.state.load(std::memory_order_acquire)};
    for (;;) {
      if (state.generation() != generation) return SPORKLE_ERROR_INVALID_HANDLE;
      if ((state.kind() == FenceKind::free) != unarmed) return SPORKLE_ERROR_INVALID_HANDLE;
      if (state.owned() && !force) return SPORKLE_ERROR_INVALID_ARGUMENT;
      const auto next = FenceState::make(generation + 1, 0, FenceKind::free, false);
      if (slot.state.compare_exchange_strong(state.word, next.word, std::memory_order_acq_rel)) {
        *old = state;
        return SPORKLE_OK;
      }
    }
  }

  // Free slots.
  // A free slot keeps the index of the next one in its value. The head carries a
  // tag against ABA: {tag 43 | index + 1: 21 bits}, index + 1 == 0 for none.

  static constexpr uint64_t index_bits = 21;
  static constexpr uint64_t index_mask = (uint64_t{1} << index_bits) - 1;

  template <class SlotAt>
  static void push(Head& head, uint32_t index, SlotAt slot_at) noexcept {
    uint64_t old = head.load(std::memory_order_relaxed);
    uint64_t next;
    do {
      slot_at(index).value.store(old & index_mask, std::memory_order_relaxed);
      next = ((old >> index_bits) + 1) << index_bits | (index + 1);
    } while (!head.compare_exchange_strong(old, next, std::memory_order_acq_rel));
  }

  template <class SlotAt>
  static uint32_t pop(Head& head, SlotAt slot_at) noexcept {
    uint64_t old = head.load(std::memory_order_acquire);
    for (;;) {
      const auto first = static_cast<uint32_t>(old & index_mask);
      if (first == 0) return no_slot;
      const uint64_t rest = slot_at(first - 1).value.load(std::memory_order_relaxed) & index_mask;
      const uint64_t next = ((old >> index_bits) + 1) << index_bits | rest;
      if (head.compare_exchange_strong(old, next, std::memory_order_acq_rel)) return first - 1;
    }
  }

  // Returns whether listeners have to be told, which is not done here.
  static bool notify(Timeline& timeline, Gathering& gathering, uint32_t mask = wake_all) noexcept {
    // Pairs with the waiter, which counts itself in before it looks: either it
    // sees what was just written or the writer sees the waiter.
    M::full_fence();
    if (timeline.waiters.load(std::memory_order_relaxed) != 0) {
      timeline.events.fetch_add(1, std::memory_order_release);
      M::wake(timeline.events, mask);
    }
    if (gathering.waiters.load(std::memory_order_relaxed) != 0) {
      gathering.events.fetch_add(1, std::memory_order_release);
      M::wake(gathering.events, wake_all);
    }
    return gathering.listeners.load(std::memory_order_relaxed) != 0;
  }

  // An armed fence ends its life: its handles become stale, recycle(old) puts the
  // slot back, unless a mover has to, and who waits for it learns that it is gone.
  template <class Recycle, class Tell>
  static sporkle_status destroy(Slot& slot, uint64_t generation, bool force, Timeline* timelines,
                                Gathering& gathering, Recycle recycle, Tell tell) noexcept {
    FenceState old;
    const sporkle_status status = retire(slot, generation, force, false, &old);
    if (status != SPORKLE_OK) return status;
    if (!old.moving()) recycle(old);
    if (old.kind() != FenceKind::pending) return SPORKLE_OK;
    if (notify(timelines[old.timeline()], gathering)) tell();
    return SPORKLE_OK;
  }

  // A fence that has not ended fails. What has ended stays as it did.
  static bool fail_unended(Slot& slot, uint64_t generation, sporkle_status status,
                           uint32_t timeline, const Timeline* timelines) noexcept {
    return poll(slot, generation, timelines) == SPORKLE_NOT_READY &&
           fail(slot, generation, status, timeline);
  }

  // A lost device: what is pending on its timeline fails. visit(f) calls f(slot,
  // generation) for every live slot of a pool. The caller is the one who publishes the
  // timeline, accepts no new work meanwhile, and publishes afterwards. Returns
  // whether listeners have to be told.
  template <class Visit>
  static bool fail_all(Visit visit, uint32_t timeline, sporkle_status status,
                       Timeline* timelines, Gathering& gathering) noexcept {
    visit([&](Slot& slot, uint64_t generation) {
      fail_unended(slot, generation, status, timeline, timelines);
    });
    return notify(timelines[timeline], gathering);
  }

  // The pool of a live fence goes: the fence fails if it has not ended, then its
  // handles become stale, whoever owns it. No queue works any more.
  template <class Recycle, class Tell>
  static void release(Slot& slot, uint64_t generation, sporkle_status status, Timeline* timelines,
                      Gathering& gathering, Recycle recycle, Tell tell) noexcept {
    const FenceState state{slot.state.load(std::memory_order_acquire)};
    if (fail_unended(slot, generation, status, any_timeline, timelines)) {
      if (notify(timelines[state.timeline()], gathering)) tell();
    }
    destroy(slot, generation, true, timelines, gathering, recycle, tell);
  }

  // Somebody asks to be told of a fence's end without waiting: enlist() puts him
  // into the list that tell() goes through. Counted first, so that whoever ends the
  // fence behind the look of tell() knows of him; told always, because it may have
  // ended before he was counted. Returns false when the list has no room.
  template <class Enlist, class Tell>
  static bool listen(Gathering& gathering, Enlist enlist, Tell tell) noexcept {
    gathering.listeners.fetch_add(1, std::memory_order_seq_cst);
    if (!enlist()) {
      gathering.listeners.fetch_sub(1, std::memory_order_relaxed);
      return false;
    }
    tell();
    return true;
  }

  // Everything up to `value` has ended. One thread at a time per timeline.
  static bool publish(Timeline& timeline, uint64_t value, Gathering& gathering) noexcept {
    const uint64_t before = timeline.counter.load(std::memory_order_relaxed);
    if (value <= before) return false;
    timeline.counter.store(value, std::memory_order_release);
    return notify(timeline, gathering, mask_of_range(before, value));
  }

  // One look at several fences: NOT_READY while not one of them (`any`), or not every
  // one, has ended. A stale handle ends the look; else the answer is that of the first
  // that has ended, or of the first that has failed. `index` says which.
  template <class PollAt>
  static sporkle_status look(uint32_t count, bool any, PollAt poll_at, uint32_t* index) noexcept {
    sporkle_status failure = SPORKLE_OK;
    bool pending = false;
    for (uint32_t i = 0; i < count; ++i) {
      const sporkle_status status = poll_at(i);
      if (status == SPORKLE_NOT_READY) {
        pending = true;
      } else if (any || status == SPORKLE_ERROR_INVALID_HANDLE) {
        *index = i;
        return status;
      } else if (status < 0 && failure == SPORKLE_OK) {
        failure = status;
        *index = i;
      }
    }
    return pending ? SPORKLE_NOT_READY : failure;
  }

  // The answer of a wait whose deadline has passed: what ended before it is no
  // timeout, however late the waiter runs.
  template <class Look>
  static sporkle_status at_deadline(Look look_again) noexcept {
    const sporkle_status status = look_again();
    return status == SPORKLE_NOT_READY ? SPORKLE_TIMEOUT : status;
  }

  // One sleep of a thread that waits for one fence. Everything is read after the
  // sleeper is counted in, and the state once more after the value: a fence that
  // moved in between would be published elsewhere.
  template <class Deadline>
  static void sleep_for(const Slot& slot, uint64_t generation, Timeline* timelines,
                        Deadline deadline) noexcept {
    const FenceState state{slot.state.load(std::memory_order_acquire)};
    Timeline& timeline = timelines[state.timeline()];
    timeline.waiters.fetch_add(1, std::memory_order_seq_cst);
    const uint32_t events = timeline.events.load(std::memory_order_acquire);
    const uint64_t value = slot.value.load(std::memory_order_acquire);
    const bool same = slot.state.load(std::memory_order_acquire) == state.word;
    if (same && poll(slot, generation, timelines) == SPORKLE_NOT_READY) {
      M::sleep(timeline.events, events, deadline, state.moving() ? wake_all : mask_of(value));
    }
    timeline.waiters.fetch_sub(1, std::memory_order_release);
  }

  // One sleep of a thread that waits for anything: `pending()` looks again at
  // all that it waits for.
  template <class Pending, class Deadline>
  static void sleep_for_any(Gathering& gathering, Pending pending, Deadline deadline) noexcept {
    gathering.waiters.fetch_add(1, std::memory_order_seq_cst);
    const uint32_t events = gathering.events.load(std::memory_order_acquire);
    if (pending()) M::sleep(gathering.events, events, deadline, wake_all);
    gathering.waiters.fetch_sub(1, std::memory_order_release);
  }

  // One sleep of a thread that waits for a value of a timeline.
  template <class Deadline>
  static void sleep_for_value(Timeline& timeline, uint64_t value, Deadline deadline) noexcept {
    timeline.waiters.fetch_add(1, std::memory_order_seq_cst);
    const uint32_t events = timeline.events.load(std::memory_order_acquire);
    if (timeline.counter.load(std::memory_order_acquire) < value) {
      M::sleep(timeline.events, events, deadline, mask_of(value));
    }
    timeline.waiters.fetch_sub(1, std::memory_order_release);
  }
};

}  // namespace sporkle
