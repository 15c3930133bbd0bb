#include "tools/npy.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tools/npy_dict.h"

static const unsigned char magic[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

static int npy_fail(NpyError *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int npy_fail(NpyError *error, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(error->text, sizeof error->text, format, arguments);
  va_end(arguments);
  return -1;
}

const char *npy_shape_text(const int64_t *shape, int32_t dimensions, char out[96]) {
  size_t used = (size_t)snprintf(out, 96, "(");
  for (int32_t i = 0; i < dimensions; ++i) {
    used += (size_t)snprintf(out + used, 96 - used, i ? ", %lld" : "%lld", (long long)shape[i]);
  }
  snprintf(out + used, 96 - used, dimensions == 1 ? ",)" : ")");
  return out;
}

// The element types that numpy users save by accident, and what they are called.
static const char *dtype_name(const char *code) {
  static const struct {
    const char *code, *name;
  } names[] = {
      {"f8", "float64"},   {"f2", "float16"},   {"f16", "float128"}, {"i1", "int8"},
      {"i2", "int16"},     {"i4", "int32"},     {"i8", "int64"},     {"u1", "uint8"},
      {"u2", "uint16"},    {"u4", "uint32"},    {"u8", "uint64"},    {"b1", "bool"},
      {"c8", "complex64"}, {"c16", "complex128"},
  };
  for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i) {
    if (strcmp(code, names[i].code) == 0) return names[i].name;
  }
  return NULL;
}

static int check_dtype(const NpyDict *dict, NpyError *error) {
  const char *descr = dict->descr;
  if (strcmp(descr, "<f4") == 0) return 0;
  if (strcmp(descr, ">f4") == 0) {
    return npy_fail(error,
                    "the data is big-endian float32 ('>f4'); in numpy: "
                    "numpy.save(path, a.astype('<f4'))");
  }
  const char *name = descr[0] ? dtype_name(descr + 1) : NULL;
  if (name) {
    return npy_fail(error,
                    "the data is %s ('%s'), float32 is needed; in numpy: "
                    "numpy.save(path, a.astype('<f4'))",
                    name, descr);
  }
  return npy_fail(error, "the data type '%s' is not float32; in numpy: numpy.save(path, "
                         "a.astype('<f4'))",
                  descr);
}

static int check_shape(const NpyDict *dict, NpyHeader *out, uint64_t *data_bytes,
                       NpyError *error) {
  char text[96];
  if (dict->dimensions < 1 || dict->dimensions > NPY_MAX_DIMENSIONS) {
    return npy_fail(error, "the array has %d dimensions; 1 to %d are understood",
                    dict->dimensions, NPY_MAX_DIMENSIONS);
  }
  uint64_t count = 1;
  npy_shape_text(dict->shape, dict->dimensions, text);
  for (int32_t i = 0; i < dict->dimensions; ++i) {
    if (dict->shape[i] == 0) return npy_fail(error, "the shape %s has no elements", text);
    if (__builtin_mul_overflow(count, (uint64_t)dict->shape[i], &count)) {
      return npy_fail(error, "the size of shape %s overflows", text);
    }
  }
  if (__builtin_mul_overflow(count, (uint64_t)4, data_bytes) || *data_bytes > INT64_MAX) {
    return npy_fail(error, "the size of shape %s overflows", text);
  }
  out->dimensions = dict->dimensions;
  memcpy(out->shape, dict->shape, sizeof out->shape);
  out->count = count;
  return 0;
}

// Finds the dictionary: where it starts and how long the header says it is.
static int find_dict(const unsigned char *bytes, size_t available, uint64_t file_size,
                     size_t *begin, uint64_t *length, NpyError *error) {
  size_t seen = available < sizeof magic ? available : sizeof magic;
  if (seen == 0) return npy_fail(error, "the file is empty");
  if (memcmp(bytes, magic, seen) != 0) {
    return npy_fail(error, "not a .npy file: it does not start with \\x93NUMPY");
  }
  if (available < 10) {
    return npy_fail(error, "truncated: the file ends after %zu bytes, within the header",
                    available);
  }
  if (bytes[6] < 1 || bytes[6] > 3 || bytes[7] != 0) {
    return npy_fail(error, "format version %d.%d is not known; 1.0, 2.0 and 3.0 are", bytes[6],
                    bytes[7]);
  }
  *begin = bytes[6] == 1 ? 10 : 12;
  if (available < *begin) {
    return npy_fail(error, "truncated: the file ends after %zu bytes, within the header",
                    available);
  }
  *length = (uint64_t)bytes[8] | (uint64_t)bytes[9] << 8;
  if (*begin == 12) *length |= (uint64_t)bytes[10] << 16 | (uint64_t)bytes[11] << 24;
  if (*length > file_size - *begin) {
    return npy_fail(error,
                    "truncated: the header says it has %llu bytes, the file ends after %llu",
                    (unsigned long long)*length, (unsigned long long)(file_size - *begin));
  }
  if (*length > available - *begin) {
    return npy_fail(error, "the header has %llu bytes; the limit is %d",
                    (unsigned long long)*length, NPY_PREFIX_CAPACITY - 12);
  }
  return 0;
}

int npy_parse(const void *bytes, size_t available, uint64_t file_size, NpyHeader *out,
              NpyError *error) {
  size_t begin = 0;
  uint64_t length = 0, data_bytes = 0;
  if (find_dict(bytes, available, file_size, &begin, &length, error) != 0) return -1;
  NpyDict dict;
  NpyHeader header = {0};
  if (npy_dict_parse((const char *)bytes + begin, (size_t)length, &dict, error->text,
                     sizeof error->text) != 0) {
    return -1;
  }
  if (check_dtype(&dict, error) != 0) return -1;
  if (dict.fortran_order) {
    return npy_fail(error,
                    "the data is in Fortran order; in numpy: "
                    "numpy.save(path, numpy.ascontiguousarray(a))");
  }
  if (check_shape(&dict, &header, &data_bytes, error) != 0) return -1;
  header.data_offset = begin + length;
  uint64_t present = file_size - header.data_offset;
  char text[96];
  npy_shape_text(header.shape, header.dimensions, text);
  if (present < data_bytes) {
    return npy_fail(error, "truncated: shape %s needs %llu bytes of data, %llu are there", text,
                    (unsigned long long)data_bytes, (unsigned long long)present);
  }
  if (present > data_bytes) {
    return npy_fail(error, "%llu bytes follow the data of shape %s",
                    (unsigned long long)(present - data_bytes), text);
  }
  *out = header;
  return 0;
}

size_t npy_format_header(const int64_t *shape, int32_t dimensions,
                         char out[NPY_WRITE_HEADER_SIZE]) {
  char text[96];
  npy_shape_text(shape, dimensions, text);
  memcpy(out, magic, sizeof magic);
  out[6] = 1;
  out[7] = 0;
  size_t used = 10 + (size_t)snprintf(out + 10, NPY_WRITE_HEADER_SIZE - 10,
                                      "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }",
                                      text);
  // numpy wants the data on a multiple of 64 bytes and a newline in front of it.
  size_t size = (used + 1 + 63) / 64 * 64;
  memset(out + used, ' ', size - used - 1);
  out[size - 1] = '\n';
  out[8] = (char)((size - 10) & 0xff);
  out[9] = (char)((size - 10) >> 8);
  return size;
}
