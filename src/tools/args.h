// Walks the arguments of a subcommand by its option table.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tools/command.h"

typedef enum ArgKind { ARG_END, ARG_POSITIONAL, ARG_OPTION, ARG_ERROR } ArgKind;

typedef struct ArgReader {
  const Command *command;
  int argc;
  char **argv;
  int position;
  bool only_positional;  // after "--"
} ArgReader;

typedef struct Arg {
  ArgKind kind;
  int option;         // index into the command's options
  const char *name;   // the option's name
  const char *value;  // option value, or the positional argument
} Arg;

// Reads the next argument. ARG_ERROR: a message was printed; exit with TOOL_USAGE.
Arg arg_next(ArgReader *reader);

// A decimal integer in [minimum, maximum]. Returns false after a message.
bool arg_integer(const Arg *arg, int64_t minimum, int64_t maximum, int64_t *out);

// Up to `capacity` integers separated by commas. Returns their number, 0 after
// a message.
int arg_integer_list(const Arg *arg, int64_t minimum, int64_t *out, int capacity);

// Two finite or infinite numbers "MIN,MAX" with MIN <= MAX.
bool arg_range(const Arg *arg, float *out_min, float *out_max);

// Prints "sporkle: ..." to standard error. Returns TOOL_USAGE.
int usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
