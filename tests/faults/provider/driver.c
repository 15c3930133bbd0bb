// The real libEGL and the real time.
#include <dlfcn.h>
#include <string.h>
#include <time.h>

#include "below.h"

Function below_symbol(const char *name) {
  static void *library;
  if (library == NULL) library = dlopen(REAL_EGL, RTLD_NOW | RTLD_LOCAL);
  void *symbol = library == NULL ? NULL : dlsym(library, name);
  Function function = NULL;
  memcpy(&function, &symbol, sizeof symbol);
  return function;
}

Function below_function(const char *name) {
  return ((__typeof__(&eglGetProcAddress))below_symbol("eglGetProcAddress"))(name);
}

uint64_t below_now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

bool below_goes_on(void) { return true; }

void below_pass_time(uint64_t timeout_ns) {
  const struct timespec t = {0, (long)(timeout_ns < 1000000 ? timeout_ns : 1000000)};
  if (timeout_ns > 0) nanosleep(&t, NULL);
}
