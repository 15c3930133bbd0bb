// An OpenGL device through the public interface, in the conditions that matter
// to a host program.
#include "gl/device.h"

#include <dlfcn.h>
#include <errno.h>
#include <fenv.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

int64_t gl_index(sporkle_context context) {
  uint32_t index = 0;
  return sporkle_device_find(context, "gl", &index) == SPORKLE_OK ? (int64_t)index : -1;
}

void need_gl(World *world) {
  test_device = "gl";
  const sporkle_context_desc desc = world_desc(world);
  expect_ok(sporkle_context_create(&desc, &world->context));
  const sporkle_status status = sporkle_device_find(world->context, "gl", &world->device);
  if (status != SPORKLE_OK) test_device_missing(status);
}

bool reported_unavailable(sporkle_context context, const char *id, const char *part) {
  uint32_t count = 0;
  expect_ok(sporkle_unavailable_count(context, &count));
  for (uint32_t i = 0; i < count; ++i) {
    sporkle_unavailable_info info = SPORKLE_UNAVAILABLE_INFO_INIT;
    expect_ok(sporkle_unavailable_describe(context, i, &info));
    if (strcmp(info.backend, "gl") != 0 || strstr(info.reason, part) == NULL) continue;
    assert_true(info.cure[0] != '\0');
    if (id == NULL || strcmp(info.id, id) == 0) return true;
  }
  return false;
}

void device_property_text(World *world, const char *key, char *out, size_t capacity) {
  sporkle_device_info info = SPORKLE_DEVICE_INFO_INIT;
  expect_ok(sporkle_device_describe(world->context, world->device, &info));
  for (uint32_t i = 0; i < info.property_count; ++i) {
    sporkle_property property = SPORKLE_PROPERTY_INIT;
    expect_ok(sporkle_device_property(world->context, world->device, i, &property));
    if (strcmp(property.key, key) == 0) {
      snprintf(out, capacity, "%s", property.value);
      return;
    }
  }
  fail_msg("the device has no property %s", key);
}

// The few functions of EGL that the host program below uses.
typedef struct HostEgl {
  void *(*get_display)(unsigned platform, void *native, const intptr_t *attributes);
  unsigned (*initialize)(void *display, int *major, int *minor);
  unsigned (*bind_api)(unsigned api);
  void *(*create_context)(void *display, void *config, void *share, const int *attributes);
  unsigned (*make_current)(void *display, void *draw, void *read, void *context);
  void *(*get_current)(void);
} HostEgl;

static bool take(void *library, const char *name, void *out_function) {
  void *symbol = dlsym(library, name);
  memcpy(out_function, &symbol, sizeof symbol);
  return symbol != NULL;
}

static bool load_egl(HostEgl *egl) {
  void *library = dlopen("libEGL.so.1", RTLD_NOW);
  return library != NULL && take(library, "eglGetPlatformDisplay", &egl->get_display) &&
         take(library, "eglInitialize", &egl->initialize) &&
         take(library, "eglBindAPI", &egl->bind_api) &&
         take(library, "eglCreateContext", &egl->create_context) &&
         take(library, "eglMakeCurrent", &egl->make_current) &&
         take(library, "eglGetCurrentContext", &egl->get_current);
}

// A context of the host's own, current on this thread; NULL when EGL has none.
static void *host_context(const HostEgl *egl, void **out_display) {
  enum { surfaceless = 0x31DD, gl_api = 0x30A2, client_major = 0x3098, none = 0x3038 };
  static const int attributes[] = {client_major, 3, none};
  int major = 0, minor = 0;
  *out_display = egl->get_display(surfaceless, NULL, NULL);
  if (*out_display == NULL || !egl->initialize(*out_display, &major, &minor)) return NULL;
  egl->bind_api(gl_api);
  void *context = egl->create_context(*out_display, NULL, NULL, attributes);
  if (context == NULL || !egl->make_current(*out_display, NULL, NULL, context)) return NULL;
  return context;
}

static void current_context_is_untouched(void **state) {
  (void)state;
  HostEgl egl = {0};
  void *display = NULL;
  if (!load_egl(&egl)) skip();
  void *mine = host_context(&egl, &display);
  if (mine == NULL) skip();
  World world;
  need_gl(&world);
  assert_ptr_equal(egl.get_current(), mine);
  world_check_usable(&world);
  assert_ptr_equal(egl.get_current(), mine);
  Job job;
  const sporkle_conv2d_desc problem = small_problem();
  job_prepare(&job, &world, &problem, 1);
  job_submit(&job);
  expect_ok(sporkle_fence_wait(job.fence, SPORKLE_TIMEOUT_INFINITE));
  job_check(&job);
  job_free(&job);
  world_close(&world);
  assert_ptr_equal(egl.get_current(), mine);
  // The display was not terminated under its owner.
  assert_true(egl.make_current(display, NULL, NULL, mine));
}

static void traps_and_ftz_survive_a_dispatch(void **state) {
  (void)state;
  const int traps = FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW;
  feenableexcept(traps);
#if defined(__x86_64__)
  _mm_setcsr(_mm_getcsr() | 0x8040);  // flush to zero, denormals are zero
  const unsigned control = _mm_getcsr();
#endif
  World world;
  need_gl(&world);
  const sporkle_conv2d_desc problem = small_problem();
  Tensors t;
  tensors_make(&t, &problem, 3);
  expect_ok(tensors_conv2d(&t, world.context, world.device));
  assert_int_equal(fegetexcept(), traps);
#if defined(__x86_64__)
  assert_int_equal(_mm_getcsr() & ~0x3fu, control & ~0x3fu);
#endif
  fedisableexcept(traps);
  tensors_check(&t, t.output);
  tensors_free(&t);
  world_close(&world);
}

