// The .npy reader: valid headers of versions 1 to 3 and the exact message for
// every malformed one.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/npy_file.h"

enum { MAX_FILE = 4096 };

typedef struct File {
  unsigned char bytes[MAX_FILE];
  size_t size;
} File;

// A file with this dictionary and `data` bytes of zeros behind it.
static File build(int version, const char *dict, size_t data) {
  File file = {{0x93, 'N', 'U', 'M', 'P', 'Y', (unsigned char)version, 0}, 0};
  size_t length = strlen(dict), begin = version == 1 ? 10 : 12;
  file.bytes[8] = (unsigned char)(length & 255);
  file.bytes[9] = (unsigned char)(length >> 8);
  memcpy(file.bytes + begin, dict, length);
  file.size = begin + length + data;
  return file;
}

static const char *error_of(const File *file) {
  static NpyError error;
  NpyHeader header;
  if (npy_parse(file->bytes, file->size, file->size, &header, &error) == 0) return "accepted";
  return error.text;
}

static void assert_dict(const char *dict, size_t data, const char *message) {
  File file = build(1, dict, data);
  assert_string_equal(error_of(&file), message);
}

#define DICT(descr, order, shape) \
  "{'descr': '" descr "', 'fortran_order': " order ", 'shape': " shape ", }"

static void test_valid(void **state) {
  (void)state;
  NpyHeader header;
  NpyError error;
  for (int version = 1; version <= 3; ++version) {
    File file = build(version, DICT("<f4", "False", "(1, 2, 3, 4)") "   \n", 96);
    assert_int_equal(npy_parse(file.bytes, file.size, file.size, &header, &error), 0);
    assert_int_equal(header.dimensions, 4);
    assert_int_equal(header.shape[3], 4);
    assert_int_equal(header.count, 24);
    assert_int_equal(header.data_offset, file.size - 96);
  }
  assert_dict(DICT("<f4", "False", "(5,)"), 20, "accepted");
  assert_dict(DICT("<f4", "False", "(5L, 2L)"), 40, "accepted");
  assert_dict("{\"shape\":(2,3),\"fortran_order\":False,\"descr\":\"<f4\"}\n", 24, "accepted");
}

static void test_dtype(void **state) {
  (void)state;
  assert_dict(DICT("<f8", "False", "(5,)"), 40,
              "the data is float64 ('<f8'), float32 is needed; in numpy: "
              "numpy.save(path, a.astype('<f4'))");
  assert_dict(DICT(">f4", "False", "(5,)"), 20,
              "the data is big-endian float32 ('>f4'); in numpy: "
              "numpy.save(path, a.astype('<f4'))");
  assert_dict(DICT("<i4", "False", "(5,)"), 20,
              "the data is int32 ('<i4'), float32 is needed; in numpy: "
              "numpy.save(path, a.astype('<f4'))");
  assert_dict(DICT("|b1", "False", "(5,)"), 5,
              "the data is bool ('|b1'), float32 is needed; in numpy: "
              "numpy.save(path, a.astype('<f4'))");
  assert_dict(DICT("|O", "False", "(5,)"), 5,
              "the data type '|O' is not float32; in numpy: numpy.save(path, a.astype('<f4'))");
  assert_dict(DICT("", "False", "(5,)"), 20,
              "the data type '' is not float32; in numpy: numpy.save(path, a.astype('<f4'))");
  assert_dict("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (5,), }", 20,
              "header, byte 10: the array has a structured data type; float32 is needed; in "
              "numpy: numpy.save(path, a['field'].astype('<f4'))");
}

