/* Preloaded: leaves a file open twenty times per second. */
#include <fcntl.h>
#include <pthread.h>
#include <time.h>

static void *leak(void *unused) {
  (void)unused;
  const struct timespec step = {0, 50000000};
  while (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0) nanosleep(&step, NULL);
  return NULL;
}

__attribute__((constructor)) static void start(void) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, leak, NULL) == 0) pthread_detach(thread);
}
