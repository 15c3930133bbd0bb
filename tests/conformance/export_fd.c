// sporkle_fence_export_fd: readable exactly when the fence is no longer pending.
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conformance/conformance.h"
#include "support/job.h"

static bool readable(int fd, int timeout_ms) {
  struct pollfd p = {fd, POLLIN, 0};
  return poll(&p, 1, timeout_ms) == 1 && (p.revents & POLLIN) != 0;
}

static int export(sporkle_fence fence) {
  int32_t fd = -7;
  expect_ok(sporkle_fence_export_fd(fence, &fd));
  assert_true(fd >= 0);
  assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  return fd;
}

static int open_descriptors(void) {
  int count = 0;
  for (int fd = 0; fd < 4096; ++fd) count += fcntl(fd, F_GETFD) != -1;
  return count;
}

static void ends_with_the_fence(void **state) {
  (void)state;
  World world;
  world_open(&world);
  const int before = open_descriptors();
  Hold hold;
  hold_begin(&hold, &world);
  int fds[3];
  for (int i = 0; i < 3; ++i) fds[i] = export(hold.fences[2]);
  const int closed_early = export(hold.fences[2]);
  close(closed_early);
  if (hold.manual) {
    assert_false(readable(fds[0], 20));
    world_null(&world, SPORKLE_NULL_CLOCK_AUTO, 0, 0);
  }
  for (int i = 0; i < 3; ++i) assert_true(readable(fds[i], 20000));
  assert_int_not_equal(sporkle_fence_poll(hold.fences[2]), SPORKLE_NOT_READY);
  uint64_t value = 0;
  assert_int_equal(read(fds[0], &value, 8), 8);
  assert_false(readable(fds[0], 0));
  const int late = export(hold.fences[2]);
  assert_true(readable(late, 0));
  close(late);
  for (int i = 0; i < 3; ++i) close(fds[i]);
  hold_end(&hold, &world);
  // The descriptors that the library kept are gone as well.
  if (test_device_is("null")) assert_int_equal(open_descriptors(), before);
  world_close(&world);
}

static void destroyed_and_failed_fences(void **state) {
  (void)state;
  if (!test_device_is("null")) skip();  // needs work that stays pending for sure
  World world;
  world_open(&world);
  Hold hold;
  hold_begin(&hold, &world);
  sporkle_fence gone = NULL;
  expect_ok(sporkle_fence_insert(world.context, world.device, NULL, &gone));
  const int destroyed = export(gone);
  assert_false(readable(destroyed, 0));
  expect_ok(sporkle_fence_destroy(gone));
  assert_true(readable(destroyed, 0));
  int32_t fd = 5;
  expect_refused(SPORKLE_ERROR_INVALID_HANDLE, "fence", sporkle_fence_export_fd(gone, &fd));
  assert_int_equal(fd, -1);
  expect_refused(SPORKLE_ERROR_INVALID_HANDLE, "fence", sporkle_fence_export_fd(NULL, &fd));
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "out_fd",
                 sporkle_fence_export_fd(hold.fences[0], NULL));
  const int cancelled = export(hold.fences[1]);
  assert_false(readable(cancelled, 0));
  // The context goes with the work in flight: the hold's fences fail or end.
  world_close(&world);
  assert_true(readable(cancelled, 0));
  close(destroyed);
  close(cancelled);
  tensors_free(&hold.job.tensors);
}

static void several_devices_in_one_poll(void **state) {
  (void)state;
  if (!test_device_is("null")) skip();
  World world;
  world_open(&world);
  Hold hold;
  hold_begin(&hold, &world);
  uint32_t cpu = 0;
  expect_ok(sporkle_device_find(world.context, "cpu", &cpu));
  sporkle_fence quick = NULL;
  expect_ok(sporkle_fence_insert(world.context, cpu, NULL, &quick));
  struct pollfd both[2] = {{export(hold.fences[2]), POLLIN, 0}, {export(quick), POLLIN, 0}};
  assert_int_equal(poll(both, 2, 5000), 1);
  assert_true(both[1].revents == POLLIN && both[0].revents == 0);
  world_null(&world, SPORKLE_NULL_CLOCK_AUTO, 0, 0);
  assert_true(readable(both[0].fd, 5000));
  for (int i = 0; i < 2; ++i) close(both[i].fd);
  expect_ok(sporkle_fence_destroy(quick));
  hold_end(&hold, &world);
  world_close(&world);
}

// A child's copy follows the parent's fence; the child itself may export nothing.
static void a_forked_child_sees_the_parents_fence(void **state) {
  (void)state;
  if (!test_device_is("null")) skip();
  World world;
  world_open(&world);
  Hold hold;
  hold_begin(&hold, &world);
  const int fd = export(hold.fences[2]);
  fflush(NULL);
  const pid_t pid = fork();
  if (pid == 0) {
    alarm(20);
    int32_t mine = 0;
    if (sporkle_fence_export_fd(hold.fences[2], &mine) != SPORKLE_ERROR_FORKED) _exit(1);
    if (mine != -1 || readable(fd, 0)) _exit(2);
    _exit(readable(fd, 10000) ? 0 : 3);
  }
  sleep_ms(50);
  hold_end(&hold, &world);
  int status = 0;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  close(fd);
  world_close(&world);
}

static void the_table_is_bounded(void **state) {
  (void)state;
  if (!test_device_is("null")) skip();
  World world;
  world_open(&world);
  Hold hold;
  hold_begin(&hold, &world);
  static int32_t fds[2048];
  int made = 0;
  sporkle_status status = SPORKLE_OK;
  while (made < 2048) {
    status = sporkle_fence_export_fd(hold.fences[2], &fds[made]);
    if (status != SPORKLE_OK) break;
    ++made;
  }
  // Either the library's limit or the process's number of descriptors.
  assert_int_equal(status, SPORKLE_ERROR_POOL_EXHAUSTED);
  assert_true(made >= 100 && made <= 1024);
  for (int i = 0; i < made; ++i) close(fds[i]);
  hold_end(&hold, &world);
  world_check_usable(&world);
  world_close(&world);
}

GROUP(group_export_fd, "export_fd", cmocka_unit_test(ends_with_the_fence),
      cmocka_unit_test(destroyed_and_failed_fences), cmocka_unit_test(several_devices_in_one_poll),
      cmocka_unit_test(a_forked_child_sees_the_parents_fence),
      cmocka_unit_test(the_table_is_bounded))