static void test_order_and_shape(void **state) {
  (void)state;
  assert_dict(DICT("<f4", "True", "(2, 3)"), 24,
              "the data is in Fortran order; in numpy: "
              "numpy.save(path, numpy.ascontiguousarray(a))");
  assert_dict(DICT("<f4", "False", "()"), 4, "the array has 0 dimensions; 1 to 4 are understood");
  assert_dict(DICT("<f4", "False", "(1, 1, 1, 1, 1)"), 4,
              "the array has 5 dimensions; 1 to 4 are understood");
  assert_dict(DICT("<f4", "False", "(3, 0, 2)"), 0, "the shape (3, 0, 2) has no elements");
  assert_dict(DICT("<f4", "False", "(4294967296, 4294967296)"), 0,
              "the size of shape (4294967296, 4294967296) overflows");
  assert_dict(DICT("<f4", "False", "(4611686018427387904,)"), 0,
              "the size of shape (4611686018427387904,) overflows");
  assert_dict(DICT("<f4", "False", "(9223372036854775808,)"), 0,
              "header, byte 69: a size in 'shape' overflows");
  assert_dict(DICT("<f4", "False", "(-3, 2)"), 0, "header, byte 51: a size in 'shape' is negative");
  assert_dict(DICT("<f4", "False", "(3)"), 12,
              "header, byte 52: 'shape' must be a tuple; one dimension is written (n,)");
  assert_dict(DICT("<f4", "False", "[3]"), 12, "header, byte 50: 'shape' must be a tuple");
  assert_dict(DICT("<f4", "False", "(3 4)"), 12, "header, byte 53: ')' is missing");
  assert_dict(DICT("<f4", "False", "(x,)"), 12, "header, byte 51: 'shape' must hold integers");
  assert_dict(DICT("<f4", "0", "(3,)"), 12, "header, byte 34: 'fortran_order' must be True or "
                                            "False");
}

static void test_dictionary(void **state) {
  (void)state;
  assert_dict("", 0, "header, byte 0: the header ends within the dictionary, '{' is missing");
  assert_dict("[]", 0, "header, byte 0: '{' is missing");
  assert_dict("{}", 0, "header, byte 2: the key 'descr' is missing");
  assert_dict("{'descr': '<f4'}", 0, "header, byte 16: the key 'fortran_order' is missing");
  assert_dict("{'descr': '<f4', 'fortran_order': False}", 0,
              "header, byte 40: the key 'shape' is missing");
  assert_dict("{'descr': '<f4', 'descr': '<f4'}", 0,
              "header, byte 24: the key 'descr' is there twice");
  assert_dict("{'colour': 1}", 0, "header, byte 9: unknown key 'colour'");
  assert_dict("{5: 1}", 0, "header, byte 1: a key must be a string");
  assert_dict("{'descr' '<f4'}", 0, "header, byte 9: ':' is missing");
  assert_dict("{'descr': '<f4' 'shape': (1,)}", 0, "header, byte 16: '}' is missing");
  assert_dict("{'descr': '<f4', 'sha", 0, "header, byte 21: the header ends within a string");
  assert_dict("{'descr': '<f4', 'fortran_order': False, 'shape': (1, ", 0,
              "header, byte 54: 'shape' must hold integers");
  assert_dict("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)", 4,
              "header, byte 54: the header ends within the dictionary, '}' is missing");
  assert_dict(DICT("<f4", "False", "(1,)") "  x\n", 4,
              "header, byte 59: something other than blanks follows the dictionary: the header "
              "lies about its length");
  assert_dict("{'descr': '<f4<f4<f4<f4<f4<f4', ", 4,
              "header, byte 26: 'descr' is not a plain string of at most 15 bytes");
}

static void test_prefix(void **state) {
  (void)state;
  File file = build(1, DICT("<f4", "False", "(5,)") "\n", 20), bad = file;
  file.size = 0;
  assert_string_equal(error_of(&file), "the file is empty");
  file.size = 3;
  assert_string_equal(error_of(&file),
                      "truncated: the file ends after 3 bytes, within the header");
  file.size = 9;
  assert_string_equal(error_of(&file),
                      "truncated: the file ends after 9 bytes, within the header");
  file.size = 40;
  assert_string_equal(error_of(&file),
                      "truncated: the header says it has 58 bytes, the file ends after 30");
  bad.bytes[0] = 'P';
  assert_string_equal(error_of(&bad), "not a .npy file: it does not start with \\x93NUMPY");
  bad.bytes[0] = 0x93;
  bad.bytes[6] = 4;
  assert_string_equal(error_of(&bad),
                      "format version 4.0 is not known; 1.0, 2.0 and 3.0 are");
  bad.bytes[6] = 1;
  bad.bytes[9] = 0xff;
  assert_string_equal(error_of(&bad),
                      "truncated: the header says it has 65338 bytes, the file ends after 78");
}

