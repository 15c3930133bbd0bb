// The problem grammar: what is accepted, what each default is, and the exact
// message for what is refused.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "tools/problem.h"

static Problem parse(const char *text) {
  Problem problem;
  ProblemError error;
  memset(&problem, 0xee, sizeof problem);
  if (problem_parse(text, strlen(text), &problem, &error) != 0) {
    fail_msg("\"%s\" was refused: %s", text, error.text);
  }
  return problem;
}

static void assert_refused(const char *text, const char *message) {
  Problem problem, before;
  ProblemError error;
  memset(&problem, 0xee, sizeof problem);
  before = problem;
  if (problem_parse(text, strlen(text), &problem, &error) == 0) fail_msg("\"%s\" passed", text);
  assert_string_equal(error.text, message);
  assert_memory_equal(&problem, &before, sizeof problem);
}

static void test_full_form(void **state) {
  (void)state;
  Problem p = parse("g2mb8_ic64ih56iw48_oc128oh28ow47_kh3kw2_sh2sw1_ph1pw0_dh0dw0n\"layer\"");
  assert_int_equal(p.groups, 2);
  assert_int_equal(p.n, 8);
  assert_int_equal(p.c, 64);
  assert_int_equal(p.k, 128);
  assert_int_equal(p.h, 56);
  assert_int_equal(p.w, 48);
  assert_int_equal(p.kernel_h, 3);
  assert_int_equal(p.kernel_w, 2);
  assert_int_equal(p.stride_h, 2);
  assert_int_equal(p.stride_w, 1);
  assert_int_equal(p.out_h, 28);
  assert_int_equal(p.out_w, 47);
  assert_int_equal(p.dilation_h, 1);
  assert_string_equal(p.name, "layer");
}

static void test_defaults(void **state) {
  (void)state;
  Problem p = parse("ic3ih224oc64kh7sh2ph3");
  assert_int_equal(p.n, 2);
  assert_int_equal(p.groups, 1);
  assert_int_equal(p.w, 224);
  assert_int_equal(p.kernel_w, 7);
  assert_int_equal(p.stride_w, 2);
  assert_int_equal(p.padding_left, 3);
  assert_int_equal(p.padding_bottom, 3);
  assert_int_equal(p.dilation_h, 1);
  assert_int_equal(p.out_h, 112);
  assert_int_equal(p.out_w, 112);
  assert_string_equal(p.name, "");
  assert_int_equal(parse("mb1ic17ih31iw29oc13kh5ph2").out_w, 29);
  assert_int_equal(parse("mb1ic4ih9oc4kh3dh1").dilation_w, 2);
  assert_int_equal(parse("mb1ic4ih9oc4kh3dh1").out_h, 5);
}

static void test_one_dimension(void **state) {
  (void)state;
  Problem p = parse("mb1ic8iw100oc8kw5pw2");
  assert_int_equal(p.h, 1);
  assert_int_equal(p.kernel_h, 1);
  assert_int_equal(p.padding_top, 0);
  assert_int_equal(p.out_h, 1);
  assert_int_equal(p.out_w, 100);
}

static void test_output_decides_padding(void **state) {
  (void)state;
  // Total padding 3: benchdnn puts the smaller half first.
  Problem p = parse("mb1ic1ih8oh8oc1kh4");
  assert_int_equal(p.padding_top, 1);
  assert_int_equal(p.padding_bottom, 2);
  assert_int_equal(p.padding_left, 1);
  assert_int_equal(p.padding_right, 2);
  // Given padding at the top, the rest goes to the bottom.
  p = parse("mb1ic1ih8oh9oc1kh3ph1");
  assert_int_equal(p.padding_top, 1);
  assert_int_equal(p.padding_bottom, 2);
  // Symmetric padding that already gives the output stays symmetric.
  p = parse("mb1ic3ih224oh112oc64kh7sh2ph3");
  assert_int_equal(p.padding_bottom, 3);
  // A surplus row of the input is not negative padding.
  p = parse("mb1ic1ih8oh3oc1kh2sh3ph0");
  assert_int_equal(p.padding_bottom, 0);
}

