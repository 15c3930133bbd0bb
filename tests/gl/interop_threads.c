// OpenGL interop: threads that end, contexts that are destroyed, forks, resets.
#include "gl/interop.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct Caller {
  World *world;
  pthread_barrier_t *attached, *go;
  void *current;
  uint32_t program, buffer;
  atomic_int *failures;
} Caller;

// Assertions of CMocka belong to its own thread.
static void require(Caller *caller, bool good, const char *what) {
  if (good) return;
  printf("thread: %s\n", what);
  atomic_fetch_add(caller->failures, 1);
}

enum { threads = 6, floats = 256 };

static void *attached_side_by_side(void *data) {
  Caller *const c = data;
  const sporkle_context context = c->world->context;
  const uint32_t device = c->world->device;
  require(c, sporkle_gl_attach(context, device) == SPORKLE_OK, "attach");
  c->current = own.current_context();
  float x[floats], y[floats];
  for (int i = 0; i < floats; ++i) x[i] = (float)(i + (int)c->program);
  uint32_t from = 0, to = 0;
  require(c, sporkle_gl_buffer_create(context, device, sizeof x, x, &from) == SPORKLE_OK, "x");
  require(c, sporkle_gl_buffer_create(context, device, sizeof y, NULL, &to) == SPORKLE_OK, "y");
  pthread_barrier_wait(c->attached);
  for (int round = 0; round < 10; ++round) {
    own.bind_buffer_base(OWN_STORAGE_BUFFER, 0, from);
    own.bind_buffer_base(OWN_STORAGE_BUFFER, 1, to);
    require(c, sporkle_gl_take_over(context, device, NULL) == SPORKLE_OK, "take over");
    require(c, sporkle_gl_dispatch(context, device, c->program, floats / 64, 1, 1) == SPORKLE_OK,
            "dispatch");
    require(c, sporkle_gl_hand_over(context, device, NULL) == SPORKLE_OK, "hand over");
    require(c, sporkle_gl_buffer_read(context, device, to, 0, sizeof y, y) == SPORKLE_OK, "read");
    bool good = true;
    for (int i = 0; i < floats; ++i) good = good && y[i] >= 2 * x[i] + 1 && y[i] <= 2 * x[i] + 1;
    require(c, good, "values");
  }
  return NULL;  // without a detach
}

static void threads_work_side_by_side(void **state) {
  (void)state;
  World w;
  interop_open(&w);
  expect_ok(sporkle_gl_attach(w.context, w.device));
  const uint32_t program = own_program(&w);
  atomic_int failures = 0;
  pthread_barrier_t attached;
  pthread_barrier_init(&attached, NULL, threads);
  pthread_t ids[threads];
  Caller callers[threads];
  for (int i = 0; i < threads; ++i) {
    callers[i] = (Caller){&w, &attached, NULL, NULL, program, 0, &failures};
    assert_int_equal(pthread_create(&ids[i], NULL, attached_side_by_side, &callers[i]), 0);
  }
  for (int i = 0; i < threads; ++i) pthread_join(ids[i], NULL);
  pthread_barrier_destroy(&attached);
  assert_int_equal(atomic_load(&failures), 0);
  for (int i = 0; i < threads; ++i) {
    assert_non_null(callers[i].current);
    for (int j = 0; j < i; ++j) assert_ptr_not_equal(callers[i].current, callers[j].current);
  }
  world_check_usable(&w);
  world_close(&w);
}

static void *attach_and_end(void *data) {
  Caller *const c = data;
  require(c, sporkle_gl_attach(c->world->context, c->world->device) == SPORKLE_OK, "attach");
  require(c, own.current_context() != NULL, "a context is current");
  return NULL;
}

