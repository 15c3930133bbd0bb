#include <stdio.h>
#include <string.h>

#include "sporkle.h"
#include "tools/args.h"
#include "tools/command.h"
#include "tools/suggest.h"

static int print_version(void) {
  printf("sporkle %d.%d.%d (libsporkle %s)\n", SPORKLE_VERSION_MAJOR, SPORKLE_VERSION_MINOR,
         SPORKLE_VERSION_PATCH, sporkle_version_string());
  return TOOL_OK;
}

static int wants_help(int argc, char **argv) {
  for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; ++i) {
    if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) return 1;
  }
  return 0;
}

static int unknown_name(const char *name) {
  if (name[0] != '-') {
    return usage_error("unknown command \"%s\"; the nearest is \"%s\" (sporkle help lists all)",
                       name, command_nearest(name));
  }
  Suggestion best = suggestion_start(name);
  suggestion_add(&best, "--version");
  suggestion_add(&best, "--help");
  return usage_error("unknown option \"%s\"; the nearest is \"%s\"; the options of a command "
                     "follow its name (sporkle help lists all)",
                     name, best.nearest);
}

static int dispatch(const char *name, int argc, char **argv) {
  const Command *command = command_find(name);
  if (!command) return unknown_name(name);
  if (wants_help(argc, argv)) {
    command_print_help(command);
    return TOOL_OK;
  }
  return command->run(command, argc, argv);
}

int main(int argc, char **argv) {
  if (argc < 2) {
    command_find("help")->run(command_find("help"), 0, NULL);
    return TOOL_USAGE;
  }
  int code = TOOL_OK;
  if (strcmp(argv[1], "--version") == 0) {
    code = print_version();
  } else if (wants_help(1, argv + 1)) {
    code = dispatch("help", 0, NULL);
  } else {
    code = dispatch(argv[1], argc - 2, argv + 2);
  }
  // A full disk or a closed pipe behind standard output is a failure too.
  if (fflush(stdout) != 0 || ferror(stdout)) {
    return code != TOOL_OK ? code : usage_error("standard output cannot be written");
  }
  return code;
}
