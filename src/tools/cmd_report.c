#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/args.h"
#include "tools/conv_print.h"
#include "tools/device_print.h"
#include "tools/out_file.h"
#include "tools/platform.h"

static const char default_path[] = "sporkle-report.txt";

// Small enough for a software renderer, odd enough to reach the edges.
static const char test_problem[] = "mb2ic17ih31iw29oc13kh5ph2";

static void section(FILE *stream, const char *title) { fprintf(stream, "\n== %s\n", title); }

static void print_check(FILE *stream, const Session *session, const Problem *problem) {
  const ConvInputs inputs = CONV_INPUTS_INIT;
  const ConvRunOptions options = {.verify = true};
  ConvCase conv;
  ConvOutcome outcome;
  if (conv_case_create(problem, test_problem, &inputs, &conv) != TOOL_OK) return;
  int code = conv_run(session, &conv, &options, &outcome);
  if (outcome.message[0]) fprintf(stream, "failed (exit code %d): %s\n", code, outcome.message);
  if (code == TOOL_OK || code == TOOL_WRONG_RESULT) conv_print_text(stream, &conv, &outcome);
  fputc('\n', stream);
  conv_case_destroy(&conv);
}

static void print_checks(FILE *stream, sporkle_context context) {
  Problem problem;
  ProblemError error;
  uint32_t count = 0;
  if (problem_parse(test_problem, strlen(test_problem), &problem, &error) != 0) return;
  if (sporkle_device_count(context, &count) != SPORKLE_OK) return;
  for (uint32_t i = 0; i < count; ++i) {
    Session session = {context, i};
    print_check(stream, &session, &problem);
  }
}

static void print_stats(FILE *stream, sporkle_context context) {
  sporkle_stats stats = SPORKLE_STATS_INIT;
  if (sporkle_context_stats(context, &stats) != SPORKLE_OK) return;
  fprintf(stream, "conv2d_calls %llu, conv2d_errors %llu, submits %llu, submit_failures %llu, ",
          (unsigned long long)stats.conv2d_calls, (unsigned long long)stats.conv2d_errors,
          (unsigned long long)stats.submits, (unsigned long long)stats.submit_failures);
  fprintf(stream, "fallbacks %llu, device_resets %llu\n", (unsigned long long)stats.fallbacks,
          (unsigned long long)stats.device_resets);
}

static void print_library_part(FILE *stream) {
  SessionOptions options = {0};
  Session session;
  char text[512];
  if (session_open_for_listing(&options, &session) != TOOL_OK) {
    fprintf(stream, "\nthe settings cannot be used: %s\n",
            session_error_text(SPORKLE_ERROR_INTERNAL, text));
  }
  if (!session.context) return;
  section(stream, "devices");
  print_devices(stream, session.context);
  print_unavailable(stream, session.context);
  section(stream, "settings");
  print_options(stream, session.context);
  section(stream, "a small convolution on each device");
  print_checks(stream, session.context);
  section(stream, "statistics");
  print_stats(stream, session.context);
  session_close(&session);
}

static void print_report(FILE *stream) {
  fprintf(stream, "sporkle report: what a bug report needs; read it before you pass it on\n");
  section(stream, "version and build");
  platform_print_build(stream);
  section(stream, "system");
  platform_print_system(stream);
  section(stream, "processor");
  platform_print_processor(stream);
  section(stream, "memory");
  platform_print_memory(stream);
  section(stream, "graphics libraries and device nodes");
  platform_print_graphics(stream);
  section(stream, "environment");
  platform_print_environment(stream);
  print_library_part(stream);
}

static int write_report(const char *path) {
  OutFile file;
  if (out_file_open(&file, path) != 0) return usage_error("%s: %s", path, file.reason);
  print_report(file.stream);
  if (out_file_close(&file, true) != 0) return usage_error("%s: %s", path, file.reason);
  printf("report written to %s\n", path);
  return TOOL_OK;
}

static int run_report(const Command *self, int argc, char **argv) {
  ArgReader reader = {self, argc, argv, 0, false};
  const char *path = NULL;
  for (Arg arg = arg_next(&reader); arg.kind != ARG_END; arg = arg_next(&reader)) {
    if (arg.kind == ARG_ERROR) return TOOL_USAGE;
    if (path) return usage_error("report: unexpected argument \"%s\"", arg.value);
    path = arg.value;
  }
  if (path && strcmp(path, "-") == 0) {
    print_report(stdout);
    return TOOL_OK;
  }
  return write_report(path ? path : default_path);
}

const Command command_report = {
    .name = "report",
    .arguments = "[FILE]",
    .summary = "Writes one text file with everything a bug report needs.",
    .details =
        "FILE is sporkle-report.txt unless given; - writes to standard output. The report has\n"
        "versions, processor, kernel, memory, graphics libraries, SPORKLE_* and graphics\n"
        "variables, devices, settings, and a verified convolution on each device. Host and\n"
        "user name are not in it; paths may be.",
    .run = run_report,
};
