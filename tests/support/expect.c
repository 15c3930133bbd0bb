#include "support/expect.h"

void expect_status_at(sporkle_status want, sporkle_status got, const char *call, const char *file,
                      int line) {
  if (want == got) return;
  char text[512] = "";
  sporkle_last_error(text, sizeof text);
  print_error("%s\n  gave %s, not %s\n  last error: %s\n", call, sporkle_status_name(got),
              sporkle_status_name(want), text);
  _fail(file, line);
}

void expect_refused_at(sporkle_status want, const char *argument, sporkle_status got,
                       const char *call, const char *file, int line) {
  expect_status_at(want, got, call, file, line);
  char text[512] = "", prefix[256];
  sporkle_last_error(text, sizeof text);
  const int name = (int)strcspn(call, "(");
  snprintf(prefix, sizeof prefix, "%.*s: %s", name, call, argument);
  const size_t length = strlen(prefix);
  // The argument ends where a reason, a field or an index begins.
  if (strncmp(text, prefix, length) == 0 && strchr(":.[", text[length]) != NULL &&
      strstr(text + length, ": ") != NULL) {
    return;
  }
  print_error("%s\n  the text does not begin with `%s`: %s\n", call, prefix, text);
  _fail(file, line);
}
