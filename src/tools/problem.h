// A convolution problem written in benchdnn's grammar, for example
// mb8ic64ih56oc128kh3ph1n"layer". Self-contained: no library, no allocation.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  PROBLEM_NAME_CAPACITY = 64,
  PROBLEM_TEXT_CAPACITY = 512,  // longest canonical text, name included
  PROBLEM_ERROR_CAPACITY = 384
};

// All sizes are elements. Filled only by problem_parse, which leaves every size
// positive and every tensor and FLOP count within int64_t.
typedef struct Problem {
  int64_t n, c, h, w, k;
  int64_t kernel_h, kernel_w;
  int64_t stride_h, stride_w;
  int64_t padding_top, padding_left, padding_bottom, padding_right;
  int64_t dilation_h, dilation_w;  // 1 = dense; the grammar's dh0
  int64_t groups;
  int64_t out_h, out_w;
  char name[PROBLEM_NAME_CAPACITY];  // empty when the text has none
} Problem;

typedef struct ProblemError {
  size_t column;  // 1-based; 0 when the error is not at one place
  char text[PROBLEM_ERROR_CAPACITY];
} ProblemError;

// Parses `length` bytes of `text`. Returns 0 and fills `out`, or -1 and fills
// `error`; `out` is then unchanged.
int problem_parse(const char *text, size_t length, Problem *out, ProblemError *error);

// Checks sizes that come from elsewhere (tensor files, options) by the same
// rules and computes out_h and out_w. Returns 0 or -1.
int problem_complete(Problem *problem, ProblemError *error);

// The canonical text; parsing it gives an equivalent problem. Returns the
// length without NUL; `capacity` of PROBLEM_TEXT_CAPACITY is always enough.
size_t problem_format(const Problem *problem, char *buffer, size_t capacity);

// 2 * n * k * out_h * out_w * (c / groups) * kernel_h * kernel_w.
uint64_t problem_flops(const Problem *problem);

#ifdef __cplusplus
}
#endif
