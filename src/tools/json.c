#include "tools/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

JsonWriter json_writer(FILE *stream) { return (JsonWriter){stream, 0, false}; }

// Length of the valid UTF-8 sequence at `s`, or 0.
static size_t utf8_length(const unsigned char *s) {
  size_t length = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
                  : (s[0] & 0xf0) == 0xe0 ? 3 : s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;
  for (size_t i = 1; i < length; ++i) {
    if ((s[i] & 0xc0) != 0x80) return 0;
  }
  // Overlong forms, surrogates and code points above U+10FFFF.
  if (length == 3 && ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f))) return 0;
  if (length == 4 && ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))) return 0;
  return length;
}

static void write_string(FILE *stream, const char *text) {
  const unsigned char *s = (const unsigned char *)text;
  putc('"', stream);
  while (*s) {
    size_t length = utf8_length(s);
    if (length == 0) {
      fputs("\\ufffd", stream);
      length = 1;
    } else if (*s == '"' || *s == '\\') {
      fprintf(stream, "\\%c", *s);
    } else if (*s < ' ' || *s == 127) {
      fprintf(stream, "\\u%04x", (unsigned)*s);
    } else {
      fwrite(s, 1, length, stream);
    }
    s += length;
  }
  putc('"', stream);
}

static void new_line(JsonWriter *writer) {
  putc('\n', writer->stream);
  for (int i = 0; i < writer->depth; ++i) fputs("  ", writer->stream);
}

static void start_item(JsonWriter *writer, const char *key) {
  if (writer->has_items) putc(',', writer->stream);
  if (writer->depth > 0) new_line(writer);
  writer->has_items = true;
  if (!key) return;
  write_string(writer->stream, key);
  fputs(": ", writer->stream);
}

static void open_scope(JsonWriter *writer, const char *key, char bracket) {
  start_item(writer, key);
  putc(bracket, writer->stream);
  ++writer->depth;
  writer->has_items = false;
}

static void close_scope(JsonWriter *writer, char bracket) {
  --writer->depth;
  if (writer->has_items) new_line(writer);
  putc(bracket, writer->stream);
  writer->has_items = true;
  if (writer->depth == 0) putc('\n', writer->stream);
}

void json_object_begin(JsonWriter *writer, const char *key) { open_scope(writer, key, '{'); }
void json_object_end(JsonWriter *writer) { close_scope(writer, '}'); }
void json_array_begin(JsonWriter *writer, const char *key) { open_scope(writer, key, '['); }
void json_array_end(JsonWriter *writer) { close_scope(writer, ']'); }

void json_string(JsonWriter *writer, const char *key, const char *value) {
  if (!value) {
    json_null(writer, key);
    return;
  }
  start_item(writer, key);
  write_string(writer->stream, value);
}

void json_number(JsonWriter *writer, const char *key, double value) {
  if (!isfinite(value)) {
    json_null(writer, key);
    return;
  }
  char text[40];
  for (int digits = 6; digits <= 17; ++digits) {
    snprintf(text, sizeof text, "%.*g", digits, value);
    if (strtod(text, NULL) == value) break;
  }
  start_item(writer, key);
  fputs(text, writer->stream);
}

void json_integer(JsonWriter *writer, const char *key, int64_t value) {
  start_item(writer, key);
  fprintf(writer->stream, "%lld", (long long)value);
}

void json_bool(JsonWriter *writer, const char *key, bool value) {
  start_item(writer, key);
  fputs(value ? "true" : "false", writer->stream);
}

void json_null(JsonWriter *writer, const char *key) {
  start_item(writer, key);
  fputs("null", writer->stream);
}
