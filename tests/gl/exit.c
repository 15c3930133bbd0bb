/* The end of a process whose driver hangs: docs/fence_api_design.md, section 5. */
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gl/exit_shim.h"
#include "support/test.h"

enum { threads = 4 };

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Begins a child that starts the threads and exits. */
static pid_t begin(int (*start)(void)) {
  const pid_t pid = fork();
  if (pid != 0) return pid;
  alarm(60);
  for (int i = 0; i < threads; ++i) {
    if (start() == 0) _exit(9);
  }
  exit(0);
}

static double end(pid_t pid, double since) {
  int status = 0;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  return seconds() - since;
}

/* All exit handlers together wait once for a driver that does not answer, and a thread
 * that was given up while it slept is woken. */
static void exit_is_bounded(void **state) {
  (void)state;
  if (!TEST_THREADS_AFTER_FORK) skip();
  const double since = seconds();
  const pid_t asleep = begin(shim_start_asleep), hung = begin(shim_start_hung);
  assert_true(end(asleep, since) < 5);
  const double took = end(hung, since);
  assert_true(took > 9);
  assert_true(took < 17);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(exit_is_bounded)};
  return cmocka_run_group_tests_name("gl_exit", tests, NULL, NULL);
}
