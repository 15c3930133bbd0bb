#include "tools/problem.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tools/problem_shape.h"

// What the text said; -1 where it said nothing, so that "absent" and "zero"
// stay apart until the defaults are applied.
typedef struct Fields {
  int64_t g, mb, ic, oc;
  Axis h, w;
} Fields;

typedef struct FieldSpec {
  const char *key;
  size_t offset;
  int64_t minimum;
} FieldSpec;

#define FIELD(key, member, minimum) {key, offsetof(Fields, member), minimum}
static const FieldSpec field_specs[] = {
    FIELD("g", g, 1),           FIELD("mb", mb, 1),         FIELD("ic", ic, 1),
    FIELD("oc", oc, 1),         FIELD("ih", h.in, 1),       FIELD("iw", w.in, 1),
    FIELD("oh", h.out, 1),      FIELD("ow", w.out, 1),      FIELD("kh", h.kernel, 1),
    FIELD("kw", w.kernel, 1),   FIELD("sh", h.stride, 1),   FIELD("sw", w.stride, 1),
    FIELD("ph", h.padding, 0),  FIELD("pw", w.padding, 0),  FIELD("dh", h.dilation, 0),
    FIELD("dw", w.dilation, 0),
};
#undef FIELD

typedef struct Parser {
  const char *text;
  size_t length, position;
  ProblemError *error;
} Parser;

