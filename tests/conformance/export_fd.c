// sporkle_fence_export_fd: readable exactly when the fence is no longer pending.
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
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
  // Who reads takes the end from nobody.
  for (int i = 0; i < 2; ++i) {
    assert_int_equal(read(fds[0], &value, 8), 8);
    assert_int_equal(value, 1);
    for (int k = 0; k < 3; ++k) assert_true(readable(fds[k], 0));
  }
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

// Descriptors that are closed again take nothing, however many there were.
static void one_fence_without_end(void **state) {
  (void)state;
  if (!test_device_is("null")) skip();
  World world;
  world_open(&world);
  Hold hold;
  hold_begin(&hold, &world);
  const int kept = export(hold.fences[2]);
  const int before = open_descriptors();
  for (int i = 0; i < 5000; ++i) close(export(hold.fences[2]));
  assert_int_equal(open_descriptors(), before);
  const int last = export(hold.fences[2]);
  assert_false(readable(kept, 0) || readable(last, 0));
  world_null(&world, SPORKLE_NULL_CLOCK_AUTO, 0, 0);
  assert_true(readable(kept, 20000) && readable(last, 20000));
  close(kept);
  close(last);
  hold_end(&hold, &world);
  world_close(&world);
}

// Returns how many descriptors the process may have.
static int set_descriptor_limit(rlim_t limit, rlim_t *out_before) {
  struct rlimit l;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &l), 0);
  if (out_before != NULL) *out_before = l.rlim_cur;
  l.rlim_cur = limit < l.rlim_max ? limit : l.rlim_max;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &l), 0);
  return (int)l.rlim_cur;
}

// Ten thousand pending fences, as far as the process may have descriptors: one of
// the library's for each, and the callers' of the first hundred.
static void ten_thousand_fences(void **state) {
  (void)state;
  if (!test_device_is("null")) skip();
  enum { fences = 10000, kept = 100 };
  static sporkle_fence fence[fences];
  static int fds[kept];
  rlim_t before = 0;
  const int limit = set_descriptor_limit(fences + kept + 200, &before);
  const int count = limit < fences + kept + 200 ? limit - kept - 200 : fences;
  World world;
  sporkle_context_desc desc = world_desc(&world);
  desc.fence_capacity = fences + 16;
  world_open_with(&world, &desc);
  Hold hold;
  hold_begin(&hold, &world);
  for (int i = 0; i < count; ++i) {
    expect_ok(sporkle_fence_insert(world.context, world.device, NULL, &fence[i]));
    const int fd = export(fence[i]);
    if (i < kept) fds[i] = fd;
    else close(fd);
  }
  const int last = export(fence[count - 1]);
  assert_false(readable(fds[0], 0) || readable(last, 0));
  world_null(&world, SPORKLE_NULL_CLOCK_AUTO, 0, 0);
  assert_true(readable(last, 20000));
  for (int i = 0; i < kept; ++i) {
    assert_true(readable(fds[i], 20000));
    close(fds[i]);
  }
  close(last);
  for (int i = 0; i < count; ++i) expect_ok(sporkle_fence_destroy(fence[i]));
  hold_end(&hold, &world);
  world_close(&world);
  set_descriptor_limit(before, NULL);
}

static void descriptors_run_out(void **state) {
  (void)state;
  if (!test_device_is("null")) skip();
  World world;
  world_open(&world);
  Hold hold;
  hold_begin(&hold, &world);
  static int32_t fds[2048];
  rlim_t before = 0;
  assert_true(set_descriptor_limit(512, &before) == 512);
  int made = 0;
  sporkle_status status = SPORKLE_OK;
  while (made < 2048 && status == SPORKLE_OK) {
    status = sporkle_fence_export_fd(hold.fences[2], &fds[made]);
    made += status == SPORKLE_OK;
  }
  assert_int_equal(fds[made], -1);
  char text[256] = "";
  sporkle_last_error(text, sizeof text);
  // A fence that has no entry yet needs two.
  int32_t fd = 0;
  close(fds[--made]);
  const sporkle_status other = sporkle_fence_export_fd(hold.fences[1], &fd);
  set_descriptor_limit(before, NULL);
  assert_int_equal(status, SPORKLE_ERROR_POOL_EXHAUSTED);
  expect_true(strstr(text, "RLIMIT_NOFILE") != NULL, "%s", text);
  assert_int_equal(other, SPORKLE_ERROR_POOL_EXHAUSTED);
  assert_int_equal(fd, -1);
  assert_true(made >= 100 && made < 512);
  for (int i = 0; i < made; ++i) close(fds[i]);
  const int again = export(hold.fences[1]);
  hold_end(&hold, &world);
  assert_true(readable(again, 0));
  close(again);
  world_check_usable(&world);
  world_close(&world);
}

GROUP(group_export_fd, "export_fd", cmocka_unit_test(ends_with_the_fence),
      cmocka_unit_test(destroyed_and_failed_fences), cmocka_unit_test(several_devices_in_one_poll),
      cmocka_unit_test(a_forked_child_sees_the_parents_fence),
      cmocka_unit_test(one_fence_without_end), cmocka_unit_test(ten_thousand_fences),
      cmocka_unit_test(descriptors_run_out))
