#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/args.h"
#include "tools/problem_desc.h"
#include "tools/problem_file.h"
#include "tools/random.h"
#include "tools/session.h"

enum { OPT_FILE, OPT_DEVICE };

static const OptionSpec options[] = {
    [OPT_FILE] = {"--file", "FILE", "problems, one per line"},
    [OPT_DEVICE] = {"--device", "D", "the device, default gl"},
};

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

// Making the plan is what tunes.
static int tune(const Session *session, const Problem *problem) {
  const sporkle_conv2d_desc desc = problem_to_desc(problem);
  const size_t count = (size_t)(problem->k * (problem->c / problem->groups) * problem->kernel_h *
                                problem->kernel_w);
  char text[PROBLEM_TEXT_CAPACITY], error[512];
  float *weights = malloc(count * sizeof(float));
  if (!weights) return usage_error("tune: no memory for %zu weights", count);
  random_fill(weights, count, 1);
  problem_format(problem, text, sizeof text);
  const double start = seconds();
  sporkle_plan plan = NULL;
  sporkle_plan_info info = SPORKLE_PLAN_INFO_INIT;
  sporkle_status status =
      sporkle_plan_create(session->context, session->device, &desc, weights, NULL, &plan);
  if (status == SPORKLE_OK) status = sporkle_plan_describe(plan, &info);
  if (status == SPORKLE_OK) {
    printf("%-44s %-34s %8.1f ms\n", text, info.algorithm, (seconds() - start) * 1e3);
  } else {
    printf("%-44s %s\n", text, session_error_text(status, error));
  }
  fflush(stdout);
  sporkle_plan_destroy(plan);
  free(weights);
  return status == SPORKLE_OK ? TOOL_OK : session_exit_code(status);
}

static int tune_file(const Session *session, const char *path) {
  ProblemFile file = {.stream = fopen(path, "r"), .path = path};
  if (!file.stream) return usage_error("tune: %s: cannot be read: %s", path, strerror(errno));
  Problem problem;
  ProblemError error;
  int found, code = TOOL_OK;
  while ((found = problem_file_next(&file, &problem, &error)) == 1) {
    const int one = tune(session, &problem);
    if (one != TOOL_OK) code = one;
  }
  fclose(file.stream);
  return found < 0 ? usage_error("tune: %s", error.text) : code;
}

static int run_tune(const Command *self, int argc, char **argv) {
  const char *file = NULL;
  SessionOptions settings = {.device = "gl"};
  ArgReader reader = {self, argc, argv, 0, false};
  for (;;) {
    const Arg arg = arg_next(&reader);
    if (arg.kind == ARG_END) break;
    if (arg.kind == ARG_ERROR) return TOOL_USAGE;
    if (arg.kind == ARG_POSITIONAL) {
      return usage_error("tune: unexpected argument \"%s\"", arg.value);
    }
    if (arg.option == OPT_FILE) file = arg.value;
    if (arg.option == OPT_DEVICE) settings.device = arg.value;
  }
  if (!file) return usage_error("tune: --file is missing");
  setenv("SPORKLE_TUNE", "thorough", 1);  // of this program, before the library reads it
  Session session;
  int code = session_open(&settings, &session);
  if (code != TOOL_OK) return code;
  code = tune_file(&session, file);
  session_close(&session);
  return code;
}

const Command command_tune = {
    .name = "tune",
    .arguments = "--file FILE [OPTIONS]",
    .summary = "Searches the fastest verified kernel for every problem of a file.",
    .details = "Up to 32 kernels per problem are timed on the device; the best one whose result\n"
               "is right is remembered in the cache for later plans on the same driver.\n"
               "Prints problem, kernel and how long it took to make the plan, search included.",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .run = run_tune,
};
