#include "tools/npy_dict.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct Reader {
  const char *text;
  size_t length, position;
  char *error;
  size_t error_capacity;
} Reader;

static int dict_fail(Reader *reader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int dict_fail(Reader *reader, const char *format, ...) {
  int head = snprintf(reader->error, reader->error_capacity, "header, byte %zu: ",
                      reader->position);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(reader->error + head, reader->error_capacity - (size_t)head, format, arguments);
  va_end(arguments);
  return -1;
}

static bool at_end(const Reader *reader) { return reader->position >= reader->length; }

static char peek(Reader *reader) {
  while (!at_end(reader) && reader->text[reader->position] == ' ') ++reader->position;
  return at_end(reader) ? '\0' : reader->text[reader->position];
}

static int expect(Reader *reader, char wanted) {
  if (peek(reader) == wanted && !at_end(reader)) {
    ++reader->position;
    return 0;
  }
  if (at_end(reader)) {
    return dict_fail(reader, "the header ends within the dictionary, '%c' is missing", wanted);
  }
  return dict_fail(reader, "'%c' is missing", wanted);
}

static int read_string(Reader *reader, char *out, size_t capacity, const char *what) {
  char quote = peek(reader);
  if (quote != '\'' && quote != '"') return dict_fail(reader, "%s must be a string", what);
  size_t start = ++reader->position;
  for (; !at_end(reader) && reader->text[reader->position] != quote; ++reader->position) {
    unsigned char c = (unsigned char)reader->text[reader->position];
    size_t used = reader->position - start;
    if (c < ' ' || c > 126 || c == '\\' || used + 1 >= capacity) {
      return dict_fail(reader, "%s is not a plain string of at most %zu bytes", what,
                       capacity - 1);
    }
    out[used] = (char)c;
  }
  if (at_end(reader)) return dict_fail(reader, "the header ends within a string");
  out[reader->position - start] = '\0';
  ++reader->position;
  return 0;
}

static int read_bool(Reader *reader, bool *out) {
  peek(reader);
  const char *at = reader->text + reader->position;
  size_t left = reader->length - reader->position;
  if (left >= 4 && memcmp(at, "True", 4) == 0) {
    *out = true;
    reader->position += 4;
  } else if (left >= 5 && memcmp(at, "False", 5) == 0) {
    *out = false;
    reader->position += 5;
  } else {
    return dict_fail(reader, "'fortran_order' must be True or False");
  }
  return 0;
}

static int read_size(Reader *reader, int64_t *out) {
  char c = peek(reader);
  if (c == '-') return dict_fail(reader, "a size in 'shape' is negative");
  if (c < '0' || c > '9') return dict_fail(reader, "'shape' must hold integers");
  int64_t value = 0;
  for (; !at_end(reader); ++reader->position) {
    c = reader->text[reader->position];
    if (c < '0' || c > '9') break;
    if (__builtin_mul_overflow(value, (int64_t)10, &value) ||
        __builtin_add_overflow(value, (int64_t)(c - '0'), &value)) {
      return dict_fail(reader, "a size in 'shape' overflows");
    }
  }
  // Python 2 wrote long integers as 56L.
  if (!at_end(reader) && reader->text[reader->position] == 'L') ++reader->position;
  *out = value;
  return 0;
}

static int read_shape(Reader *reader, NpyDict *dict) {
  if (peek(reader) != '(') return dict_fail(reader, "'shape' must be a tuple");
  ++reader->position;
  dict->dimensions = 0;
  bool comma = false;
  while (peek(reader) != ')') {
    int64_t size = 0;
    if (dict->dimensions > 0 && !comma) return expect(reader, ')');
    if (read_size(reader, &size) != 0) return -1;
    if (dict->dimensions < NPY_MAX_DIMENSIONS) dict->shape[dict->dimensions] = size;
    ++dict->dimensions;
    comma = peek(reader) == ',';
    if (comma) ++reader->position;
  }
  if (dict->dimensions == 1 && !comma) {
    return dict_fail(reader, "'shape' must be a tuple; one dimension is written (n,)");
  }
  ++reader->position;
  return 0;
}

static int read_descr(Reader *reader, NpyDict *dict) {
  if (peek(reader) == '[') {
    return dict_fail(reader,
                     "the array has a structured data type; float32 is needed; in numpy: "
                     "numpy.save(path, a['field'].astype('<f4'))");
  }
  return read_string(reader, dict->descr, sizeof dict->descr, "'descr'");
}

enum { SAW_DESCR = 1, SAW_ORDER = 2, SAW_SHAPE = 4, SAW_ALL = 7 };

static int read_item(Reader *reader, NpyDict *dict, int *seen) {
  char key[16];
  if (read_string(reader, key, sizeof key, "a key") != 0) return -1;
  int which = strcmp(key, "descr") == 0           ? SAW_DESCR
              : strcmp(key, "fortran_order") == 0 ? SAW_ORDER
              : strcmp(key, "shape") == 0         ? SAW_SHAPE
                                                  : 0;
  if (which == 0) return dict_fail(reader, "unknown key '%s'", key);
  if (*seen & which) return dict_fail(reader, "the key '%s' is there twice", key);
  *seen |= which;
  if (expect(reader, ':') != 0) return -1;
  if (which == SAW_DESCR) return read_descr(reader, dict);
  if (which == SAW_ORDER) return read_bool(reader, &dict->fortran_order);
  return read_shape(reader, dict);
}

static int check_padding(Reader *reader) {
  for (; !at_end(reader); ++reader->position) {
    char c = reader->text[reader->position];
    if (c != ' ' && !(c == '\n' && reader->position + 1 == reader->length)) {
      return dict_fail(reader, "something other than blanks follows the dictionary: the header "
                               "lies about its length");
    }
  }
  return 0;
}

int npy_dict_parse(const char *text, size_t length, NpyDict *out, char *error,
                   size_t error_capacity) {
  Reader reader = {text, length, 0, error, error_capacity};
  NpyDict dict = {0};
  int seen = 0;
  if (expect(&reader, '{') != 0) return -1;
  while (peek(&reader) != '}') {
    if (read_item(&reader, &dict, &seen) != 0) return -1;
    if (peek(&reader) == ',') {
      ++reader.position;
    } else if (peek(&reader) != '}') {
      return expect(&reader, '}');
    }
  }
  ++reader.position;
  if (!(seen & SAW_DESCR)) return dict_fail(&reader, "the key 'descr' is missing");
  if (!(seen & SAW_ORDER)) return dict_fail(&reader, "the key 'fortran_order' is missing");
  if (!(seen & SAW_SHAPE)) return dict_fail(&reader, "the key 'shape' is missing");
  if (check_padding(&reader) != 0) return -1;
  *out = dict;
  return 0;
}
