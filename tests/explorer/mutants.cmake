# mutant(NAME FILE protocol|model FAMILY f FIND text REPLACE text EXPECT violation)
# Each builds the explorer with one line of the protocol, or of the rules that
# its callers follow, changed; the test passes when the explorer names the harm.

mutant(poll_looks_once FILE protocol FAMILY life
  FIND "if (again.word == state.word) return counter"
  REPLACE "return counter"
  EXPECT "early success")
mutant(poll_overlooks_a_move FILE protocol FAMILY move
  FIND "if (again.word == state.word) return counter"
  REPLACE "if (again.kind() == state.kind()) return counter"
  EXPECT "early success")
mutant(handle_without_generation FILE protocol FAMILY recycle
  FIND "if (state.generation() != generation) return SPORKLE_ERROR_INVALID_HANDLE;\n      switch"
  REPLACE "switch"
  EXPECT "success for a recycled slot")
mutant(retire_without_generation FILE protocol FAMILY recycle
  FIND "if (state.generation() != generation) return SPORKLE_ERROR_INVALID_HANDLE;\n      if ((state.kind()"
  REPLACE "if ((state.kind()"
  EXPECT "a live slot is in the list of free ones")
mutant(poll_takes_a_move_for_an_end FILE protocol FAMILY move
  FIND "if (state.moving()) return SPORKLE_NOT_READY;"
  REPLACE "if (state.moving()) return SPORKLE_ERROR_INVALID_HANDLE;"
  EXPECT "a live fence is called stale")
mutant(publish_before_failure FILE model FAMILY life
  FIND "  if (failing) {"
  REPLACE "  publish(k, home, k.value);\n  if (failing) {"
  EXPECT "success for a failed operation")
mutant(fail_without_generation FILE protocol FAMILY recycle
  FIND "while (state.pending(generation)) {"
  REPLACE "while (state.kind() == FenceKind::pending) {"
  EXPECT "failure of another fence")
mutant(waiters_not_looked_at FILE protocol FAMILY life
  FIND "if (timeline.waiters.load(std::memory_order_relaxed) != 0) {"
  REPLACE "if (false) {"
  EXPECT "a waiter is never woken")
mutant(no_fence_before_waiters FILE protocol FAMILY life
  FIND "    M::full_fence();\n    if (timeline.waiters"
  REPLACE "    if (timeline.waiters"
  EXPECT "lost completion")
mutant(sleeper_does_not_look_again FILE protocol FAMILY life
  FIND "if (same && poll(slot, generation, timelines) == SPORKLE_NOT_READY)"
  REPLACE "if (same)"
  EXPECT "a waiter is never woken")
mutant(sleeper_trusts_old_state FILE protocol FAMILY move
  FIND "const bool same = slot.state.load(std::memory_order_acquire) == state.word;"
  REPLACE "const bool same = true;"
  EXPECT "a waiter is never woken")
mutant(wrong_mask FILE protocol FAMILY life
  FIND "return notify(timeline, gathering, mask_of_range(before, value));"
  REPLACE "return notify(timeline, gathering, mask_of(before));"
  EXPECT "a waiter is never woken")
mutant(gathering_forgotten FILE protocol FAMILY several
  FIND "if (gathering.waiters.load(std::memory_order_relaxed) != 0) {"
  REPLACE "if (false) {"
  EXPECT "a waiter is never woken")
mutant(destroy_wakes_nobody FILE protocol FAMILY life
  FIND "if (old.kind() != FenceKind::pending) return SPORKLE_OK;"
  REPLACE "return SPORKLE_OK;"
  EXPECT "a waiter is never woken")
mutant(listeners_forgotten FILE protocol FAMILY life
  FIND "return gathering.listeners.load(std::memory_order_relaxed) != 0;"
  REPLACE "return false;"
  EXPECT "a listener was not told")
mutant(destroy_tells_no_listener FILE protocol FAMILY life
  FIND "if (notify(timelines[old.timeline()], gathering)) tell();"
  REPLACE "notify(timelines[old.timeline()], gathering);"
  EXPECT "a listener was not told")
mutant(listener_not_told_at_once FILE protocol FAMILY life
  FIND "    tell();\n    return true;"
  REPLACE "    return true;"
  EXPECT "a listener was not told")
mutant(listener_told_before_it_is_counted FILE protocol FAMILY life
  FIND "    tell();\n    return true;"
  REPLACE "    gathering.listeners.fetch_sub(1, std::memory_order_relaxed);\n    tell();\n    gathering.listeners.fetch_add(1, std::memory_order_seq_cst);\n    return true;"
  EXPECT "a listener was not told")
