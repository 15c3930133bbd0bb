/* The packet tools of sporkle.h. */
#include "scene.h"
#include "support/test.h"

enum { IMAGE_CAPACITY = 4096 };

static const char *last_error(void) {
  static char text[512];
  sporkle_last_error(text, sizeof text);
  return text;
}

static uint64_t golden_image(const char *gfx, int kind, uint32_t image[IMAGE_CAPACITY / 4]) {
  uint32_t words[SCENE_MOST_DWORDS];
  char name[32];
  snprintf(name, sizeof name, "%s_full", gfx);
  pm4_queue *queue = scene_queue(scene_find(gfx));
  const uint32_t count = golden_read(name, words, SCENE_MOST_DWORDS);
  const uint64_t size = pm4_write_image(queue, words, count, kind, image, IMAGE_CAPACITY);
  assert_true(size > 0 && size <= IMAGE_CAPACITY);
  pm4_queue_destroy(queue);
  return size;
}

static void golden_images_are_valid_and_printed(void **state) {
  (void)state;
  for (int i = 0; i < SCENE_CHIPS; ++i) {
    uint32_t image[IMAGE_CAPACITY / 4];
    char text[16384];
    uint64_t length = 0;
    const uint64_t size = golden_image(scenes[i].gfx, i % 2, image);
    assert_int_equal(sporkle_pm4_validate(image, size), SPORKLE_OK);
    assert_int_equal(sporkle_pm4_decode(NULL, image, size, text, sizeof text, &length), SPORKLE_OK);
    assert_int_equal(strlen(text), length);
    assert_non_null(strstr(text, "DISPATCH_DIRECT"));
  }
}

static void plain_dwords_are_printed_for_a_named_chip(void **state) {
  (void)state;
  uint32_t words[SCENE_MOST_DWORDS];
  char text[16384];
  uint64_t length = 0;
  const uint32_t count = golden_read("gfx1100_full", words, SCENE_MOST_DWORDS);
  assert_int_equal(
      sporkle_pm4_decode("gfx1100", words, 4 * count, text, sizeof text, &length), SPORKLE_OK);
  assert_non_null(strstr(text, "COMPUTE_PGM_RSRC3"));
  assert_int_equal(sporkle_pm4_decode("gfx1100", words, 4 * count, NULL, 0, &length), SPORKLE_OK);
  assert_int_equal(length, strlen(text));
  assert_int_equal(sporkle_pm4_decode("gfx1100", words, 3, text, sizeof text, &length),
                   SPORKLE_ERROR_INVALID_ARGUMENT);
  assert_int_equal(sporkle_pm4_decode("gfx1", words, 4, text, sizeof text, &length),
                   SPORKLE_ERROR_UNSUPPORTED);
  assert_non_null(strstr(last_error(), "covered are gfx900"));
  assert_int_equal(sporkle_pm4_decode("gfx1100", (char *)words + 1, 4, text, 8, &length),
                   SPORKLE_ERROR_INVALID_ARGUMENT);
  assert_non_null(strstr(last_error(), "aligned"));
  assert_int_equal(sporkle_pm4_decode("gfx1100", words, 4, text, 8, NULL),
                   SPORKLE_ERROR_INVALID_ARGUMENT);
  assert_int_equal(sporkle_pm4_decode("gfx1100", words, 4, NULL, 8, &length),
                   SPORKLE_ERROR_INVALID_ARGUMENT);
  assert_int_equal(sporkle_pm4_decode("gfx1100", NULL, 4, text, 8, &length),
                   SPORKLE_ERROR_INVALID_ARGUMENT);
}

static void refusals_name_dword_packet_and_reason(void **state) {
  (void)state;
  uint32_t image[IMAGE_CAPACITY / 4];
  const uint64_t size = golden_image("gfx1100", PM4_RING, image);
  uint32_t *words = image + (size / 4 - 55);
  words[46] = 0x8004;
  assert_int_equal(sporkle_pm4_validate(image, size), SPORKLE_ERROR_INVALID_ARGUMENT);
  assert_string_equal(last_error(), "sporkle_pm4_validate: image: dword 42: DISPATCH_DIRECT: "
                                    "COMPUTE_SHADER_EN is not set");
}