static int fail_at(Parser *parser, size_t start, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// `column N: "token": reason`; bytes a terminal could misread become '?'.
static int fail_at(Parser *parser, size_t start, const char *format, ...) {
  char token[20];
  size_t used = 0;
  while (used + 1 < sizeof token && start + used < parser->length) {
    char c = parser->text[start + used];
    if (used > 0 && c == '_') break;
    token[used++] = c > ' ' && c < 127 ? c : '?';
  }
  token[used] = '\0';
  parser->error->column = start + 1;
  int head = snprintf(parser->error->text, PROBLEM_ERROR_CAPACITY, "column %zu: \"%s\": ",
                      start + 1, token);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(parser->error->text + head, PROBLEM_ERROR_CAPACITY - (size_t)head, format, arguments);
  va_end(arguments);
  return -1;
}

static bool is_letter(char c) { return c >= 'a' && c <= 'z'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static const FieldSpec *find_field(const char *key, size_t length) {
  for (size_t i = 0; i < sizeof field_specs / sizeof field_specs[0]; ++i) {
    const FieldSpec *spec = &field_specs[i];
    if (strlen(spec->key) == length && memcmp(spec->key, key, length) == 0) return spec;
  }
  return NULL;
}

static int fail_unknown(Parser *parser, size_t start, size_t key_length) {
  const char *key = parser->text + start;
  if (key_length == 2 && key[1] == 'd' && strchr("iokspd", key[0])) {
    return fail_at(parser, start, "three-dimensional convolution is not supported");
  }
  return fail_at(parser, start,
                 "unknown field; known are g mb ic ih iw oc oh ow kh kw sh sw ph pw dh dw "
                 "and n\"name\"");
}

static int parse_number(Parser *parser, size_t start, const char *key, int64_t *out) {
  if (parser->position >= parser->length || !is_digit(parser->text[parser->position])) {
    return fail_at(parser, start, "a number must follow %s", key);
  }
  int64_t value = 0;
  for (; parser->position < parser->length && is_digit(parser->text[parser->position]);
       ++parser->position) {
    int digit = parser->text[parser->position] - '0';
    if (__builtin_mul_overflow(value, (int64_t)10, &value) ||
        __builtin_add_overflow(value, (int64_t)digit, &value)) {
      return fail_at(parser, start, "the number is too large");
    }
  }
  *out = value;
  return 0;
}

static int parse_field(Parser *parser, Fields *fields) {
  size_t start = parser->position;
  while (parser->position < parser->length && is_letter(parser->text[parser->position])) {
    ++parser->position;
  }
  size_t key_length = parser->position - start;
  const FieldSpec *spec = find_field(parser->text + start, key_length);
  if (!spec) return fail_unknown(parser, start, key_length);
  int64_t *slot = (int64_t *)(void *)((char *)fields + spec->offset);
  if (*slot >= 0) return fail_at(parser, start, "%s is given twice", spec->key);
  int64_t value = 0;
  if (parse_number(parser, start, spec->key, &value) != 0) return -1;
  if (value < spec->minimum) return fail_at(parser, start, "%s must be at least 1", spec->key);
  *slot = value;
  return 0;
}

// n"name" or, as a shell leaves it, nname: the rest of the text.
static int parse_name(Parser *parser, char *name) {
  size_t start = parser->position;
  const char *begin = parser->text + start + 1;
  size_t length = parser->length - start - 1;
  if (length > 0 && begin[0] == '"') {
    if (length < 2 || begin[length - 1] != '"') {
      return fail_at(parser, start, "the name must end the text with a closing quote");
    }
    ++begin;
    length -= 2;
  }
  if (length == 0) return fail_at(parser, start, "the name is empty");
  if (length >= PROBLEM_NAME_CAPACITY) {
    return fail_at(parser, start, "the name is longer than %d bytes", PROBLEM_NAME_CAPACITY - 1);
  }
  for (size_t i = 0; i < length; ++i) {
    if (begin[i] <= ' ' || begin[i] == 127 || begin[i] == '"' || begin[i] == '\\') {
      return fail_at(parser, start,
                     "the name has a byte at column %zu that is not a printable character "
                     "other than blank, quote and backslash",
                     (size_t)(begin - parser->text) + i + 1);
    }
  }
  memcpy(name, begin, length);
  name[length] = '\0';
  parser->position = parser->length;
  return 0;
}

static int parse_fields(Parser *parser, Fields *fields, char *name) {
  while (parser->position < parser->length) {
    char c = parser->text[parser->position];
    int status = 0;
    if (c == '_') {
      ++parser->position;
    } else if (c == 'n') {
      status = parse_name(parser, name);
    } else {
      status = parse_field(parser, fields);
    }
    if (status != 0) return status;
  }
  return 0;
}

int problem_parse(const char *text, size_t length, Problem *out, ProblemError *error) {
  Parser parser = {text, length, 0, error};
  const Axis absent = {-1, -1, -1, -1, -1, -1};
  Fields fields = {-1, -1, -1, -1, absent, absent};
  Problem problem = {0};
  if (length == 0) return problem_fail(error, "the problem is empty");
  if (parse_fields(&parser, &fields, problem.name) != 0) return -1;
  if (fields.ic < 0) return problem_fail(error, "ic (input channels) is missing");
  if (fields.oc < 0) return problem_fail(error, "oc (output channels) is missing");
  problem.groups = fields.g < 0 ? 1 : fields.g;
  problem.n = fields.mb < 0 ? 2 : fields.mb;
  problem.c = fields.ic;
  problem.k = fields.oc;
  if (problem_resolve_axes(&fields.h, &fields.w, &problem, error) != 0) return -1;
  if (problem_complete(&problem, error) != 0) return -1;
  *out = problem;
  return 0;
}

static size_t append(char *buffer, size_t capacity, size_t used, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static size_t append(char *buffer, size_t capacity, size_t used, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  size_t room = used < capacity ? capacity - used : 0;
  int length = vsnprintf(room ? buffer + used : NULL, room, format, arguments);
  va_end(arguments);
  return used + (size_t)length;
}

static size_t append_axis(char *buffer, size_t capacity, size_t used, char axis,
                          const int64_t sizes[5], int64_t padding, int64_t out) {
  static const char prefixes[] = {'i', 'k', 's', 'd'};
  const int64_t defaults[] = {-1, -1, 1, 0};
  for (int i = 0; i < 4; ++i) {
    if (sizes[i] != defaults[i] || axis == 'w') {
      used = append(buffer, capacity, used, "%c%c%lld", prefixes[i], axis, (long long)sizes[i]);
    }
  }
  if (padding != 0 || sizes[4] != 0 || axis == 'w') {
    used = append(buffer, capacity, used, "p%c%lld", axis, (long long)padding);
  }
  if (sizes[4] != padding) {
    used = append(buffer, capacity, used, "o%c%lld", axis, (long long)out);
  }
  return used;
}

size_t problem_format(const Problem *p, char *buffer, size_t capacity) {
  const int64_t high[5] = {p->h, p->kernel_h, p->stride_h, p->dilation_h - 1, p->padding_bottom};
  const int64_t wide[5] = {p->w, p->kernel_w, p->stride_w, p->dilation_w - 1, p->padding_right};
  size_t used = 0;
  if (p->groups != 1) used = append(buffer, capacity, used, "g%lld", (long long)p->groups);
  used = append(buffer, capacity, used, "mb%lldic%lldoc%lld", (long long)p->n, (long long)p->c,
                (long long)p->k);
  used = append_axis(buffer, capacity, used, 'h', high, p->padding_top, p->out_h);
  if (memcmp(high, wide, sizeof high) != 0 || p->padding_top != p->padding_left) {
    used = append_axis(buffer, capacity, used, 'w', wide, p->padding_left, p->out_w);
  }
  if (p->name[0]) used = append(buffer, capacity, used, "n\"%s\"", p->name);
  return used;
}
