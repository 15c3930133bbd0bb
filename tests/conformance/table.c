// The function table: a whole convolution through nothing else.
#include "conformance/conformance.h"
#include "support/tensors.h"
#include "support/world.h"

static void every_entry_is_there(void **state) {
  (void)state;
  const sporkle_api *api = NULL;
  expect_ok(sporkle_get_api(SPORKLE_VERSION_MAJOR, &api));
  assert_non_null(api);
  assert_int_equal(api->struct_size, sizeof *api);
  const size_t entries = (sizeof *api - sizeof api->struct_size) / sizeof(void *);
  for (size_t i = 0; i < entries; ++i) {
    void *entry = NULL;
    memcpy(&entry, (const char *)api + sizeof api->struct_size + i * sizeof entry, sizeof entry);
    assert_non_null(entry);
  }
  const sporkle_api *again = NULL;
  expect_ok(sporkle_get_api(SPORKLE_VERSION_MAJOR, &again));
  assert_ptr_equal(api, again);
}

static void refusals(void **state) {
  (void)state;
  const sporkle_api *api = (const sporkle_api *)(uintptr_t)8;
  expect_refused(SPORKLE_ERROR_VERSION, "major", sporkle_get_api(SPORKLE_VERSION_MAJOR + 1, &api));
  assert_null(api);
  expect_refused(SPORKLE_ERROR_VERSION, "major", sporkle_get_api(UINT32_MAX, &api));
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "out_api",
                 sporkle_get_api(SPORKLE_VERSION_MAJOR, NULL));
}

static void convolution_through_the_table(void **state) {
  (void)state;
  const sporkle_api *api = NULL;
  expect_ok(sporkle_get_api(SPORKLE_VERSION_MAJOR, &api));
  sporkle_context_desc desc;
  api->context_desc_init(&desc);
  desc.flags = SPORKLE_CONTEXT_ENABLE_NULL;
  sporkle_context context = NULL;
  uint32_t device = 0;
  expect_ok(api->context_create(&desc, &context));
  expect_ok(api->device_find(context, test_device, &device));
  sporkle_conv2d_desc problem;
  api->conv2d_desc_set(&problem, 1, 3, 9, 9, 4, 3, 1, 1);
  Tensors t;
  tensors_make(&t, &problem, 1);
  expect_ok(api->conv2d(context, device, &problem, t.input, t.weights, NULL, NULL, t.output, NULL));
  tensors_check(&t, t.output);
  sporkle_plan plan = NULL;
  expect_ok(api->plan_create(context, device, &problem, t.weights, NULL, &plan));
  tensors_clear_output(&t);
  expect_ok(api->plan_run(plan, t.input, NULL, t.output, NULL));
  tensors_check(&t, t.output);
  expect_ok(api->plan_destroy(plan));
  assert_string_equal(api->status_name(SPORKLE_ERROR_BUSY), "SPORKLE_ERROR_BUSY");
  assert_int_equal(api->version(), SPORKLE_VERSION);
  expect_ok(api->context_destroy(context));
  assert_int_equal(api->context_destroy(context), SPORKLE_ERROR_INVALID_HANDLE);
  char text[256];
  api->last_error(text, sizeof text);
  assert_int_equal(strncmp(text, "sporkle_context_destroy: context", 32), 0);
  tensors_free(&t);
}

GROUP(group_table, "table", cmocka_unit_test(every_entry_is_there), cmocka_unit_test(refusals),
      cmocka_unit_test(convolution_through_the_table))
