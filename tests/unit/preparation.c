/* A plan's preparation ends with its fence: whoever has waited for the one finds the
 * other ended. */
#include "support/test.h"
#include "unit/preparation_shim.h"

static void expect_one_end(sporkle_status result) {
  shim_preparation_seen seen = {.ended_in_job = -1};
  shim_preparation_run(result, &seen);
  assert_int_equal(seen.ended_in_job, 0);
  assert_int_equal(seen.fence_in_job, SPORKLE_NOT_READY);
  assert_int_equal(seen.settled, result);
  assert_int_equal(seen.fence_settled, result);
}

static void success_is_seen_with_the_fence(void **state) {
  (void)state;
  for (int i = 0; i < 100; ++i) expect_one_end(SPORKLE_OK);
}

static void failure_is_seen_with_the_fence(void **state) {
  (void)state;
  for (int i = 0; i < 100; ++i) expect_one_end(SPORKLE_ERROR_OUT_OF_MEMORY);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(success_is_seen_with_the_fence),
                                     cmocka_unit_test(failure_is_seen_with_the_fence)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
