// Files of problems: comments, blank lines, line numbers and columns in errors.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "tools/problem_file.h"

static FILE *open_text(const char *text, size_t length) {
  FILE *stream = tmpfile();
  assert_non_null(stream);
  assert_int_equal(fwrite(text, 1, length, stream), length);
  rewind(stream);
  return stream;
}

static void test_lines(void **state) {
  (void)state;
  const char text[] =
      "# a comment\n\n   \t\nmb1ic4ih8oc4kh3n\"a#b\"   # 12 us\r\n"
      "\tmb2ic4ih8oc4kh3#x\nmb3ic4ih8oc4kh3";
  ProblemFile file = {.stream = open_text(text, sizeof text - 1), .path = "p.txt"};
  Problem problem;
  ProblemError error;
  assert_int_equal(problem_file_next(&file, &problem, &error), 1);
  assert_int_equal(file.line, 4);
  assert_string_equal(problem.name, "a#b");
  assert_int_equal(file.length, strlen("mb1ic4ih8oc4kh3n\"a#b\""));
  assert_int_equal(problem_file_next(&file, &problem, &error), 1);
  assert_int_equal(problem.n, 2);
  assert_int_equal(problem_file_next(&file, &problem, &error), 1);
  assert_int_equal(problem.n, 3);
  assert_int_equal(file.line, 6);
  assert_int_equal(problem_file_next(&file, &problem, &error), 0);
  assert_int_equal(problem_file_next(&file, &problem, &error), 0);
  fclose(file.stream);
}

static void test_errors_name_the_line(void **state) {
  (void)state;
  const char text[] = "# head\n  mb1ic4xx3\nmb1oc4ih3kh1\nmb1ic4ih8oc4kh3\n";
  ProblemFile file = {.stream = open_text(text, sizeof text - 1), .path = "dir/p.txt"};
  Problem problem;
  ProblemError error;
  assert_int_equal(problem_file_next(&file, &problem, &error), -1);
  assert_string_equal(error.text,
                      "dir/p.txt:2: column 9: \"xx3\": unknown field; known are g mb ic ih iw oc "
                      "oh ow kh kw sh sw ph pw dh dw and n\"name\"");
  assert_int_equal(error.column, 9);
  assert_int_equal(problem_file_next(&file, &problem, &error), -1);
  assert_string_equal(error.text, "dir/p.txt:3: ic (input channels) is missing");
  assert_int_equal(problem_file_next(&file, &problem, &error), 1);
  assert_int_equal(problem_file_next(&file, &problem, &error), 0);
  fclose(file.stream);
}

static void test_long_line(void **state) {
  (void)state;
  char text[3000];
  memset(text, '#', sizeof text);
  text[2000] = '\n';
  memcpy(text + 2001, "mb1ic4ih8oc4kh3\n", 16);
  ProblemFile file = {.stream = open_text(text, 2017), .path = "p.txt"};
  Problem problem;
  ProblemError error;
  assert_int_equal(problem_file_next(&file, &problem, &error), -1);
  assert_string_equal(error.text, "p.txt:1: the line has 2000 bytes; the limit is 1023");
  assert_int_equal(problem_file_next(&file, &problem, &error), 1);
  fclose(file.stream);
}

static void test_binary_and_empty(void **state) {
  (void)state;
  ProblemFile file = {.stream = open_text("mb1\0ic4\n", 8), .path = "p.txt"};
  Problem problem;
  ProblemError error;
  assert_int_equal(problem_file_next(&file, &problem, &error), -1);
  assert_non_null(strstr(error.text, "p.txt:1: column 4: \"?ic4\": unknown field"));
  fclose(file.stream);
  ProblemFile empty = {.stream = open_text("", 0), .path = "p.txt"};
  assert_int_equal(problem_file_next(&empty, &problem, &error), 0);
  fclose(empty.stream);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_lines),
      cmocka_unit_test(test_errors_name_the_line),
      cmocka_unit_test(test_long_line),
      cmocka_unit_test(test_binary_and_empty),
  };
  int failed = cmocka_run_group_tests_name("problem_file", tests, NULL, NULL);
  if (failed) return failed;
  printf("checked: files of problems, comments, line and column of each error, long lines\n");
  return 0;
}
