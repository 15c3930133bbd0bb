// A file that a command writes: beside its target, which takes its place when all
// of it is written. Until then the target is what it was. A pipe or a device is
// written directly.
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { OUT_FILE_REASON_CAPACITY = 160 };

typedef struct OutFile {
  FILE *stream;
  char path[PATH_MAX], temporary[PATH_MAX];  // the latter empty: written directly
  char reason[OUT_FILE_REASON_CAPACITY];     // of what failed, without the path
} OutFile;

// Checks, before anything is computed, that `path` can be written, and leaves
// nothing behind. Returns 0, or -1 with `reason` set; as the others.
int out_file_check(OutFile *file, const char *path);

int out_file_open(OutFile *file, const char *path);

// Ends the file; with `keep` it takes the target's place, unless a write has failed.
int out_file_close(OutFile *file, bool keep);

#ifdef __cplusplus
}
#endif
