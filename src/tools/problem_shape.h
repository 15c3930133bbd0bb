// How a problem's missing sizes follow from the given ones. Used by problem.c.
#pragma once

#include "tools/problem.h"

// One direction as the text gave it; -1 = not given.
typedef struct Axis {
  int64_t in, out, kernel, stride, padding, dilation;
} Axis;

// Writes a message that is not at one place of the text. Returns -1.
int problem_fail(ProblemError *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// Applies benchdnn's defaults and fills the spatial sizes of `problem`.
// Returns 0 or -1.
int problem_resolve_axes(const Axis *height, const Axis *width, Problem *problem,
                         ProblemError *error);
