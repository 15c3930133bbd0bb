// Any bytes as a .npy file: parsed without a fault, and what is accepted is
// consistent.
#include <stdlib.h>
#include <string.h>

#include "tools/npy.h"

#define REQUIRE(condition) \
  if (!(condition)) abort()

static void check_accepted(const NpyHeader *header, uint64_t size) {
  char text[NPY_WRITE_HEADER_SIZE];
  NpyHeader again;
  NpyError error;
  uint64_t count = 1;
  REQUIRE(header->dimensions >= 1 && header->dimensions <= NPY_MAX_DIMENSIONS);
  for (int32_t i = 0; i < header->dimensions; ++i) {
    REQUIRE(header->shape[i] >= 1);
    count *= (uint64_t)header->shape[i];
  }
  REQUIRE(count == header->count);
  REQUIRE(header->data_offset + 4 * count == size);
  size_t length = npy_format_header(header->shape, header->dimensions, text);
  unsigned char *file = calloc(1, length + 4 * count);
  REQUIRE(file != NULL);
  memcpy(file, text, length);
  REQUIRE(npy_parse(file, length + 4 * count, length + 4 * count, &again, &error) == 0);
  REQUIRE(again.dimensions == header->dimensions);
  REQUIRE(memcmp(again.shape, header->shape, sizeof again.shape) == 0);
  free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  NpyHeader header;
  NpyError error;
  // A copy of exact size lets the sanitizer see a read beyond the end.
  uint8_t *copy = malloc(size ? size : 1);
  REQUIRE(copy != NULL);
  memcpy(copy, data, size);
  memset(&error, 0x7f, sizeof error);
  if (npy_parse(copy, size, size, &header, &error) == 0) {
    check_accepted(&header, size);
  } else {
    REQUIRE(error.text[0] != '\0' && memchr(error.text, '\0', sizeof error.text) != NULL);
  }
  free(copy);
  return 0;
}
