/* What `sporkle soak` makes of its counts. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "tools/command.h"
#include "tools/soak.h"

static SoakOutcome good_outcome(void) {
  SoakOutcome out;
  memset(&out, 0, sizeof out);
  out.counts.verified = 1;
  out.rounds = 2;
  return out;
}

static void one_of_each_fails(void **state) {
  (void)state;
  const SoakOptions options = {.seconds = 1};
  SoakOutcome out = good_outcome();
  assert_int_equal(soak_verdict(&options, &out), TOOL_OK);
  assert_string_equal(out.message, "");
  out.counts.verified = 0;
  assert_int_equal(soak_verdict(&options, &out), TOOL_WRONG_RESULT);
  atomic_llong *const counts[] = {&out.counts.lost, &out.counts.extra, &out.counts.wrong,
                                  &out.counts.broken};
  for (size_t i = 0; i < sizeof counts / sizeof *counts; ++i) {
    out = good_outcome();
    *counts[i] = 1;
    assert_int_equal(soak_verdict(&options, &out), TOOL_WRONG_RESULT);
  }
}

static void late_waits_fail(void **state) {
  (void)state;
  const SoakOptions options = {.faults = true};
  SoakOutcome out = good_outcome();
  out.counts.longest_overrun_ns = SOAK_OVERRUN_LIMIT_NS;
  assert_int_equal(soak_verdict(&options, &out), TOOL_OK);
  out.counts.longest_overrun_ns += 1;
  assert_int_equal(soak_verdict(&options, &out), TOOL_WRONG_RESULT);
  assert_non_null(strstr(out.message, "2.000 s behind its deadline"));
}

static void open_files_fail(void **state) {
  (void)state;
  static const uint32_t kinds[] = {
      SPORKLE_DEVICE_KIND_CPU, SPORKLE_DEVICE_KIND_NULL, SPORKLE_DEVICE_KIND_GL};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; ++i) {
    for (int faults = 0; faults < 2; ++faults) {
      const SoakOptions options = {.faults = faults != 0};
      SoakOutcome out = good_outcome();
      out.device.kind = kinds[i];
      out.open_fds_delta = -1;
      assert_int_equal(soak_verdict(&options, &out), TOOL_OK);
      out.open_fds_delta = 1;
      const bool allowed = faults && kinds[i] == SPORKLE_DEVICE_KIND_GL;
      assert_int_equal(soak_verdict(&options, &out), allowed ? TOOL_OK : TOOL_WRONG_RESULT);
      assert_int_equal(strstr(out.message, "1 more open files") != NULL, !allowed);
    }
  }
}

static void growth_fails_in_long_runs(void **state) {
  (void)state;
  const SoakOptions options = {.faults = true};
  for (int enough = 0; enough < 8; ++enough) {
    SoakOutcome out = good_outcome();
    out.elapsed_s = SOAK_GROWTH_SECONDS - (enough & 1 ? 0 : 1);
    out.rounds = SOAK_GROWTH_ROUNDS - (enough & 2 ? 0 : 1);
    out.rss_slope_bytes_per_s = SOAK_GROWTH_LIMIT + (enough & 4 ? 1 : 0);
    const bool fails = enough == 7;
    assert_int_equal(soak_verdict(&options, &out), fails ? TOOL_WRONG_RESULT : TOOL_OK);
    assert_int_equal(strstr(out.message, "grew by 1000001 bytes") != NULL, fails);
  }
}

static void few_samples_prove_little(void **state) {
  (void)state;
  double sorted[400];
  for (int i = 0; i < 400; ++i) sorted[i] = i;
  assert_true(soak_median_at_most(sorted, 1) == 0);
  assert_true(soak_median_at_most(sorted, 4) == 3);
  assert_true(soak_median_at_most(sorted, 20) == 15);
  assert_true(soak_median_at_most(sorted, 100) == 61);
  assert_true(soak_median_at_most(sorted, 400) == 223);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(one_of_each_fails),
                                     cmocka_unit_test(late_waits_fail),
                                     cmocka_unit_test(open_files_fail),
                                     cmocka_unit_test(growth_fails_in_long_runs),
                                     cmocka_unit_test(few_samples_prove_little)};
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  printf("checked: what makes a soak fail\n");
  return failed;
}
