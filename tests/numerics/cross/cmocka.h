/* What the tests of numerics and sequences use of CMocka, for cross builds: the
 * distribution has CMocka for the machine that builds only. A failed assertion
 * ends the program, skip() ends the test. */
#ifndef SPORKLE_TESTS_CROSS_CMOCKA_H
#define SPORKLE_TESTS_CROSS_CMOCKA_H

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

struct CMUnitTest {
  const char *name;
  void (*run)(void **state);
};

#define cmocka_unit_test(function) {#function, function}
#define print_error(...) fprintf(stderr, __VA_ARGS__)

static inline void _fail(const char *file, int line) {
  fprintf(stderr, "%s:%d: failed\n", file, line);
  exit(1);
}

static inline void check_at(int holds, const char *text, const char *file, int line) {
  if (holds) return;
  fprintf(stderr, "%s\n", text);
  _fail(file, line);
}

#define assert_true(x) check_at(!!(x), #x, __FILE__, __LINE__)
#define assert_non_null(x) check_at((x) != NULL, #x " is not null", __FILE__, __LINE__)
#define assert_null(x) check_at((x) == NULL, #x " is null", __FILE__, __LINE__)
#define assert_int_equal(a, b) \
  check_at((long long)(a) == (long long)(b), #a " equals " #b, __FILE__, __LINE__)

static inline jmp_buf *skip_target(void) {
  static jmp_buf target;
  return &target;
}

#define skip() longjmp(*skip_target(), 1)

static inline int run_tests(const char *group, const struct CMUnitTest *tests, size_t count) {
  for (volatile size_t i = 0; i < count; ++i) {
    const char *outcome = "skipped";
    if (setjmp(*skip_target()) == 0) {
      tests[i].run(NULL);
      outcome = "passed";
    }
    printf("%s: %s %s\n", group, tests[i].name, outcome);
  }
  return 0;
}

#define cmocka_run_group_tests_name(group, tests, setup, teardown) \
  run_tests(group, tests, sizeof(tests) / sizeof((tests)[0]))

#endif
