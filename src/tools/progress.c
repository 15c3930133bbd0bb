#include "tools/progress.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_LINE_MS = 2000, NEXT_LINE_MS = 500 };

static struct {
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  bool active, stop;
  char what[128];
  atomic_llong *done;
  long long total;
} progress = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

static void add_ms(struct timespec *time, long ms) {
  time->tv_nsec += ms % 1000 * 1000000;
  time->tv_sec += ms / 1000 + time->tv_nsec / 1000000000;
  time->tv_nsec %= 1000000000;
}

static void print_line(double seconds) {
  fprintf(stderr, "\r%s: %.1f s", progress.what, seconds);
  if (progress.done && progress.total > 0) {
    fprintf(stderr, ", %.0f %%", 100.0 * (double)atomic_load(progress.done) /
                                     (double)progress.total);
  }
  fputs("\033[K", stderr);
  fflush(stderr);
}

static void *show(void *unused) {
  (void)unused;
  struct timespec until;
  bool shown = false;
  double seconds = FIRST_LINE_MS / 1000.0;
  clock_gettime(CLOCK_REALTIME, &until);
  add_ms(&until, FIRST_LINE_MS);
  pthread_mutex_lock(&progress.lock);
  while (!progress.stop) {
    if (pthread_cond_timedwait(&progress.wake, &progress.lock, &until) == 0) continue;
    if (progress.stop) break;
    print_line(seconds);
    shown = true;
    seconds += NEXT_LINE_MS / 1000.0;
    add_ms(&until, NEXT_LINE_MS);
  }
  pthread_mutex_unlock(&progress.lock);
  if (shown) fputs("\r\033[K", stderr);
  return NULL;
}

void progress_begin(const char *what, atomic_llong *done, long long total) {
  if (progress.active || !isatty(STDERR_FILENO)) return;
  snprintf(progress.what, sizeof progress.what, "%s", what);
  progress.done = done;
  progress.total = total;
  progress.stop = false;
  progress.active = pthread_create(&progress.thread, NULL, show, NULL) == 0;
}

void progress_end(void) {
  if (!progress.active) return;
  pthread_mutex_lock(&progress.lock);
  progress.stop = true;
  pthread_cond_signal(&progress.wake);
  pthread_mutex_unlock(&progress.lock);
  pthread_join(progress.thread, NULL);
  progress.active = false;
}
