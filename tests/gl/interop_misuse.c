// OpenGL interop: what is refused, and that it changes nothing.
#include "gl/interop.h"

static const unsigned char byte = 7;
static uint32_t out;
static uint64_t size;

// Every call that wants an attached context, with arguments that are good but
// for `w`, `name` and `program`.
static void expect_each(sporkle_status want, const char *argument, World *w, uint32_t name,
                        uint32_t program) {
  const sporkle_context c = w->context;
  const uint32_t d = w->device;
  unsigned char read = 0;
  expect_refused(want, argument, sporkle_gl_hand_over(c, d, NULL));
  expect_refused(want, argument, sporkle_gl_take_over(c, d, NULL));
  expect_refused(want, argument, sporkle_gl_buffer_create(c, d, 16, NULL, &out));
  expect_refused(want, argument, sporkle_gl_buffer_delete(c, d, name));
  expect_refused(want, argument, sporkle_gl_buffer_write(c, d, name, 0, 1, &byte));
  expect_refused(want, argument, sporkle_gl_buffer_read(c, d, name, 0, 1, &read));
  expect_refused(want, argument, sporkle_gl_buffer_bind(c, d, 0, name));
  expect_refused(want, argument, sporkle_gl_program_create(c, d, "x", 1, &out));
  expect_refused(want, argument, sporkle_gl_program_delete(c, d, program));
  expect_refused(want, argument, sporkle_gl_program_save(c, d, program, NULL, 0, &size, &out));
  expect_refused(want, argument, sporkle_gl_program_load(c, d, 1, &byte, 1, &out));
  expect_refused(want, argument, sporkle_gl_dispatch(c, d, program, 1, 1, 1));
}

static void not_attached(void **state) {
  (void)state;
  World w;
  interop_open(&w);
  const sporkle_status refused = SPORKLE_ERROR_INVALID_ARGUMENT;
  expect_each(refused, "device", &w, 1, 1);
  expect_refused(refused, "device", sporkle_gl_detach(w.context, w.device));
  expect_ok(sporkle_gl_attach(w.context, w.device));
  expect_ok(sporkle_gl_attach(w.context, w.device));
  void *const current = own.current_context();
  expect_ok(sporkle_gl_detach(w.context, w.device));
  assert_ptr_equal(own.current_context(), current);
  expect_ok(sporkle_gl_detach(w.context, w.device));
  assert_null(own.current_context());
  expect_refused(refused, "device", sporkle_gl_detach(w.context, w.device));
  expect_each(refused, "device", &w, 1, 1);
  world_close(&w);
}

static void devices_without_opengl(void **state) {
  (void)state;
  World w;
  interop_open(&w);
  World other = w;
  uint32_t null_device = 0;
  expect_ok(sporkle_device_find(w.context, "null", &null_device));
  const uint32_t devices[] = {0, null_device};
  for (size_t i = 0; i < COUNT_OF(devices); ++i) {
    other.device = devices[i];
    expect_refused(SPORKLE_ERROR_UNSUPPORTED, "device",
                   sporkle_gl_attach(w.context, other.device));
    expect_refused(SPORKLE_ERROR_UNSUPPORTED, "device",
                   sporkle_gl_detach(w.context, other.device));
    expect_each(SPORKLE_ERROR_UNSUPPORTED, "device", &other, 1, 1);
    sporkle_buffer_desc desc = SPORKLE_BUFFER_DESC_INIT;
    desc.device = other.device;
    desc.size = 64;
    sporkle_buffer buffer = NULL;
    expect_ok(sporkle_buffer_create(w.context, &desc, &buffer));
    expect_refused(SPORKLE_ERROR_UNSUPPORTED, "device", sporkle_gl_buffer_name(buffer, &out));
    expect_ok(sporkle_gl_attach(w.context, w.device));
    expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "buffer",
                   sporkle_gl_hand_over(w.context, w.device, buffer));
    expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "buffer",
                   sporkle_gl_take_over(w.context, w.device, buffer));
    expect_ok(sporkle_gl_detach(w.context, w.device));
  }
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "device", sporkle_gl_attach(w.context, 99));
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "device",
                 sporkle_gl_attach(w.context, SPORKLE_DEVICE_AUTO));
  world_close(&w);
  other.device = w.device;
  expect_refused(SPORKLE_ERROR_INVALID_HANDLE, "context",
                 sporkle_gl_attach(w.context, w.device));
  expect_each(SPORKLE_ERROR_INVALID_HANDLE, "context", &other, 1, 1);
}

