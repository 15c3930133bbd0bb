#include "tools/args.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/suggest.h"

int usage_error(const char *format, ...) {
  va_list arguments;
  fputs("sporkle: ", stderr);
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  return TOOL_USAGE;
}

static Arg arg_error(void) { return (Arg){ARG_ERROR, -1, NULL, NULL}; }

static Arg unknown_option(const Command *command, const char *name) {
  Suggestion best = suggestion_start(name);
  for (size_t i = 0; i < command->option_count; ++i) {
    suggestion_add(&best, command->options[i].name);
  }
  suggestion_add(&best, "--help");
  usage_error("%s: unknown option \"%s\"; the nearest is \"%s\" (sporkle help %s lists all)",
              command->name, name, best.nearest, command->name);
  return arg_error();
}

static Arg read_option(ArgReader *reader, const char *text) {
  const char *equals = strchr(text, '=');
  size_t length = equals ? (size_t)(equals - text) : strlen(text);
  char name[64];
  snprintf(name, sizeof name, "%.*s", length < 60 ? (int)length : 60, text);
  const Command *command = reader->command;
  size_t i = 0;
  while (i < command->option_count && strcmp(command->options[i].name, name) != 0) ++i;
  if (i == command->option_count) return unknown_option(command, name);
  const OptionSpec *option = &command->options[i];
  Arg arg = {ARG_OPTION, (int)i, option->name, equals ? equals + 1 : NULL};
  if (!option->value && equals) {
    usage_error("%s: %s takes no value", command->name, name);
    return arg_error();
  }
  if (!option->value || equals) return arg;
  if (reader->position >= reader->argc) {
    usage_error("%s: %s needs a value: %s", command->name, name, option->value);
    return arg_error();
  }
  arg.value = reader->argv[reader->position++];
  return arg;
}

Arg arg_next(ArgReader *reader) {
  if (reader->position >= reader->argc) return (Arg){ARG_END, -1, NULL, NULL};
  const char *text = reader->argv[reader->position++];
  if (!reader->only_positional && strcmp(text, "--") == 0) {
    reader->only_positional = true;
    return arg_next(reader);
  }
  if (!reader->only_positional && text[0] == '-' && text[1] != '\0') {
    return read_option(reader, text);
  }
  return (Arg){ARG_POSITIONAL, -1, NULL, text};
}

static bool parse_integer(const char *text, size_t length, int64_t *out) {
  char digits[24], *end = NULL;
  if (length == 0 || length >= sizeof digits) return false;
  memcpy(digits, text, length);
  digits[length] = '\0';
  // strtoll would also take blanks and a plus sign.
  if (digits[0] != '-' && (digits[0] < '0' || digits[0] > '9')) return false;
  errno = 0;
  *out = strtoll(digits, &end, 10);
  return errno == 0 && *end == '\0' && end != digits;
}

bool arg_integer(const Arg *arg, int64_t minimum, int64_t maximum, int64_t *out) {
  if (parse_integer(arg->value, strlen(arg->value), out) && *out >= minimum && *out <= maximum) {
    return true;
  }
  usage_error("%s: \"%s\" is not an integer from %lld to %lld", arg->name, arg->value,
              (long long)minimum, (long long)maximum);
  return false;
}

int arg_integer_list(const Arg *arg, int64_t minimum, int64_t *out, int capacity) {
  const char *at = arg->value;
  for (int count = 0; count < capacity;) {
    size_t length = strcspn(at, ",");
    if (!parse_integer(at, length, &out[count]) || out[count] < minimum) break;
    ++count;
    if (at[length] == '\0') return count;
    at += length + 1;
  }
  usage_error("%s: \"%s\" is not a list of at most %d integers of at least %lld", arg->name,
              arg->value, capacity, (long long)minimum);
  return 0;
}

bool arg_range(const Arg *arg, float *out_min, float *out_max) {
  char *end = NULL;
  *out_min = strtof(arg->value, &end);
  if (end != arg->value && *end == ',') {
    const char *second = end + 1;
    *out_max = strtof(second, &end);
    if (end != second && *end == '\0' && *out_min <= *out_max) return true;
  }
  usage_error("%s: \"%s\" is not MIN,MAX with MIN <= MAX", arg->name, arg->value);
  return false;
}