static void test_names(void **state) {
  (void)state;
  assert_string_equal(parse("mb1ic1ih8oc1kh1n\"res2a:conv#1\"").name, "res2a:conv#1");
  // A shell removes the quotes.
  assert_string_equal(parse("mb1ic1ih8oc1kh1nconv1").name, "conv1");
  assert_refused("mb1ic1ih8oc1kh1n", "column 16: \"n\": the name is empty");
  assert_refused("mb1ic1ih8oc1kh1n\"\"", "column 16: \"n\"\"\": the name is empty");
  assert_refused("mb1ic1ih8oc1kh1n\"a",
                 "column 16: \"n\"a\": the name must end the text with a closing quote");
  assert_refused("mb1ic1ih8oc1kh1n\"a\"mb2",
                 "column 16: \"n\"a\"mb2\": the name must end the text with a closing quote");
  assert_refused("mb1ic1ih8oc1kh1na b",
                 "column 16: \"na?b\": the name has a byte at column 18 that is not a printable "
                 "character other than blank, quote and backslash");
  assert_refused("mb1ic1ih8oc1kh1n0123456789012345678901234567890123456789012345678901234567890123",
                 "column 16: \"n012345678901234567\": the name is longer than 63 bytes");
}

static void test_syntax_errors(void **state) {
  (void)state;
  assert_refused("", "the problem is empty");
  assert_refused("mb1ic64zz9",
                 "column 8: \"zz9\": unknown field; known are g mb ic ih iw oc oh ow kh kw sh sw "
                 "ph pw dh dw and n\"name\"");
  assert_refused("mb1 ic64",
                 "column 4: \"?ic64\": unknown field; known are g mb ic ih iw oc oh ow kh kw sh "
                 "sw ph pw dh dw and n\"name\"");
  assert_refused("mb1ic64ihxoc3", "column 8: \"ihxoc3\": unknown field; known are g mb ic ih iw "
                                  "oc oh ow kh kw sh sw ph pw dh dw and n\"name\"");
  assert_refused("mb1ic64ih", "column 8: \"ih\": a number must follow ih");
  assert_refused("mb1ic64ih-5oc4kh1", "column 8: \"ih-5oc4kh1\": a number must follow ih");
  assert_refused("mb1ic64ih5.5oc4kh1",
                 "column 11: \".5oc4kh1\": unknown field; known are g mb ic ih iw oc oh ow kh kw "
                 "sh sw ph pw dh dw and n\"name\"");
  assert_refused("mb1mb2ic1ih1oc1kh1", "column 4: \"mb2ic1ih1oc1kh1\": mb is given twice");
  assert_refused("mb0ic1ih1oc1kh1", "column 1: \"mb0ic1ih1oc1kh1\": mb must be at least 1");
  assert_refused("mb1ic1ih1oc1kh1sh0", "column 16: \"sh0\": sh must be at least 1");
  assert_refused("mb1ic1id4ih4oc1kh1",
                 "column 7: \"id4ih4oc1kh1\": three-dimensional convolution is not supported");
  assert_refused("mb9223372036854775808ic1ih1oc1kh1",
                 "column 1: \"mb92233720368547758\": the number is too large");
}

static void test_size_errors(void **state) {
  (void)state;
  assert_refused("mb1ih4oc1kh1", "ic (input channels) is missing");
  assert_refused("mb1ic1ih4kh1", "oc (output channels) is missing");
  assert_refused("mb1ic1oc1kh1", "ih (input height) is missing");
  assert_refused("mb1ic1ih1oc1", "kh (kernel height) is missing");
  assert_refused("mb1ic1iw4oc1", "kw (kernel width) is missing");
  assert_refused("g3mb1ic4ih4oc6kh1", "3 groups do not divide 4 input channels");
  assert_refused("g3mb1ic6ih4oc4kh1", "3 groups do not divide 4 output channels");
  assert_refused("mb1ic1ih4oc1kh7ph1",
                 "the kernel covers 7 elements in direction h, the padded input has 6");
  assert_refused("mb1ic1ih4oc1kh3kw3dw4",
                 "the kernel covers 11 elements in direction w, the padded input has 4");
  assert_refused("mb1ic1ih8oh2oc1kh3ph1", "oh2 does not follow from the other sizes, which give 7");
}