static void expect_refused(const uint32_t *image, uint64_t size, const char *reason) {
  assert_int_equal(sporkle_pm4_validate(image, size), SPORKLE_ERROR_INVALID_ARGUMENT);
  if (!strstr(last_error(), reason)) fail_msg("\"%s\" does not say \"%s\"", last_error(), reason);
}

static void damaged_images_are_refused(void **state) {
  (void)state;
  /* Dwords of the header: 0 magic, 2 version, 3 processor, 4 kind, 5 kernels, 6 ranges,
   * 7 buffers, 8 dwords, 9 reserved; then a kernel from 10. */
  const struct { uint32_t dword, value; const char *reason; } bad[] = {
      {0, 0, "not a file of packets"}, {1, 0, "not a file of packets"}, {2, 2, "version"},
      {3, 0x1010, "not covered"}, {3, 0, "not covered"}, {4, 2, "reserved values"},
      {5, 17, "more kernels"}, {5, 2, "cut off"}, {5, 0, "cut off"}, {6, 65, "more kernels"},
      {6, 1, "cut off"}, {7, UINT32_MAX, "more kernels"}, {7, 0, "cut off"},
      {8, 56, "cut off"}, {8, 54, "cut off"}, {8, UINT32_MAX, "more kernels"},
      {9, 1, "reserved values"}, {24, 256, "impossible numbers"}, {25, 256, "impossible numbers"},
      {26, 65536, "impossible numbers"}, {29, 65536, "impossible numbers"},
      {16, 0x1101, "another chip"}};
  uint32_t image[IMAGE_CAPACITY / 4];
  const uint64_t size = golden_image("gfx1100", PM4_RING, image);
  for (size_t i = 0; i < COUNT_OF(bad); ++i) {
    const uint32_t before = image[bad[i].dword];
    image[bad[i].dword] = bad[i].value;
    expect_refused(image, size, bad[i].reason);
    image[bad[i].dword] = before;
  }
  for (uint64_t length = 0; length < size; ++length) {
    assert_int_equal(sporkle_pm4_validate(image, length), SPORKLE_ERROR_INVALID_ARGUMENT);
  }
  expect_refused(image, size + 4, "longer");
  expect_refused(image, UINT64_MAX, "size");
  expect_refused(NULL, size, "null");
  assert_int_equal(sporkle_pm4_validate(image, size), SPORKLE_OK);
}

static void encode_refuses_what_it_cannot_do(void **state) {
  (void)state;
  sporkle_conv2d_desc desc;
  uint64_t size = 7;
  uint32_t image[16];
  sporkle_pm4_info info = SPORKLE_PM4_INFO_INIT;
  sporkle_conv2d_desc_init(&desc);
  sporkle_conv2d_desc_set(&desc, 1, 64, 56, 56, 64, 3, 1, 1);
  assert_int_equal(sporkle_pm4_encode("gfx1010", &desc, image, sizeof image, &size, NULL),
                   SPORKLE_ERROR_UNSUPPORTED);
  assert_int_equal(sporkle_pm4_encode(NULL, &desc, image, sizeof image, &size, NULL),
                   SPORKLE_ERROR_INVALID_ARGUMENT);
  assert_int_equal(sporkle_pm4_encode("gfx1100", NULL, image, sizeof image, &size, NULL),
                   SPORKLE_ERROR_INVALID_ARGUMENT);
  assert_int_equal(sporkle_pm4_encode("gfx1100", &desc, NULL, 8, &size, NULL),
                   SPORKLE_ERROR_INVALID_ARGUMENT);
  assert_int_equal(sporkle_pm4_encode("gfx1100", &desc, image, sizeof image, NULL, NULL),
                   SPORKLE_ERROR_INVALID_ARGUMENT);
  info.struct_size = 4;
  assert_int_equal(sporkle_pm4_encode("gfx1100", &desc, image, sizeof image, &size, &info),
                   SPORKLE_ERROR_VERSION);
  desc.k = 0;
  assert_int_equal(sporkle_pm4_encode("gfx1100", &desc, image, sizeof image, &size, NULL),
                   SPORKLE_ERROR_INVALID_ARGUMENT);
}