mutant(mover_does_not_recycle FILE protocol FAMILY move
  FIND "if (state.generation() != generation) return Move::recycle;"
  REPLACE "if (state.generation() != generation) return Move::refused;"
  EXPECT "a slot was lost")
mutant(destroy_recycles_under_a_mover FILE protocol FAMILY move
  FIND "if (!old.moving()) recycle(old);"
  REPLACE "recycle(old);"
  EXPECT "the list of free slots is broken")
mutant(old_queue_not_notified FILE protocol FAMILY move
  FIND "    notify(timelines[old_timeline], gathering);\n"
  REPLACE "    (void)old_timeline;\n"
  EXPECT "a waiter is never woken")
mutant(device_loss_after_publish FILE model FAMILY loss
  FIND "  const auto visit = [](auto fail_one) {"
  REPLACE "  Protocol::publish(w.timelines[0], w.next_value[0], w.gathering);\n  const auto visit = [](auto fail_one) {"
  EXPECT "success for a failed operation")
mutant(device_loss_fails_what_has_ended FILE protocol FAMILY loss
  FIND "return poll(slot, generation, timelines) == SPORKLE_NOT_READY &&\n           fail("
  REPLACE "(void)timelines;\n    return fail("
  EXPECT "failure of another fence")
mutant(device_loss_fails_what_has_moved FILE protocol FAMILY loss
  FIND "if (timeline != any_timeline && state.timeline() != timeline) return false;"
  REPLACE "(void)timeline;"
  EXPECT "failure of another fence")
mutant(device_loss_accepts_work FILE model FAMILY loss
  FIND "    return !w.closing && (w.head"
  REPLACE "    return (w.head"
  EXPECT "early success")
mutant(release_fails_what_has_ended FILE protocol FAMILY release
  FIND "if (fail_unended(slot, generation, status, any_timeline, timelines)) {"
  REPLACE "if (fail(slot, generation, status, any_timeline)) {"
  EXPECT "failure of another fence")
mutant(release_wakes_nobody FILE protocol FAMILY release
  FIND "      if (notify(timelines[state.timeline()], gathering)) tell();\n    }\n    destroy("
  REPLACE "    }\n    (void)state;\n    destroy("
  EXPECT "a waiter is never woken")
mutant(release_leaves_owned_fences FILE protocol FAMILY release
  FIND "destroy(slot, generation, true, timelines"
  REPLACE "destroy(slot, generation, false, timelines"
  EXPECT "answer for a destroyed fence")
mutant(user_destroys_owned_fences FILE protocol FAMILY release
  FIND "if (state.owned() && !force) return SPORKLE_ERROR_INVALID_ARGUMENT;"
  REPLACE "(void)force;"
  EXPECT "the user destroyed a fence that is not his")
mutant(timeout_without_a_last_look FILE protocol FAMILY deadlines
  FIND "return status == SPORKLE_NOT_READY ? SPORKLE_TIMEOUT : status;"
  REPLACE "(void)status;\n    return SPORKLE_TIMEOUT;"
  EXPECT "lost completion")
mutant(all_satisfied_by_one FILE protocol FAMILY deadlines
  FIND "return pending ? SPORKLE_NOT_READY : failure;"
  REPLACE "(void)pending;\n    return failure;"
  EXPECT "early success")
mutant(all_forgets_a_failure FILE protocol FAMILY deadlines
  FIND "return pending ? SPORKLE_NOT_READY : failure;"
  REPLACE "return pending ? SPORKLE_NOT_READY : SPORKLE_OK;"
  EXPECT "success for a failed operation")
mutant(stale_handles_are_waited_for FILE protocol FAMILY deadlines
  FIND "} else if (any || status == SPORKLE_ERROR_INVALID_HANDLE) {"
  REPLACE "} else if (status == SPORKLE_ERROR_INVALID_HANDLE) {\n        pending = true;\n      } else if (any) {"
  EXPECT "a waiter is never woken")
mutant(late_sleeper_stays_counted FILE protocol FAMILY deadlines
  FIND "state.moving() ? wake_all : mask_of(value));\n    }\n    timeline.waiters.fetch_sub(1, std::memory_order_release);"
  REPLACE "state.moving() ? wake_all : mask_of(value));\n    }"
  EXPECT "a waiter that has gone is counted")
mutant(drain_does_not_look_again FILE protocol FAMILY deadlines
  FIND "    if (timeline.counter.load(std::memory_order_acquire) < value) {\n      M::sleep"
  REPLACE "    {\n      M::sleep"
  EXPECT "a waiter is never woken")
