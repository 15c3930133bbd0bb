// A file of packets in memory.
#pragma once

#include <stdint.h>

typedef struct Pm4File {
  void *bytes;  // to be freed by the caller
  uint64_t size;
} Pm4File;

// Reads a whole file. Returns TOOL_OK, or another exit code after a message.
int pm4_file_read(const char *path, Pm4File *out);

// Writes a whole file. Returns as pm4_file_read.
int pm4_file_write(const char *path, const void *bytes, uint64_t size);