static void code_is_listed_or_refused(void **state) {
  (void)state;
  static char text[32768];
  uint64_t length = 0, again = 0;
  assert_int_equal(sporkle_pm4_list_code("gfx1100", NULL, 0, NULL, 0, &length), SPORKLE_OK);
  assert_true(length > 0 && length < sizeof text);
  assert_int_equal(sporkle_pm4_list_code("gfx1100", NULL, 0, text, sizeof text, &again),
                   SPORKLE_OK);
  assert_int_equal(again, length);
  assert_int_equal(strlen(text), length);
  assert_non_null(strstr(text, "\"name\": \"conv2d_3x3\""));
  assert_int_equal(sporkle_pm4_list_code("gfx1100", NULL, 0, text, 8, &again), SPORKLE_OK);
  assert_int_equal(strlen(text), 7);
  const struct { const char *gfx, *object; uint64_t size; sporkle_status status; } bad[] = {
      {NULL, NULL, 0, SPORKLE_ERROR_INVALID_ARGUMENT},
      {"gfx1100", NULL, 4, SPORKLE_ERROR_INVALID_ARGUMENT},
      {NULL, "\177ELF", 4, SPORKLE_ERROR_INVALID_ARGUMENT},
      {NULL, "", 0, SPORKLE_ERROR_INVALID_ARGUMENT},
      {"gfx1", NULL, 0, SPORKLE_ERROR_UNSUPPORTED},
      {"gfx908", NULL, 0, SPORKLE_ERROR_UNSUPPORTED}};
  for (size_t i = 0; i < COUNT_OF(bad); ++i) {
    assert_int_equal(sporkle_pm4_list_code(bad[i].gfx, bad[i].object, bad[i].size, text,
                                           sizeof text, &length),
                     bad[i].status);
  }
  assert_int_equal(sporkle_pm4_list_code("gfx1100", NULL, 0, text, 8, NULL),
                   SPORKLE_ERROR_INVALID_ARGUMENT);
  assert_int_equal(sporkle_pm4_list_code("gfx1100", NULL, 0, NULL, 8, &length),
                   SPORKLE_ERROR_INVALID_ARGUMENT);
}

/* What is encoded for a real kernel passes the validator, whichever kernel it is. */
static void encoded_convolutions_are_valid(void **state) {
  (void)state;
  static const char *const chips[] = {"gfx1030", "gfx1100"};
  const int64_t windows[][3] = {{1, 1, 0}, {1, 2, 0}, {3, 1, 1}, {3, 2, 1}, {3, 3, 1}, {7, 2, 3}};
  for (size_t c = 0; c < COUNT_OF(chips); ++c) {
    for (size_t i = 0; i < COUNT_OF(windows); ++i) {
      sporkle_conv2d_desc desc;
      uint32_t image[256];
      uint64_t size = 0;
      sporkle_conv2d_desc_init(&desc);
      sporkle_conv2d_desc_set(&desc, 2, 64, 56, 56, 64, windows[i][0], windows[i][1],
                              windows[i][2]);
      assert_int_equal(
          sporkle_pm4_encode(chips[c], &desc, image, sizeof image, &size, NULL), SPORKLE_OK);
      assert_true(size <= sizeof image);
      assert_int_equal(sporkle_pm4_validate(image, size), SPORKLE_OK);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(golden_images_are_valid_and_printed),
      cmocka_unit_test(plain_dwords_are_printed_for_a_named_chip),
      cmocka_unit_test(refusals_name_dword_packet_and_reason),
      cmocka_unit_test(damaged_images_are_refused),
      cmocka_unit_test(encode_refuses_what_it_cannot_do),
      cmocka_unit_test(encoded_convolutions_are_valid),
      cmocka_unit_test(code_is_listed_or_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
