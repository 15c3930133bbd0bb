// numpy's .npy format, versions 1 to 3, for little-endian float32 in C order
// with 1 to 4 dimensions. Everything else is refused with the reason and, where
// there is one, the numpy line that converts. No allocation.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  NPY_MAX_DIMENSIONS = 4,
  NPY_ERROR_CAPACITY = 320,
  // Longest prefix that holds a header; numpy itself refuses above 10,000 bytes.
  NPY_PREFIX_CAPACITY = 65536 + 12,
  NPY_WRITE_HEADER_SIZE = 192
};

typedef struct NpyHeader {
  int32_t dimensions;
  int64_t shape[NPY_MAX_DIMENSIONS];
  uint64_t count;        // elements
  uint64_t data_offset;  // bytes from the start of the file
} NpyHeader;

typedef struct NpyError {
  char text[NPY_ERROR_CAPACITY];
} NpyError;

// Parses the header in the first `available` bytes of a file of `file_size`
// bytes and checks that exactly the data it promises follows. `available` must
// be file_size or at least NPY_PREFIX_CAPACITY. Returns 0 or -1.
int npy_parse(const void *bytes, size_t available, uint64_t file_size, NpyHeader *out,
              NpyError *error);

// Writes the header of version 1.0 for a shape. Returns its size, a multiple
// of 64 and at most NPY_WRITE_HEADER_SIZE.
size_t npy_format_header(const int64_t *shape, int32_t dimensions,
                         char out[NPY_WRITE_HEADER_SIZE]);

// A shape as numpy prints it, for messages: "(1, 64, 56, 56)" or "(64,)".
// Returns `out`.
const char *npy_shape_text(const int64_t *shape, int32_t dimensions, char out[96]);

#ifdef __cplusplus
}
#endif
