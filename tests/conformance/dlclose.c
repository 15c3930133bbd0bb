// A host that does not link the library: dlclose really unmaps it as long as no
// library thread has been started, and is harmless afterwards.
#include <dlfcn.h>

#include "support/test.h"

typedef sporkle_status (*GetApi)(uint32_t, const sporkle_api **);

static const char *library;

static bool is_mapped(void) {
  FILE *maps = fopen("/proc/self/maps", "r");
  assert_non_null(maps);
  char line[512];
  bool found = false;
  while (fgets(line, sizeof line, maps)) found |= strstr(line, "libsporkle") != NULL;
  fclose(maps);
  return found;
}

static const sporkle_api *load(void **handle) {
  *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (*handle == NULL) print_error("%s\n", dlerror());
  assert_non_null(*handle);
  GetApi get_api = NULL;
  *(void **)&get_api = dlsym(*handle, "sporkle_get_api");
  assert_non_null(get_api);
  const sporkle_api *api = NULL;
  assert_int_equal(get_api(SPORKLE_VERSION_MAJOR, &api), SPORKLE_OK);
  return api;
}

static void unmapped_without_threads(void **state) {
  (void)state;
  for (int i = 0; i < 3; ++i) {
    assert_false(is_mapped());
    void *handle = NULL;
    const sporkle_api *api = load(&handle);
    assert_true(is_mapped());
    // No context: looking for GPUs may take a thread.
    sporkle_conv2d_desc desc;
    sporkle_conv2d_info info = SPORKLE_CONV2D_INFO_INIT;
    api->conv2d_desc_set(&desc, 1, 1, 4, 4, 1, 3, 1, 1);
    assert_int_equal(api->conv2d_describe(&desc, &info), SPORKLE_OK);
    assert_int_equal(api->context_destroy(NULL), SPORKLE_ERROR_INVALID_HANDLE);
    assert_int_equal(api->shutdown(), SPORKLE_OK);
    assert_int_equal(dlclose(handle), 0);
  }
  assert_false(is_mapped());
}

static void submit_one(const sporkle_api *api, sporkle_context context) {
  uint32_t device = 0;
  assert_int_equal(api->device_find(context, "null", &device), SPORKLE_OK);
  sporkle_conv2d_desc desc;
  api->conv2d_desc_set(&desc, 1, 1, 4, 4, 1, 1, 1, 0);
  const float weight = 2.0f, input[16] = {1.0f, 2.0f};
  float output[16];
  assert_int_equal(api->conv2d(context, device, &desc, input, &weight, NULL, NULL, output, NULL),
                   SPORKLE_OK);
  assert_true(output[0] == 2.0f && output[1] == 4.0f && output[15] == 0.0f);
}

static void pinned_by_the_first_thread(void **state) {
  (void)state;
  for (int i = 0; i < 3; ++i) {
    void *handle = NULL;
    const sporkle_api *api = load(&handle);
    sporkle_context_desc desc;
    api->context_desc_init(&desc);
    desc.flags = SPORKLE_CONTEXT_ENABLE_NULL;
    sporkle_context context = NULL;
    assert_int_equal(api->context_create(&desc, &context), SPORKLE_OK);
    submit_one(api, context);
    if (i == 0) assert_int_equal(api->shutdown(), SPORKLE_OK);
    // Without shutdown the worker goes on in code that must stay mapped.
    assert_int_equal(dlclose(handle), 0);
    assert_true(is_mapped());
  }
}

int main(int argc, char **argv) {
  assert_true(argc > 1);
  library = argv[1];
  const struct CMUnitTest tests[] = {cmocka_unit_test(unmapped_without_threads),
                                     cmocka_unit_test(pinned_by_the_first_thread)};
  const int failed = cmocka_run_group_tests_name("dlclose", tests, NULL, NULL);
  printf("dlclose: unmapped before the first thread, pinned afterwards: %s\n",
         failed == 0 ? "passed" : "FAILED");
  return failed == 0 ? 0 : 1;
}
