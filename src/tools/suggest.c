#include "tools/suggest.h"

#include <string.h>

enum { MAX_LENGTH = 31 };

static size_t min2(size_t a, size_t b) { return a < b ? a : b; }

// Edit distance; text beyond MAX_LENGTH bytes is ignored.
static size_t edit_distance(const char *a, const char *b) {
  size_t a_length = min2(strlen(a), MAX_LENGTH), b_length = min2(strlen(b), MAX_LENGTH);
  size_t row[MAX_LENGTH + 1];
  for (size_t j = 0; j <= b_length; ++j) row[j] = j;
  for (size_t i = 1; i <= a_length; ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b_length; ++j) {
      size_t change = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = min2(change, min2(row[j], row[j - 1]) + 1);
    }
  }
  return row[b_length];
}

Suggestion suggestion_start(const char *wanted) { return (Suggestion){wanted, NULL, 0}; }

void suggestion_add(Suggestion *suggestion, const char *candidate) {
  size_t distance = edit_distance(suggestion->wanted, candidate);
  if (suggestion->nearest && suggestion->distance <= distance) return;
  suggestion->nearest = candidate;
  suggestion->distance = distance;
}
