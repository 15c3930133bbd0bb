#include <stdio.h>

#include "tools/args.h"
#include "tools/command.h"

static void print_overview(void) {
  printf("usage: sporkle COMMAND [ARGUMENTS]\n"
         "       sporkle --version\n\n"
         "Runs and verifies fp32 convolutions on the devices of this machine.\n\ncommands:\n");
  for (size_t i = 0; i < command_count; ++i) {
    printf("  %-10s %s\n", command_table[i]->name, command_table[i]->summary);
  }
  printf("\nsporkle help COMMAND explains one command.\n"
         "Exit codes: 0 ok, 1 verification failed, 2 usage, 3 device not available.\n");
}

static int run_help(const Command *self, int argc, char **argv) {
  ArgReader reader = {self, argc, argv, 0, false};
  Arg arg = arg_next(&reader);
  if (arg.kind == ARG_ERROR) return TOOL_USAGE;
  if (arg.kind == ARG_END) {
    print_overview();
    return TOOL_OK;
  }
  const Command *command = command_find(arg.value);
  if (!command) {
    return usage_error("unknown command \"%s\"; the nearest is \"%s\" (sporkle help lists all)",
                       arg.value, command_nearest(arg.value));
  }
  command_print_help(command);
  return TOOL_OK;
}

const Command command_help = {
    .name = "help",
    .arguments = "[COMMAND]",
    .summary = "Lists the commands, or explains one.",
    .run = run_help,
};
