// Writes JSON, indented, to a stream. The caller keeps begin and end in pairs;
// `key` is NULL within an array and at the top.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct JsonWriter {
  FILE *stream;
  int depth;
  bool has_items;  // of the innermost object or array
} JsonWriter;

JsonWriter json_writer(FILE *stream);

void json_object_begin(JsonWriter *writer, const char *key);
void json_object_end(JsonWriter *writer);
void json_array_begin(JsonWriter *writer, const char *key);
void json_array_end(JsonWriter *writer);

// NULL gives null; bytes that are not UTF-8 become U+FFFD.
void json_string(JsonWriter *writer, const char *key, const char *value);

// The shortest decimal that reads back as the same double; NaN and infinity
// give null, because JSON has no word for them.
void json_number(JsonWriter *writer, const char *key, double value);

void json_integer(JsonWriter *writer, const char *key, int64_t value);
void json_bool(JsonWriter *writer, const char *key, bool value);
void json_null(JsonWriter *writer, const char *key);

#ifdef __cplusplus
}
#endif
