// What a subcommand is. A new one is a file cmd_<name>.c that defines
// `const Command command_<name>` and one line in commands.def.
#pragma once

#include <stddef.h>

// Exit codes of the program, fixed by docs/cli.md.
enum {
  TOOL_OK = 0,
  TOOL_WRONG_RESULT = 1,  // verification failed, or the library failed on its own
  TOOL_USAGE = 2,         // arguments or files are not usable
  TOOL_NO_DEVICE = 3      // the device is not available or refuses the problem
};

typedef struct OptionSpec {
  const char *name;   // "--device"
  const char *value;  // what follows it, for help; NULL: a flag
  const char *help;
} OptionSpec;

typedef struct Command {
  const char *name;
  const char *arguments;  // for the usage line
  const char *summary;    // one line
  const char *details;    // more for `sporkle help NAME`; may be NULL
  const OptionSpec *options;
  size_t option_count;
  int (*run)(const struct Command *self, int argc, char **argv);
} Command;

// Every subcommand, in the order of help.
extern const Command *const command_table[];
extern const size_t command_count;

const Command *command_find(const char *name);

// The name in the table nearest to `name`.
const char *command_nearest(const char *name);

void command_print_help(const Command *command);
