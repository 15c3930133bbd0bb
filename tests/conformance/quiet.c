// Nothing on stdout or stderr in normal use, without any log callback: looked
// at in a fresh process, `conformance DEVICE normal_use`.
#include <sys/wait.h>
#include <unistd.h>

#include "conformance/conformance.h"
#include "support/job.h"

int conformance_normal_use(const char *device) {
  test_device = device;
  sporkle_context context = NULL;
  sporkle_context_desc desc = SPORKLE_CONTEXT_DESC_INIT;
  desc.flags = SPORKLE_CONTEXT_ENABLE_NULL;
  if (sporkle_context_create(&desc, &context) != SPORKLE_OK) return 1;
  World world = {.context = context};
  if (sporkle_device_find(context, test_device, &world.device) != SPORKLE_OK) return 2;
  const sporkle_conv2d_desc problem = small_problem();
  Job job;
  job_prepare(&job, &world, &problem, 1);
  if (tensors_conv2d(&job.tensors, context, world.device) != SPORKLE_OK) return 3;
  job_submit(&job);
  if (sporkle_fence_wait(job.fence, SPORKLE_TIMEOUT_INFINITE) != SPORKLE_OK) return 4;
  // Errors go to the caller, not to the terminal.
  sporkle_plan_destroy(NULL);
  sporkle_conv2d(context, 77, &problem, NULL, NULL, NULL, NULL, NULL, NULL);
  job_free(&job);
  if (sporkle_context_destroy(context) != SPORKLE_OK) return 5;
  return sporkle_shutdown() == SPORKLE_OK ? 0 : 6;
}

static void nothing_is_printed(void **state) {
  (void)state;
  FILE *capture = tmpfile();
  assert_non_null(capture);
  const int file = fileno(capture);
  fflush(NULL);
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(file, STDOUT_FILENO);
    dup2(file, STDERR_FILENO);
    execl("/proc/self/exe", "conformance", test_device, "normal_use", (char *)NULL);
    _exit(99);
  }
  int status = 0;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  char text[512] = "";
  const ssize_t length = pread(file, text, sizeof text - 1, 0);
  fclose(capture);
  expect_true(length == 0, "printed: %s", text);
}

GROUP(group_quiet, "quiet", cmocka_unit_test(nothing_is_printed))