// Runs in a forked child; 0 or the number of the step that went wrong.
static int child_steps(World *world) {
  uint32_t count = 0;
  if (sporkle_device_count(world->context, &count) != SPORKLE_ERROR_FORKED) return 1;
  sporkle_context context = NULL;
  sporkle_context_desc desc = SPORKLE_CONTEXT_DESC_INIT;
  desc.log_level = SPORKLE_LOG_OFF;
  if (sporkle_context_create(&desc, &context) != SPORKLE_OK) return 2;
  if (gl_index(context) >= 0) return 3;
  if (!reported_unavailable(context, NULL, "forked")) return 4;
  const sporkle_conv2d_desc problem = small_problem();
  Tensors t;
  tensors_make(&t, &problem, 5);
  if (tensors_conv2d(&t, context, 0) != SPORKLE_OK) return 5;
  tensors_check(&t, t.output);
  return sporkle_context_destroy(context) == SPORKLE_OK ? 0 : 6;
}

static void forked_child_is_refused(void **state) {
  (void)state;
  World world;
  need_gl(&world);
  world_check_usable(&world);
  fflush(NULL);
  const pid_t pid = fork();
  if (pid == 0) {
    alarm(20);
    _exit(child_steps(&world));
  }
  int status = 0;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  world_check_usable(&world);
  world_close(&world);
}

// Long enough that a driver which computes asynchronously is seen at it.
static void fences_are_seen_pending(void **state) {
  (void)state;
  World world;
  need_gl(&world);
  char completion[64];
  device_property_text(&world, "completion", completion, sizeof completion);
  assert_string_equal(completion, "word and sync");
  sporkle_conv2d_desc problem;
  sporkle_conv2d_desc_set(&problem, 2, 32, 64, 64, 32, 3, 1, 1);
  Job job;
  job_prepare(&job, &world, &problem, 7);
  for (int round = 0; round < 5; ++round) {
    job_submit(&job);
    assert_int_equal(sporkle_fence_poll(job.fence), SPORKLE_NOT_READY);
    assert_int_equal(sporkle_fence_wait(job.fence, 0), SPORKLE_TIMEOUT);
    assert_int_equal(sporkle_fence_wait(job.fence, 100000), SPORKLE_TIMEOUT);
    expect_ok(sporkle_fence_wait(job.fence, SPORKLE_TIMEOUT_INFINITE));
    expect_ok(sporkle_fence_poll(job.fence));
    job_check(&job);
    expect_ok(sporkle_fence_destroy(job.fence));
    job.fence = NULL;
    job_clear(&job);
  }
  job_free(&job);
  world_close(&world);
}

static void works_without_buffer_storage(void **state) {
  (void)state;
  World world;
  need_gl(&world);
  char text[200];
  device_property_text(&world, "gl_version", text, sizeof text);
  assert_string_equal(text, "4.3");
  device_property_text(&world, "placement_shared", text, sizeof text);
  assert_string_equal(text, "staging (profile)");
  const sporkle_conv2d_desc problem = small_problem();
  Job job;
  job_prepare(&job, &world, &problem, 9);
  sporkle_buffer_info info = SPORKLE_BUFFER_INFO_INIT;
  expect_ok(sporkle_buffer_describe(job.output, &info));
  assert_int_equal(info.placement, SPORKLE_PLACEMENT_STAGING);
  assert_int_equal(info.coherent, 0);
  job_submit(&job);
  expect_ok(sporkle_fence_wait(job.fence, SPORKLE_TIMEOUT_INFINITE));
  job_check(&job);
  assert_int_equal(world_stats(&world).map_calls, 0);
  job_free(&job);
  world_check_usable(&world);
  world_close(&world);
}

static void works_without_a_robust_context(void **state) {
  (void)state;
  World world;
  need_gl(&world);
  char text[200];
  device_property_text(&world, "robust", text, sizeof text);
  assert_memory_equal(text, "no", 2);
  world_check_usable(&world);
  world_close(&world);
}

static const struct {
  const char *group;
  struct CMUnitTest test;
} groups[] = {
    {"current_context", cmocka_unit_test(current_context_is_untouched)},
    {"traps", cmocka_unit_test(traps_and_ftz_survive_a_dispatch)},
    {"fork", cmocka_unit_test(forked_child_is_refused)},
    {"pending", cmocka_unit_test(fences_are_seen_pending)},
    {"without_storage", cmocka_unit_test(works_without_buffer_storage)},
    {"not_robust", cmocka_unit_test(works_without_a_robust_context)},
};

int main(int argc, char **argv) {
  const char *group = argc > 1 ? argv[1] : "";
  const struct CMUnitTest *const more[] = {&test_noop, &test_hidden, &test_named_software,
                                           &test_named_nothing, &test_cpu_only,
                                           &test_kernel_by_name};
  struct CMUnitTest tests[1] = {{0}};
  for (size_t i = 0; i < COUNT_OF(groups); ++i) {
    if (strcmp(groups[i].group, group) == 0) tests[0] = groups[i].test;
  }
  for (size_t i = 0; i < COUNT_OF(more); ++i) {
    if (strcmp(more[i]->name, group) == 0) tests[0] = *more[i];
  }
  if (tests[0].test_func == NULL) {
    printf("gl_device: no group %s\n", group);
    return 2;
  }
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  printf("gl_device %s: %s\n", group, failed == 0 ? "checked" : "FAILED");
  return failed;
}
