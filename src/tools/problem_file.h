// A file of problems: one per line, '#' starts a comment, blank lines are
// skipped. No allocation.
#pragma once

#include <stdio.h>

#include "tools/problem.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { PROBLEM_LINE_CAPACITY = 1024 };

typedef struct ProblemFile {
  FILE *stream;      // opened and closed by the caller
  const char *path;  // for messages
  int line;          // number of the line read last
  char text[PROBLEM_LINE_CAPACITY];
  const char *problem;  // the problem read last, within `text`, not NUL-terminated
  size_t length;
} ProblemFile;

// Reads the next problem. Returns 1 with `out` filled, 0 at the end of the
// file, or -1 with a message `path:line: ...`. After an error in a line the
// next call goes on with the line behind it.
int problem_file_next(ProblemFile *file, Problem *out, ProblemError *error);

// The two halves of it, for files with more than a problem in a line: the next
// line that has something, 1, 0 or -1 as above; and the problem in `length`
// bytes from `problem`.
int problem_file_line(ProblemFile *file, ProblemError *error);
int problem_file_parse(const ProblemFile *file, Problem *out, ProblemError *error);

// The part of a line that is a problem: without comment and outer blanks. '#'
// within n"name" is part of the name. Returns its length; 0: nothing there.
size_t problem_line_trim(const char *line, size_t length, const char **out_begin);

#ifdef __cplusplus
}
#endif
