// The JSON writer: escapes, numbers, nesting.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/json.h"

static char *text;
static size_t text_size;

static JsonWriter begin(void) { return json_writer(open_memstream(&text, &text_size)); }

static void assert_text(JsonWriter *writer, const char *expected) {
  fclose(writer->stream);
  assert_string_equal(text, expected);
  free(text);
}

static void test_nesting(void **state) {
  (void)state;
  JsonWriter writer = begin();
  json_object_begin(&writer, NULL);
  json_array_begin(&writer, "empty");
  json_array_end(&writer);
  json_array_begin(&writer, "items");
  json_integer(&writer, NULL, -7);
  json_object_begin(&writer, NULL);
  json_object_end(&writer);
  json_bool(&writer, NULL, true);
  json_array_end(&writer);
  json_null(&writer, "nothing");
  json_object_end(&writer);
  assert_text(&writer,
              "{\n  \"empty\": [],\n  \"items\": [\n    -7,\n    {},\n    true\n  ],\n"
              "  \"nothing\": null\n}\n");
}

static void assert_string_is(const char *value, const char *expected) {
  JsonWriter writer = begin();
  json_string(&writer, NULL, value);
  assert_text(&writer, expected);
}

static void test_strings(void **state) {
  (void)state;
  assert_string_is("a\"b\\c\n\t\x01\x7f", "\"a\\\"b\\\\c\\u000a\\u0009\\u0001\\u007f\"");
  assert_string_is("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
                   "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"");
  // A lone continuation byte, an overlong form, a surrogate, a cut sequence.
  assert_string_is("\x80|\xc0\xaf|\xed\xa0\x80|\xe2\x82",
                   "\"\\ufffd|\\ufffd\\ufffd|\\ufffd\\ufffd\\ufffd|\\ufffd\\ufffd\"");
  assert_string_is(NULL, "null");
}

static void assert_number_is(double value, const char *expected) {
  JsonWriter writer = begin();
  json_number(&writer, NULL, value);
  assert_text(&writer, expected);
}

static void test_numbers(void **state) {
  (void)state;
  assert_number_is(0.1, "0.1");
  assert_number_is(1.0 / 3.0, "0.3333333333333333");
  assert_number_is(1e300, "1e+300");
  assert_number_is(5e-324, "4.94066e-324");
  assert_number_is(NAN, "null");
  assert_number_is(-INFINITY, "null");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_nesting),
      cmocka_unit_test(test_strings),
      cmocka_unit_test(test_numbers),
  };
  int failed = cmocka_run_group_tests_name("json", tests, NULL, NULL);
  if (failed) return failed;
  printf("checked: JSON nesting, escapes, invalid UTF-8, shortest numbers, non-finite as null\n");
  return 0;
}