static void bad_arguments(void **state) {
  (void)state;
  const sporkle_status refused = SPORKLE_ERROR_INVALID_ARGUMENT;
  World w;
  interop_open(&w);
  const sporkle_context c = w.context;
  const uint32_t d = w.device;
  expect_ok(sporkle_gl_attach(c, d));
  uint32_t name = 0;
  unsigned char read[16];
  expect_refused(refused, "size", sporkle_gl_buffer_create(c, d, 0, NULL, &name));
  expect_refused(refused, "out_name", sporkle_gl_buffer_create(c, d, 16, NULL, NULL));
  expect_refused(SPORKLE_ERROR_OUT_OF_MEMORY, "size",
                 sporkle_gl_buffer_create(c, d, UINT64_MAX, NULL, &name));
  expect_refused(SPORKLE_ERROR_OUT_OF_MEMORY, "size",
                 sporkle_gl_buffer_create(c, d, UINT64_C(1) << 60, NULL, &name));
  assert_int_equal(name, 0);
  expect_ok(sporkle_gl_buffer_create(c, d, 16, NULL, &name));
  expect_refused(refused, "name", sporkle_gl_buffer_delete(c, d, 0));
  expect_refused(refused, "name", sporkle_gl_buffer_delete(c, d, 999999));
  expect_refused(refused, "data", sporkle_gl_buffer_write(c, d, name, 0, 16, NULL));
  expect_refused(refused, "data", sporkle_gl_buffer_read(c, d, name, 0, 16, NULL));
  expect_refused(refused, "offset", sporkle_gl_buffer_write(c, d, name, 8, 9, read));
  expect_refused(refused, "offset", sporkle_gl_buffer_read(c, d, name, UINT64_MAX, 2, read));
  expect_refused(refused, "offset", sporkle_gl_buffer_read(c, d, name, 1, UINT64_MAX, read));
  expect_refused(refused, "binding", sporkle_gl_buffer_bind(c, d, UINT32_MAX, name));
  expect_refused(refused, "name", sporkle_gl_buffer_bind(c, d, 0, 999999));
  expect_ok(sporkle_gl_buffer_bind(c, d, 0, 0));
  expect_refused(refused, "out_program", sporkle_gl_program_create(c, d, own_source, 5, NULL));
  expect_refused(refused, "source", sporkle_gl_program_create(c, d, NULL, 5, &out));
  expect_refused(refused, "length", sporkle_gl_program_create(c, d, own_source, 0, &out));
  expect_refused(refused, "length",
                 sporkle_gl_program_create(c, d, own_source, UINT64_C(1) << 40, &out));
  expect_refused(refused, "length", sporkle_gl_program_create(c, d, "a\0b", 3, &out));
  expect_refused(SPORKLE_ERROR_OPERATION_FAILED, "source",
                 sporkle_gl_program_create(c, d, "no shader", 9, &out));
  expect_refused(refused, "program", sporkle_gl_program_delete(c, d, 999999));
  expect_refused(refused, "program", sporkle_gl_dispatch(c, d, 999999, 1, 1, 1));
  expect_refused(refused, "program",
                 sporkle_gl_program_save(c, d, 999999, NULL, 0, &size, &out));
  expect_refused(refused, "data", sporkle_gl_program_load(c, d, 1, NULL, 5, &out));
  expect_refused(refused, "size", sporkle_gl_program_load(c, d, 1, &byte, 0, &out));
  expect_refused(SPORKLE_ERROR_OPERATION_FAILED, "data",
                 sporkle_gl_program_load(c, d, 0xdead, &byte, 1, &out));
  const uint32_t program = own_program(&w);
  expect_refused(refused, "groups_x", sporkle_gl_dispatch(c, d, program, 0, 1, 1));
  expect_refused(refused, "groups_y", sporkle_gl_dispatch(c, d, program, 1, UINT32_MAX, 1));
  expect_refused(refused, "groups_z", sporkle_gl_dispatch(c, d, program, 1, 1, 0));
  expect_refused(refused, "out_name", sporkle_gl_buffer_name(NULL, NULL));
  expect_refused(SPORKLE_ERROR_INVALID_HANDLE, "buffer", sporkle_gl_buffer_name(NULL, &out));
  expect_refused(SPORKLE_ERROR_INVALID_HANDLE, "buffer",
                 sporkle_gl_hand_over(c, d, (sporkle_buffer)(void *)c));
  world_check_usable(&w);
  world_close(&w);
}

static void a_foreign_context_stays(void **state) {
  (void)state;
  void *display = NULL;
  void *const mine = own_context_begin(&display);
  World w;
  interop_open(&w);
  expect_refused(SPORKLE_ERROR_BUSY, "device", sporkle_gl_attach(w.context, w.device));
  assert_ptr_equal(own.current_context(), mine);
  own.make_current(display, NULL, NULL, NULL);
  expect_ok(sporkle_gl_attach(w.context, w.device));
  // The caller changes its mind.
  assert_true(own.make_current(display, NULL, NULL, mine));
  expect_each(SPORKLE_ERROR_BUSY, "device", &w, 1, 1);
  expect_refused(SPORKLE_ERROR_BUSY, "device", sporkle_gl_attach(w.context, w.device));
  expect_ok(sporkle_gl_detach(w.context, w.device));
  assert_ptr_equal(own.current_context(), mine);
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "device",
                 sporkle_gl_detach(w.context, w.device));
  world_close(&w);
  assert_ptr_equal(own.current_context(), mine);
  own_context_end(display, mine);
}

static void two_contexts_on_one_thread(void **state) {
  (void)state;
  World first, second;
  interop_open(&first);
  interop_open(&second);
  expect_ok(sporkle_gl_attach(first.context, first.device));
  void *const current = own.current_context();
  expect_refused(SPORKLE_ERROR_BUSY, "device",
                 sporkle_gl_attach(second.context, second.device));
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "device",
                 sporkle_gl_detach(second.context, second.device));
  assert_ptr_equal(own.current_context(), current);
  world_close(&second);
  assert_ptr_equal(own.current_context(), current);
  const uint32_t program = own_program(&first);
  assert_true(program > 0);
  world_close(&first);
  assert_null(own.current_context());
}

int interop_misuse(void) {
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(not_attached),          cmocka_unit_test(devices_without_opengl),
      cmocka_unit_test(bad_arguments),         cmocka_unit_test(a_foreign_context_stays),
      cmocka_unit_test(two_contexts_on_one_thread),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
