/* The fence protocol under every interleaving of three threads, and under random
 * ones of six.
 *   explore_fences FAMILY                nothing is violated
 *   explore_fences FAMILY broken TEXT    TEXT is violated: that is how copies of the
 *                                        protocol with one line changed are run */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "explorer/explorer.h"

static explorer_report report;
static const char *family, *wanted = "";

static const char *const families[] = {"life", "recycle", "move", "several",
                                       "loss", "release", "deadlines", "walks"};

static void explore(void) {
  for (int i = 0; i < EXPLORER_FAMILIES; ++i) {
    if (strcmp(families[i], family) == 0) explorer_exhaust(i, &report);
  }
  if (strcmp(family, "walks") != 0) return;
  for (uint64_t seed = 1; seed <= 8 && report.violation[0] == '\0'; ++seed) {
    explorer_walk(seed, 5000, &report);
  }
}

static void protocol_holds(void **state) {
  (void)state;
  explore();
  if (report.violation[0] != '\0') print_error("%s\n%s", report.violation, report.trace);
  assert_string_equal(report.violation, "");
  assert_true(report.scenarios + report.walks > 0);
  assert_true(report.ends >= report.scenarios);
  printf("checked %s: %llu programs of three threads with %llu states and %llu ends, %llu random "
         "walks with %llu accesses\n",
         family, (unsigned long long)report.scenarios, (unsigned long long)report.states,
         (unsigned long long)report.ends, (unsigned long long)report.walks,
         (unsigned long long)report.steps);
}

static void breach_is_found(void **state) {
  (void)state;
  explore();
  print_message("%s", report.trace);
  assert_string_equal(report.violation, wanted);
  printf("checked: the explorer finds \"%s\"\n", wanted);
}

int main(int argc, char **argv) {
  if (argc != 2 && argc != 4) return 2;
  family = argv[1];
  if (argc == 4) wanted = argv[3];
  const struct CMUnitTest holds[] = {cmocka_unit_test(protocol_holds)};
  const struct CMUnitTest broken[] = {cmocka_unit_test(breach_is_found)};
  return argc == 2 ? cmocka_run_group_tests(holds, NULL, NULL)
                   : cmocka_run_group_tests(broken, NULL, NULL);
}
