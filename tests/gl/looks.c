// When the submission thread looks at work in flight, sleeps and stays awake.
#include "gl/looks_shim.h"
#include "support/test.h"

enum { us = 1000, ms = 1000000 };
static const uint64_t begin = 5000000000u;

// How long the thread is awake, in us, while the work never ends.
static uint64_t awake_us(uint64_t predicted, int after_idle) {
  uint64_t total = 0;
  for (uint64_t at = 0; at < 20 * ms; at += us) {
    total += shim_stays_awake(begin, predicted, begin + at, after_idle) != 0;
  }
  return total;
}

static void short_work_is_waited_for_awake(void **state) {
  (void)state;
  // From the beginning to shortly behind the end, without a gap.
  for (uint64_t predicted = 0; predicted < 100 * us; predicted += 7 * us) {
    for (uint64_t at = 0; at <= predicted + 25 * us; at += us) {
      assert_true(shim_stays_awake(begin, predicted, begin + at, 0));
    }
    assert_false(shim_stays_awake(begin, predicted, begin + predicted + 26 * us, 0));
  }
}

static void long_work_is_slept_through(void **state) {
  (void)state;
  // 4 ms: 20 us before to 25 us behind the end, 1.1 % of a core.
  assert_in_range(awake_us(4 * ms, 0), 44, 47);
  assert_in_range(awake_us(4 * ms, 1), 44, 47);
  assert_in_range(awake_us(100 * us, 0), 44, 47);
}

static void a_device_that_was_idle_is_waited_for_awake(void **state) {
  (void)state;
  // It begins late: what was predicted says little.
  for (uint64_t predicted = 0; predicted <= 600 * us; predicted += 30 * us) {
    for (uint64_t at = 0; at < 400 * us; at += 5 * us) {
      assert_true(shim_stays_awake(begin, predicted, begin + at, 1));
    }
    // Bounded, however long the work takes.
    assert_in_range(awake_us(predicted, 1), 400, 450);
  }
}

static void no_end_is_seen_late(void **state) {
  (void)state;
  static const uint64_t lengths[] = {0, 50 * us, 300 * us, 4 * ms, 900 * ms};
  for (size_t i = 0; i < COUNT_OF(lengths); ++i) {
    // Whatever was predicted: by a sixteenth of what has elapsed, 25 ms at most.
    uint64_t now = begin + us;
    for (int look = 0; look < 400; ++look) {
      const uint64_t next = shim_next_look(begin, lengths[i], lengths[i], now);
      const uint64_t elapsed = now - begin;
      const uint64_t most = elapsed / 16 < 20 * us ? 60 * us : elapsed / 16;
      assert_true(next > now);
      assert_true(next - now <= (most > 25 * ms ? 25 * ms : most));
      now = next;
    }
  }
}

static void trusted_work_is_looked_at_rarely(void **state) {
  (void)state;
  // 4 ms, 10 us off: looks at a quarter and a half, one to tell waiters 80 us before the
  // end, one when the spin begins.
  const uint64_t predicted = 4 * ms, end = begin + predicted;
  uint64_t now = begin + us, told = 0;
  int looks = 0;
  for (; !shim_stays_awake(begin, predicted, now, 0); ++looks) {
    now = shim_next_look(begin, predicted, 10 * us, now);
    if (told == 0 && now + 90 * us >= end) told = now;
    assert_true(looks < 10);
  }
  assert_int_equal(looks, 4);
  assert_in_range(end - told, 60 * us, 90 * us);
  assert_int_equal(end - now, 20 * us);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(short_work_is_waited_for_awake),
      cmocka_unit_test(long_work_is_slept_through),
      cmocka_unit_test(a_device_that_was_idle_is_waited_for_awake),
      cmocka_unit_test(no_end_is_seen_late),
      cmocka_unit_test(trusted_work_is_looked_at_rarely),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
