// Leaving: exit with work in flight, shutdown before exit. Each way out is
// taken by a fresh process, `conformance DEVICE leave WAY`. dlclose is the
// matter of a program of its own, which does not link the library.
#include <sys/wait.h>
#include <unistd.h>

#include "conformance/conformance.h"
#include "support/job.h"

static void shut_down(void) { sporkle_shutdown(); }

int conformance_leave(const char *device, const char *way) {
  static World world;
  static Hold hold;
  test_device = device;
  alarm(20);  // a hang ends the process, and the test fails
  const sporkle_context_desc desc = world_desc(&world);
  if (sporkle_context_create(&desc, &world.context) != SPORKLE_OK) return 2;
  if (sporkle_device_find(world.context, device, &world.device) != SPORKLE_OK) return 3;
  hold_begin(&hold, &world);
  if (strcmp(way, "quick_exit") == 0) quick_exit(0);
  if (strcmp(way, "shutdown") == 0 && sporkle_shutdown() != SPORKLE_OK) return 4;
  if (strcmp(way, "atexit") == 0) atexit(shut_down);
  exit(0);
}

static void leaves_by(const char *way) {
  fflush(NULL);
  const pid_t pid = fork();
  if (pid == 0) {
    execl("/proc/self/exe", "conformance", test_device, "leave", way, (char *)NULL);
    _exit(99);
  }
  int status = 0;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  expect_true(WIFEXITED(status), "the child died of signal %d", WTERMSIG(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

static void exit_neither_hangs_nor_crashes(void **state) {
  (void)state;
  if (TEST_SANITIZED) skip();
  leaves_by("exit");
  leaves_by("quick_exit");
}

static void shutdown_with_work_in_flight(void **state) {
  (void)state;
  leaves_by("shutdown");
  leaves_by("atexit");
}

static void shutdown_without_a_context(void **state) {
  (void)state;
  for (int i = 0; i < 3; ++i) expect_ok(sporkle_shutdown());
}

GROUP(group_unload, "unload", cmocka_unit_test(exit_neither_hangs_nor_crashes),
      cmocka_unit_test(shutdown_with_work_in_flight), cmocka_unit_test(shutdown_without_a_context))
