// The dictionary in a .npy header: a Python literal with exactly the keys
// 'descr', 'fortran_order' and 'shape'. Used by npy.c.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/npy.h"

typedef struct NpyDict {
  char descr[16];
  bool fortran_order;
  int32_t dimensions;  // may exceed NPY_MAX_DIMENSIONS; only that many are kept
  int64_t shape[NPY_MAX_DIMENSIONS];
} NpyDict;

// Returns 0, or -1 with a message in `error`.
int npy_dict_parse(const char *text, size_t length, NpyDict *out, char *error,
                   size_t error_capacity);