static void test_overflow(void **state) {
  (void)state;
  assert_refused("mb4294967296ic4294967296ih1oc1kh1", "the size of the input overflows");
  assert_refused("mb1ic4611686018427387904ih1oc4kh1", "the size of the input overflows");
  assert_refused("mb1ic1ih2000000000oc2000000000kh2000000000kw1iw1",
                 "the size of the weights overflows");
  assert_refused("mb65536ic1ih65536oc4294967296kh1", "the size of the output overflows");
  assert_refused("mb1000ic1000000ih1000000iw1oc1000000kh1", "the number of FLOPs overflows");
  assert_refused("mb1ic1ih1oc1kh9223372036854775807dh9223372036854775806",
                 "the sizes in direction h overflow");
  assert_refused("mb1ic1ih1oc1kh1dh9223372036854775807", "dh is too large");
  assert_refused("mb1ic1ih1oc1kh1ph9223372036854775807", "the sizes in direction h overflow");
  assert_refused("mb1ic1ih100oc1kh1oh1ph9223372036854775807",
                 "oh1 does not follow from the other sizes, which give 0");
  assert_refused("mb1ic1ih1oc1kh1oh9223372036854775807sh9",
                 "the padding that oh9223372036854775807 needs overflows");
}

static void test_round_trip(void **state) {
  (void)state;
  static const char *const texts[] = {
      "mb1ic3ih224oc64kh7sh2ph3n\"conv1\"", "g32mb4ic32ih8oc64kh3ph1", "mb1ic8iw100oc8kw5pw2",
      "mb1ic17ih31iw29oc13kh5ph2", "mb1ic1ih8oh8oc1kh4", "mb1ic1ih8oh9oc1kh3ph1",
      "mb2ic4ih9iw7oc4kh3kw5sh2sw3ph0pw4dh1dw0", "mb1ic1ih8iw8oc1kh3ow9pw1",
      "mb1ic1ih8iw8oc1kh3oh9ow9ph0pw1",
  };
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; ++i) {
    Problem first = parse(texts[i]);
    char text[PROBLEM_TEXT_CAPACITY];
    size_t length = problem_format(&first, text, sizeof text);
    assert_int_equal(length, strlen(text));
    Problem second = parse(text);
    assert_memory_equal(&first, &second, sizeof first);
  }
  char small[8];
  Problem p = parse(texts[0]);
  assert_int_equal(problem_format(&p, small, sizeof small), strlen(texts[0]));
  assert_string_equal(small, "mb1ic3o");
}

static void test_flops(void **state) {
  (void)state;
  Problem p = parse("mb8ic64ih56oc128kh3ph1");
  assert_true(problem_flops(&p) == 2ull * 8 * 128 * 56 * 56 * 64 * 9);
  p = parse("g4mb1ic8ih4oc8kh1");
  assert_true(problem_flops(&p) == 2ull * 8 * 16 * 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_full_form),     cmocka_unit_test(test_defaults),
      cmocka_unit_test(test_one_dimension), cmocka_unit_test(test_output_decides_padding),
      cmocka_unit_test(test_names),         cmocka_unit_test(test_syntax_errors),
      cmocka_unit_test(test_size_errors),   cmocka_unit_test(test_overflow),
      cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_flops),
  };
  int failed = cmocka_run_group_tests_name("problem", tests, NULL, NULL);
  if (failed) return failed;
  printf("checked: problem grammar, defaults, derived padding, overflow, 38 exact messages\n");
  return 0;
}