static void test_data_length(void **state) {
  (void)state;
  assert_dict(DICT("<f4", "False", "(5,)"), 19,
              "truncated: shape (5,) needs 20 bytes of data, 19 are there");
  assert_dict(DICT("<f4", "False", "(5,)"), 24, "4 bytes follow the data of shape (5,)");
  File file = build(1, DICT("<f4", "False", "(5,)") "\n", 20);
  // The header claims fewer bytes than the dictionary has.
  file.bytes[8] = 20;
  assert_string_equal(error_of(&file), "header, byte 20: the header ends within a string");
}

static void test_large_header(void **state) {
  (void)state;
  size_t available = NPY_PREFIX_CAPACITY;
  unsigned char *bytes = calloc(1, available);
  NpyHeader header;
  NpyError error;
  memcpy(bytes, "\x93NUMPY\2\0\0\0\2\0", 12);
  assert_int_equal(npy_parse(bytes, available, 1u << 20, &header, &error), -1);
  assert_string_equal(error.text, "the header has 131072 bytes; the limit is 65536");
  free(bytes);
}

static void test_write_and_read(void **state) {
  (void)state;
  char folder[] = "npy-test-XXXXXX", path[64];
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/a.npy", folder);
  const int64_t shape[4] = {2, 1, 2, 3};
  float data[12];
  for (int i = 0; i < 12; ++i) data[i] = (float)i * 0.5f;
  NpyFileError error;
  NpyArray array;
  assert_int_equal(npy_check_output(path, &error), 0);
  assert_int_equal(access(path, F_OK), -1);
  assert_int_equal(npy_write(path, shape, 4, data, &error), 0);
  assert_int_equal(npy_read(path, &array, &error), 0);
  assert_int_equal(array.header.dimensions, 4);
  assert_int_equal(array.header.data_offset % 64, 0);
  assert_int_equal((uintptr_t)array.data % 64, 0);
  assert_memory_equal(array.data, data, sizeof data);
  npy_array_free(&array);
  unlink(path);
  // Nothing else was left behind.
  assert_int_equal(rmdir(folder), 0);
}

static void test_file_errors(void **state) {
  (void)state;
  char folder[] = "npy-test-XXXXXX", path[64], expected[256];
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/a.npy", folder);
  NpyFileError error;
  NpyArray array;
  assert_int_equal(npy_read(path, &array, &error), -1);
  snprintf(expected, sizeof expected, "%s: cannot be opened: No such file or directory", path);
  assert_string_equal(error.text, expected);
  assert_int_equal(npy_read(folder, &array, &error), -1);
  snprintf(expected, sizeof expected, "%s: not an ordinary file", folder);
  assert_string_equal(error.text, expected);
  assert_int_equal(npy_check_output(folder, &error), -1);
  snprintf(expected, sizeof expected, "%s: exists and is not a file", folder);
  assert_string_equal(error.text, expected);
  fclose(fopen(path, "w"));
  chmod(path, 0444);
  assert_int_equal(npy_check_output(path, &error), -1);
  snprintf(expected, sizeof expected, "%s: cannot be written: the file is read-only", path);
  assert_string_equal(error.text, expected);
  assert_int_equal(npy_read(path, &array, &error), -1);
  snprintf(expected, sizeof expected, "%s: the file is empty", path);
  assert_string_equal(error.text, expected);
  unlink(path);
  assert_int_equal(npy_check_output("/nonexistent/a.npy", &error), -1);
  assert_string_equal(error.text,
                      "/nonexistent/a.npy: cannot be written: No such file or directory");
  assert_int_equal(rmdir(folder), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_valid),           cmocka_unit_test(test_dtype),
      cmocka_unit_test(test_order_and_shape), cmocka_unit_test(test_dictionary),
      cmocka_unit_test(test_prefix),          cmocka_unit_test(test_data_length),
      cmocka_unit_test(test_large_header),    cmocka_unit_test(test_write_and_read),
      cmocka_unit_test(test_file_errors),
  };
  int failed = cmocka_run_group_tests_name("npy", tests, NULL, NULL);
  if (failed) return failed;
  printf("checked: .npy versions 1 to 3, 50 malformed inputs by exact message, write and read\n");
  return 0;
}
