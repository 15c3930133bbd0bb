/* code_object_list FILE: our listing of a code object, as JSON. */
#include <stdio.h>
#include <stdlib.h>

#include "sporkle.h"

#include "code_object_shim.h"

int main(int argc, char **argv) {
  static unsigned char bytes[1 << 20];
  static char text[1 << 18];
  FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
  if (!file) return 2;
  const size_t size = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  const uint64_t length = code_list(bytes, size, text, sizeof text);
  if (length == 0 || length >= sizeof text) {
    fprintf(stderr, "%s: %s\n", argv[1], code_reason());
    return 1;
  }
  fputs(text, stdout);
  return 0;
}
