#include "tools/problem_file.h"

#include <stdbool.h>
#include <string.h>

#include "tools/problem_shape.h"

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

size_t problem_line_trim(const char *line, size_t length, const char **out_begin) {
  bool quoted = false;
  size_t end = 0;
  for (; end < length; ++end) {
    if (line[end] == '"') quoted = !quoted;
    if (line[end] == '#' && !quoted) break;
  }
  size_t begin = 0;
  while (begin < end && is_blank(line[begin])) ++begin;
  while (end > begin && is_blank(line[end - 1])) --end;
  *out_begin = line + begin;
  return end - begin;
}

// Reads one line into file->text without its newline. Returns its full length,
// which may exceed the capacity, or -1 at the end of the file.
static long read_line(ProblemFile *file) {
  long length = 0;
  int c = getc(file->stream);
  if (c == EOF) return -1;
  for (; c != EOF && c != '\n'; c = getc(file->stream)) {
    if (length < PROBLEM_LINE_CAPACITY) file->text[length] = (char)c;
    ++length;
  }
  ++file->line;
  return length;
}

int problem_file_parse(const ProblemFile *file, Problem *out, ProblemError *error) {
  ProblemError inner;
  if (problem_parse(file->problem, file->length, out, &inner) == 0) return 1;
  // Columns count from the start of the line, as an editor shows them.
  size_t indent = (size_t)(file->problem - file->text);
  const char *reason = inner.text;
  if (inner.column == 0) return problem_fail(error, "%s:%d: %s", file->path, file->line, reason);
  reason = strstr(inner.text, ": ") + 2;
  problem_fail(error, "%s:%d: column %zu: %s", file->path, file->line, inner.column + indent,
               reason);
  error->column = inner.column + indent;
  return -1;
}

int problem_file_line(ProblemFile *file, ProblemError *error) {
  for (;;) {
    long length = read_line(file);
    if (length < 0) {
      if (!ferror(file->stream)) return 0;
      return problem_fail(error, "%s: cannot be read", file->path);
    }
    if (length >= PROBLEM_LINE_CAPACITY) {
      return problem_fail(error, "%s:%d: the line has %ld bytes; the limit is %d", file->path,
                          file->line, length, PROBLEM_LINE_CAPACITY - 1);
    }
    file->length = problem_line_trim(file->text, (size_t)length, &file->problem);
    if (file->length > 0) return 1;
  }
}

int problem_file_next(ProblemFile *file, Problem *out, ProblemError *error) {
  const int found = problem_file_line(file, error);
  return found == 1 ? problem_file_parse(file, out, error) : found;
}
