/* Options, log and handle bits. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shim.h"

struct capture {
  int count;
  char last[256];
};

static void keep(void *user, int32_t level, const char *message) {
  struct capture *c = user;
  (void)level;
  c->count++;
  snprintf(c->last, sizeof c->last, "%s", message);
}

static void off_words(void **state) {
  (void)state;
  assert_true(shim_text_is_off("0"));
  assert_true(shim_text_is_off("off"));
  assert_true(shim_text_is_off("OFF"));
  assert_true(shim_text_is_off("no"));
  assert_false(shim_text_is_off(""));
  assert_false(shim_text_is_off("on"));
  assert_false(shim_text_is_off("00"));
}

static void unknown_variable_names_the_nearest(void **state) {
  (void)state;
  struct capture c = {0, ""};
  setenv("SPORKLE_THREDS", "2", 1);
  shim_warn_unknown(keep, &c);
  assert_int_equal(c.count, 1);
  assert_non_null(strstr(c.last, "SPORKLE_THREDS"));
  assert_non_null(strstr(c.last, "did you mean SPORKLE_THREADS?"));
  unsetenv("SPORKLE_THREDS");
  shim_warn_unknown(keep, &c);
  assert_int_equal(c.count, 1);
}

static void one_warning_per_cause(void **state) {
  (void)state;
  struct capture c = {0, ""};
  shim_warn_once(keep, &c, "cause one", 5);
  assert_int_equal(c.count, 1);
}

static void handle_bits_round_trip(void **state) {
  (void)state;
  const uint64_t generations[] = {1, 2, (UINT64_C(1) << 39) - 1};
  const uint32_t slots[] = {0, 1, (1u << 20) - 1};
  for (int g = 0; g < 3; ++g) {
    for (int s = 0; s < 3; ++s) {
      void *handle = shim_encode(generations[g], slots[s], 3);
      uint64_t generation;
      uint32_t slot, type;
      assert_true(((uintptr_t)handle & 1) == 1);
      shim_decode(handle, &generation, &slot, &type);
      assert_true(generation == generations[g]);
      assert_int_equal(slot, slots[s]);
      assert_int_equal(type, 3);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(off_words),
      cmocka_unit_test(unknown_variable_names_the_nearest),
      cmocka_unit_test(one_warning_per_cause),
      cmocka_unit_test(handle_bits_round_trip),
  };
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  printf("checked: words for off, unknown variables, warnings once per cause, handle bits\n");
  return failed;
}
