// The known name nearest to a mistyped one.
#pragma once

#include <stddef.h>

typedef struct Suggestion {
  const char *wanted;
  const char *nearest;  // NULL until something was added
  size_t distance;
} Suggestion;

Suggestion suggestion_start(const char *wanted);
void suggestion_add(Suggestion *suggestion, const char *candidate);
