/* Threads of a forked child that enter the library at the same moment: what the parent
 * left is put in order once, and nobody goes on before that is done. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/test.h"
#include "unit/shim.h"

enum { threads = 4 };

static atomic_int begun, ended, early;
static pthread_barrier_t start;

static void slow_reset(void) {
  atomic_fetch_add(&begun, 1);
  nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
  atomic_fetch_add(&ended, 1);
}

static void *enter(void *expected_epoch) {
  pthread_barrier_wait(&start);
  shim_process_enter(slow_reset);
  if (ended != 1 || shim_process_epoch() != *(const uint64_t *)expected_epoch) {
    atomic_fetch_add(&early, 1);
  }
  return NULL;
}

static int wait_for(pid_t pid) {
  int status = 0;
  if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) return 100;
  return WEXITSTATUS(status);
}

/* Returns what failed, 0 for nothing; the last generation forks nobody. */
static int child(uint64_t epoch, int generations) {
  alarm(20);
  if (shim_process_epoch() != 0) return 1;
  begun = ended = 0;
  pthread_t ids[threads];
  if (pthread_barrier_init(&start, NULL, threads) != 0) return 2;
  for (int i = 0; i < threads; ++i) {
    if (pthread_create(&ids[i], NULL, enter, &epoch) != 0) return 3;
  }
  for (int i = 0; i < threads; ++i) pthread_join(ids[i], NULL);
  if (early != 0) return 4;
  if (begun != 1) return 5;
  shim_process_enter(slow_reset);
  if (begun != 1) return 6;
  if (generations == 1) return 0;
  const pid_t pid = fork();
  if (pid == 0) _exit(child(epoch + 1, generations - 1));
  return wait_for(pid);
}

static void everybody_waits_for_the_reset(void **state) {
  (void)state;
  if (!TEST_THREADS_AFTER_FORK) skip();
  assert_int_equal(shim_process_epoch(), 0);
  shim_process_enter(slow_reset);
  assert_int_equal(begun, 0); /* nothing is inherited */
  assert_int_equal(shim_process_epoch(), 1);
  const pid_t pid = fork();
  if (pid == 0) _exit(child(2, 2));
  assert_int_equal(wait_for(pid), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(everybody_waits_for_the_reset)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
