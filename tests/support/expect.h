// Expectations about a call to the library. Each names the call, the status
// and the library's text when it is not met.
#pragma once

#include "support/test.h"

void expect_status_at(sporkle_status want, sporkle_status got, const char *call, const char *file,
                      int line);

// Also: the text is `function: argument`, followed by its reason.
void expect_refused_at(sporkle_status want, const char *argument, sporkle_status got,
                       const char *call, const char *file, int line);

#define expect_status(want, ...) \
  expect_status_at((want), (__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__)
#define expect_ok(...) expect_status(SPORKLE_OK, __VA_ARGS__)
#define expect_refused(want, argument, ...) \
  expect_refused_at((want), (argument), (__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__)

// Fails the test with a formatted message.
#define expect_true(condition, ...)                        \
  do {                                                     \
    if (!(condition)) {                                    \
      print_error("%s: ", #condition);                     \
      print_error(__VA_ARGS__);                            \
      print_error("\n");                                   \
      _fail(__FILE__, __LINE__);                           \
    }                                                      \
  } while (0)
