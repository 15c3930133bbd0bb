/* Streams on a device whose every twentieth dispatch waits for those before it: which
 * these are is learnt from the operations that took longer, and no copy waits then. */
#include "gl/dispatch_waits_shim.h"
#include "support/test.h"

enum { period = shim_waits_period };

/* One operation: `before` dispatches behind barriers, copies and their neighbour, `after`
 * behind barriers. Whether one of those beside the first copy waited. */
static int operation(uint64_t phase, uint32_t copies, uint32_t before, uint32_t after) {
  shim_waits_count(before);
  shim_waits_count(shim_waits_padding(copies));
  const uint64_t first = shim_waits_next() + 1;
  int waited = 0;
  for (uint32_t i = 0; i < copies; ++i) waited |= (first + i) % period == phase;
  shim_waits_count(copies + 1);
  shim_waits_count(after);
  if (waited) shim_waits_learn(first, copies);
  return waited;
}

/* Whatever their number per operation is, and where counting began. */
static void copies_wait_once(void **state) {
  (void)state;
  for (uint64_t phase = 0; phase < period; ++phase) {
    for (uint32_t copies = 1; copies <= 3; ++copies) {
      for (uint32_t others = 1; others <= 6; ++others) {
        shim_waits_reset();
        int waited = 0;
        for (int i = 0; i < 200; ++i) waited += operation(phase, copies, others / 2, others - others / 2);
        assert_true(waited <= 1);
      }
    }
  }
}

static void few_dispatches_are_added(void **state) {
  (void)state;
  shim_waits_reset();
  for (int i = 0; i < 100; ++i) operation(7, 2, 1, 2);
  const uint64_t learnt = shim_waits_next();
  for (int i = 0; i < 1000; ++i) operation(7, 2, 1, 2);
  /* Six each, and at most three in front of one that would wait. */
  assert_true(shim_waits_next() - learnt <= 1000 * (6 + 3 * 6.0 / period));
}

static void what_no_longer_holds_is_learnt_anew(void **state) {
  (void)state;
  shim_waits_reset();
  for (int i = 0; i < 100; ++i) operation(3, 2, 1, 2);
  for (uint64_t phase = 0; phase < period; ++phase) {
    int waited = 0;
    for (int i = 0; i < 200; ++i) waited += operation(phase, 2, 1, 2);
    assert_true(waited <= 2);
  }
}

static void nothing_known_adds_nothing(void **state) {
  (void)state;
  shim_waits_reset();
  for (uint32_t i = 0; i < 3 * period; ++i) {
    assert_int_equal(shim_waits_padding(i % 4), 0);
    shim_waits_count(1);
  }
  /* More neighbours than are placed, all of which may wait: no way round. */
  for (uint64_t i = 0; i < period; ++i) shim_waits_learn(i, 8);
  assert_true(shim_waits_padding(8) < period);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(copies_wait_once), cmocka_unit_test(few_dispatches_are_added),
      cmocka_unit_test(what_no_longer_holds_is_learnt_anew),
      cmocka_unit_test(nothing_known_adds_nothing)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
