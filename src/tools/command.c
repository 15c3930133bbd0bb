#include "tools/command.h"

#include <stdio.h>
#include <string.h>

#include "tools/suggest.h"

#define COMMAND(name) extern const Command command_##name;
#include "tools/commands.def"
#undef COMMAND

const Command *const command_table[] = {
#define COMMAND(name) &command_##name,
#include "tools/commands.def"
#undef COMMAND
};
const size_t command_count = sizeof command_table / sizeof command_table[0];

const Command *command_find(const char *name) {
  for (size_t i = 0; i < command_count; ++i) {
    if (strcmp(command_table[i]->name, name) == 0) return command_table[i];
  }
  return NULL;
}

const char *command_nearest(const char *name) {
  Suggestion best = suggestion_start(name);
  for (size_t i = 0; i < command_count; ++i) suggestion_add(&best, command_table[i]->name);
  return best.nearest;
}

void command_print_help(const Command *command) {
  printf("usage: sporkle %s%s%s\n\n%s\n", command->name, command->arguments[0] ? " " : "",
         command->arguments, command->summary);
  if (command->details) printf("\n%s\n", command->details);
  if (command->option_count > 0) printf("\noptions:\n");
  for (size_t i = 0; i < command->option_count; ++i) {
    const OptionSpec *option = &command->options[i];
    char left[40];
    snprintf(left, sizeof left, "%s %s", option->name, option->value ? option->value : "");
    printf("  %-26s %s\n", left, option->help);
  }
}
