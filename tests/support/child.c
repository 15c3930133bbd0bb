#include "support/child.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/test.h"

int in_child(int (*body)(void *), void *data, unsigned seconds) {
  fflush(NULL);
  const pid_t pid = fork();
  if (pid == 0) {
    alarm(seconds);
    signal(SIGSEGV, SIG_DFL);  // CMocka's says nothing of the child
    _exit(body(data));
  }
  int status = 0;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  if (!WIFEXITED(status)) fail_msg("the child died of signal %d", WTERMSIG(status));
  return WEXITSTATUS(status);
}