// Resident memory in KiB.
static long resident(void) {
  long pages = 0, all = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  assert_non_null(file);
  assert_int_equal(fscanf(file, "%ld %ld", &all, &pages), 2);
  fclose(file);
  return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void threads_that_end_are_detached(void **state) {
  (void)state;
  World w;
  interop_open(&w);
  atomic_int failures = 0;
  Caller caller = {&w, NULL, NULL, NULL, 0, 0, &failures};
  long before = 0;
  enum { warm = 20, rounds = 120 };
  for (int i = 0; i < warm + rounds; ++i) {
    if (i == warm) before = resident();
    pthread_t id;
    assert_int_equal(pthread_create(&id, NULL, attach_and_end, &caller), 0);
    pthread_join(id, NULL);
  }
  assert_int_equal(atomic_load(&failures), 0);
  const long grown = resident() - before;
  printf("%d threads that ended while attached: %ld KiB more\n", rounds, grown);
  // A context that is never freed holds some hundred KiB.
  if (!TEST_SANITIZED) assert_true(grown < rounds * 50);
  world_close(&w);
}

static void *outlives_its_context(void *data) {
  Caller *const c = data;
  attach_and_end(c);
  float x[floats] = {1}, y[floats];
  require(c, sporkle_gl_buffer_create(c->world->context, c->world->device, sizeof x, x,
                                      &c->buffer) == SPORKLE_OK, "buffer");
  void *const before = own.current_context();
  pthread_barrier_wait(c->attached);
  pthread_barrier_wait(c->go);  // meanwhile the context is destroyed
  require(c, own.current_context() == before, "the context stays current");
  own_read(c->buffer, y, floats);
  require(c, y[0] >= 1 && y[0] <= 1, "its names stay usable");
  require(c, sporkle_gl_detach(c->world->context, c->world->device) ==
                 SPORKLE_ERROR_INVALID_HANDLE, "detach from what is gone");
  World other;
  interop_open(&other);
  require(c, sporkle_gl_attach(other.context, other.device) == SPORKLE_OK, "attach elsewhere");
  require(c, own.current_context() != NULL, "attached elsewhere");
  require(c, sporkle_gl_detach(other.context, other.device) == SPORKLE_OK, "detach");
  require(c, own.current_context() == NULL, "nothing is current");
  sporkle_context_destroy(other.context);
  return NULL;
}

static void context_is_destroyed_under_threads(void **state) {
  (void)state;
  World w;
  interop_open(&w);
  expect_ok(sporkle_gl_attach(w.context, w.device));
  atomic_int failures = 0;
  pthread_barrier_t attached, go;
  pthread_barrier_init(&attached, NULL, 2);
  pthread_barrier_init(&go, NULL, 2);
  Caller caller = {&w, &attached, &go, NULL, 0, 0, &failures};
  pthread_t id;
  assert_int_equal(pthread_create(&id, NULL, outlives_its_context, &caller), 0);
  pthread_barrier_wait(&attached);
  world_close(&w);
  assert_null(own.current_context());
  pthread_barrier_wait(&go);
  pthread_join(id, NULL);
  pthread_barrier_destroy(&attached);
  pthread_barrier_destroy(&go);
  assert_int_equal(atomic_load(&failures), 0);
}

int interop_threads(void) {
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(threads_work_side_by_side),
      cmocka_unit_test(threads_that_end_are_detached),
      cmocka_unit_test(context_is_destroyed_under_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

static void child_of_an_attached_thread(void **state) {
  (void)state;
  World w;
  interop_open(&w);
  expect_ok(sporkle_gl_attach(w.context, w.device));
  fflush(NULL);
  sporkle_device_info info = SPORKLE_DEVICE_INFO_INIT;
  expect_ok(sporkle_device_describe(w.context, w.device, &info));
  const bool survives_exit = strncmp(info.name, "llvmpipe", 8) == 0;
  const pid_t pid = fork();
  if (pid == 0) {
    alarm(20);
    if (sporkle_gl_attach(w.context, w.device) != SPORKLE_ERROR_FORKED) _exit(1);
    if (sporkle_gl_detach(w.context, w.device) != SPORKLE_ERROR_FORKED) _exit(2);
    sporkle_context context = NULL;
    sporkle_context_desc desc = SPORKLE_CONTEXT_DESC_INIT;
    desc.log_level = SPORKLE_LOG_OFF;
    desc.device = "cpu";
    if (sporkle_context_create(&desc, &context) != SPORKLE_OK) _exit(3);
    if (sporkle_gl_attach(context, 0) != SPORKLE_ERROR_UNSUPPORTED) _exit(4);
    sporkle_context_destroy(context);
    // With the handlers of exit, where the driver's own survive a fork: those of
    // zink and lavapipe (Mesa 22.3) crash in a child, attached or not.
    if (!survives_exit) _exit(0);
    exit(0);
  }
  int status = 0;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  const uint32_t program = own_program(&w);
  assert_true(program > 0);
  world_close(&w);
}

int interop_fork(void) {
  static const struct CMUnitTest tests[] = {cmocka_unit_test(child_of_an_attached_thread)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// With a libEGL that reports a reset.
static void names_end_with_a_reset(void **state) {
  (void)state;
  World w;
  interop_open(&w);
  expect_ok(sporkle_gl_attach(w.context, w.device));
  uint32_t program = own_program(&w), out = 0;
  const sporkle_conv2d_desc problem = small_problem();
  Job job;
  job_usage = SPORKLE_BUFFER_OPENGL;
  job_prepare(&job, &w, &problem, 1);
  for (int i = 0; i < 5 && world_stats(&w).device_resets == 0; ++i) {
    job_submit(&job);
    (void)sporkle_fence_wait(job.fence, UINT64_C(10000000000));
    expect_ok(sporkle_fence_destroy(job.fence));
    job.fence = NULL;
  }
  assert_int_equal(world_stats(&w).device_resets, 1);
  world_check_usable(&w);  // the device is back
  const sporkle_status lost = SPORKLE_ERROR_DEVICE_LOST;
  expect_refused(lost, "device", sporkle_gl_attach(w.context, w.device));
  expect_refused(lost, "device", sporkle_gl_hand_over(w.context, w.device, NULL));
  expect_refused(lost, "device", sporkle_gl_take_over(w.context, w.device, NULL));
  expect_refused(lost, "device", sporkle_gl_dispatch(w.context, w.device, program, 1, 1, 1));
  expect_refused(lost, "buffer", sporkle_gl_buffer_name(job.input, &out));
  expect_ok(sporkle_gl_detach(w.context, w.device));
  assert_null(own.current_context());
  expect_ok(sporkle_gl_attach(w.context, w.device));
  expect_refused(lost, "buffer", sporkle_gl_hand_over(w.context, w.device, job.input));
  program = own_program(&w);
  expect_ok(sporkle_gl_hand_over(w.context, w.device, NULL));
  expect_ok(sporkle_gl_take_over(w.context, w.device, NULL));
  expect_ok(sporkle_gl_program_delete(w.context, w.device, program));
  job_free(&job);
  world_check_usable(&w);
  world_close(&w);
}

int interop_lost(void) {
  static const struct CMUnitTest tests[] = {cmocka_unit_test(names_end_with_a_reset)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

static void *attach_and_stay(void *data) {
  Caller *const c = data;
  attach_and_end(c);
  pthread_barrier_wait(c->attached);
  pause();
  return NULL;
}

// The process ends while its first thread and another are attached.
int interop_exit(void) {
  static World w;
  static atomic_int failures;
  static pthread_barrier_t attached;
  static Caller caller;
  interop_open(&w);
  pthread_barrier_init(&attached, NULL, 2);
  caller = (Caller){&w, &attached, NULL, NULL, 0, 0, &failures};
  pthread_t id;
  if (pthread_create(&id, NULL, attach_and_stay, &caller) != 0) return 1;
  pthread_barrier_wait(&attached);
  attach_and_end(&caller);
  return atomic_load(&failures);
}
