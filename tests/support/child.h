// A part of a test in a forked child.
#pragma once

#include <stdio.h>

// Runs `body` in a child that a hang ends after `seconds`. Returns what it returns: not 0
// where a CHILD_CHECK failed. A child that a signal ends fails the test.
int in_child(int (*body)(void *), void *data, unsigned seconds);

#define CHILD_CHECK(condition)                                       \
  do {                                                               \
    if (!(condition)) {                                              \
      fprintf(stderr, "child: line %d: %s\n", __LINE__, #condition); \
      return 1;                                                      \
    }                                                                \
  } while (0)
