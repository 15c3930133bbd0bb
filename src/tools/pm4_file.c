#include "tools/pm4_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/args.h"
#include "tools/out_file.h"

enum { MOST_BYTES = 16 << 20 };

int pm4_file_read(const char *path, Pm4File *out) {
  FILE *file = fopen(path, "rb");
  if (!file) return usage_error("pm4: %s: %s", path, strerror(errno));
  // One byte more than allowed tells a file that is too long.
  char *bytes = malloc(MOST_BYTES + 1);
  size_t size = bytes ? fread(bytes, 1, MOST_BYTES + 1, file) : 0;
  const int failed = !bytes || ferror(file);
  fclose(file);
  if (failed || size > MOST_BYTES) {
    free(bytes);
    return usage_error("pm4: %s: %s", path,
                       failed ? "cannot be read" : "longer than 16 MiB, not a file of packets");
  }
  out->bytes = bytes;
  out->size = size;
  return TOOL_OK;
}

int pm4_file_write(const char *path, const void *bytes, uint64_t size) {
  OutFile file;
  if (out_file_open(&file, path) != 0) return usage_error("pm4: %s: %s", path, file.reason);
  fwrite(bytes, 1, (size_t)size, file.stream);
  if (out_file_close(&file, true) != 0) return usage_error("pm4: %s: %s", path, file.reason);
  return TOOL_OK;
}
