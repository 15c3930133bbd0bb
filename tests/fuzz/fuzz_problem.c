// Any bytes as a problem and as a file of problems: parsed without a fault;
// what is accepted has positive sizes and survives being written and read.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/problem_file.h"

#define REQUIRE(condition) \
  if (!(condition)) abort()

static void check_accepted(const Problem *p) {
  Problem again;
  ProblemError error;
  char text[PROBLEM_TEXT_CAPACITY];
  REQUIRE(p->n >= 1 && p->c >= 1 && p->h >= 1 && p->w >= 1 && p->k >= 1 && p->groups >= 1);
  REQUIRE(p->out_h >= 1 && p->out_w >= 1 && p->stride_h >= 1 && p->stride_w >= 1);
  REQUIRE(p->padding_top >= 0 && p->padding_bottom >= 0 && p->padding_left >= 0);
  REQUIRE(p->padding_right >= 0 && p->dilation_h >= 1 && p->dilation_w >= 1);
  REQUIRE(p->c % p->groups == 0 && p->k % p->groups == 0 && problem_flops(p) >= 2);
  size_t length = problem_format(p, text, sizeof text);
  REQUIRE(length < sizeof text);
  REQUIRE(problem_parse(text, length, &again, &error) == 0);
  // Padding behind the last window is free; the output sizes pin what matters.
  again.padding_bottom = p->padding_bottom;
  again.padding_right = p->padding_right;
  REQUIRE(memcmp(&again, p, sizeof again) == 0);
}

static void parse_text(const uint8_t *data, size_t size) {
  Problem problem;
  ProblemError error;
  char *copy = malloc(size ? size : 1);
  REQUIRE(copy != NULL);
  memcpy(copy, data, size);
  memset(&error, 0x7f, sizeof error);
  if (problem_parse(copy, size, &problem, &error) == 0) {
    check_accepted(&problem);
  } else {
    REQUIRE(error.text[0] != '\0' && memchr(error.text, '\0', sizeof error.text) != NULL);
  }
  free(copy);
}

static void parse_file(const uint8_t *data, size_t size) {
  ProblemFile file = {.stream = fmemopen((void *)(uintptr_t)data, size, "rb"), .path = "file"};
  Problem problem;
  ProblemError error;
  if (!file.stream) return;
  int got = 0;
  while ((got = problem_file_next(&file, &problem, &error)) != 0) {
    if (got > 0) check_accepted(&problem);
  }
  fclose(file.stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  parse_text(data, size);
  if (size > 0) parse_file(data, size);
  return 0;
}
