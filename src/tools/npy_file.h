// Reading and writing .npy files. Messages start with the path.
#pragma once

#include "tools/npy.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { NPY_PATH_ERROR_CAPACITY = 1024 };

typedef struct NpyFileError {
  char text[NPY_PATH_ERROR_CAPACITY];
} NpyFileError;

typedef struct NpyArray {
  NpyHeader header;
  float *data;  // 64-byte aligned; released with npy_array_free
} NpyArray;

// Returns 0 or -1.
int npy_read(const char *path, NpyArray *out, NpyFileError *error);

// Releases the data; an array that is all zero is fine.
void npy_array_free(NpyArray *array);

// Checks, before anything is computed, that `path` can be written: its
// directory takes a new file and an existing file is an ordinary one that may
// be replaced. Leaves nothing behind. Returns 0 or -1.
int npy_check_output(const char *path, NpyFileError *error);

// Writes beside the target and renames, so that `path` is either the whole new
// array or what it was. Returns 0 or -1.
int npy_write(const char *path, const int64_t *shape, int32_t dimensions, const float *data,
              NpyFileError *error);

#ifdef __cplusplus
}
#endif
