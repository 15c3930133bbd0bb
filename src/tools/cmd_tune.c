#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "tools/args.h"
#include "tools/cache_file.h"
#include "tools/conv_case.h"
#include "tools/problem_desc.h"
#include "tools/problem_file.h"
#include "tools/random.h"
#include "tools/session.h"

enum { OPT_FILE, OPT_DEVICE, OPT_BIAS, OPT_RESIDUAL, OPT_RELU, OPT_CLAMP };

static const OptionSpec options[] = {
    [OPT_FILE] = {"--file", "FILE", "problems, one per line"},
    [OPT_DEVICE] = {"--device", "D", "the device, default gl"},
    [OPT_BIAS] = {"--bias", NULL, "for plans that add one value per output channel"},
    [OPT_RESIDUAL] = {"--residual", NULL, "for plans that add a tensor before the activation"},
    [OPT_RELU] = {"--relu", NULL, "for plans with the activation max(x, 0)"},
    [OPT_CLAMP] = {"--clamp", "MIN,MAX", "for plans with min(max(x, MIN), MAX)"},
};

// What the plans do besides the convolution: a choice is remembered with it.
typedef struct Extras {
  uint32_t flags;
  ConvInputs activation;
} Extras;

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static sporkle_conv2d_desc describe(const Problem *problem, const Extras *extras) {
  sporkle_conv2d_desc desc = problem_to_desc(problem);
  desc.flags |= extras->flags;
  desc.activation = extras->activation.activation;
  desc.clamp_min = extras->activation.clamp_min;
  desc.clamp_max = extras->activation.clamp_max;
  return desc;
}

// Now, by the clock that dates files: it may be a few milliseconds behind.
static struct timespec file_time(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return now;
}

// Whether the choice of a search that began at `begin` lasts: there is one, or there was none
// to write. False after a message.
static bool is_kept(const Session *session, struct timespec begin) {
  char directory[CACHE_PATH_CAPACITY / 2];
  cache_directory(session, directory, sizeof directory);
  if (cache_has_choice_since(directory, begin) || cache_can_write(directory)) return true;
  usage_error("tune: %s: cannot be written: %s; the choice is lost", directory, strerror(errno));
  return false;
}

// Making the plan is what tunes.
static int tune(const Session *session, const Problem *problem, const Extras *extras) {
  const sporkle_conv2d_desc desc = describe(problem, extras);
  const size_t count = (size_t)(problem->k * (problem->c / problem->groups) * problem->kernel_h *
                                problem->kernel_w);
  const size_t bias_count = desc.flags & SPORKLE_CONV2D_BIAS ? (size_t)problem->k : 0;
  char text[PROBLEM_TEXT_CAPACITY], error[512];
  float *weights = malloc((count + bias_count) * sizeof(float));
  if (!weights) {
    usage_error("tune: no memory for %zu weights", count);
    return TOOL_NO_DEVICE;
  }
  random_fill(weights, count + bias_count, 1);
  problem_format(problem, text, sizeof text);
  const double start = seconds();
  sporkle_plan plan = NULL;
  sporkle_plan_info info = SPORKLE_PLAN_INFO_INIT;
  sporkle_status status = sporkle_plan_create(session->context, session->device, &desc, weights,
                                              bias_count ? weights + count : NULL, &plan);
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

// Once through the file; a search begins only when every line of it can be read, and another
// one only when the choice of the last was kept.
static int for_each_problem(const char *path, const Session *session, const Extras *extras) {
  ProblemFile file = {.stream = fopen(path, "r"), .path = path};
  if (!file.stream) return usage_error("tune: %s: cannot be read: %s", path, strerror(errno));
  Problem problem;
  ProblemError error;
  int found = 0, code = TOOL_OK, count = 0;
  bool kept = true;
  while (kept && (found = problem_file_next(&file, &problem, &error)) == 1) {
    const struct timespec begin = file_time();
    const int one = session ? tune(session, &problem, extras) : TOOL_OK;
    if (one != TOOL_OK) code = one;
    else if (session) kept = is_kept(session, begin);
    ++count;
  }
  fclose(file.stream);
  if (!kept) return TOOL_USAGE;
  if (found < 0) return usage_error("tune: %s", error.text);
  return count == 0 ? usage_error("tune: %s: no problem in it", path) : code;
}

// Whether a search is one and lasts. TOOL_OK, or an exit code after a message.
static int check_session(const Session *session) {
  char directory[CACHE_PATH_CAPACITY / 2];
  const sporkle_device_info device = session_device(session->context, session->device);
  if (device.kind != SPORKLE_DEVICE_KIND_GL) {
    return usage_error("tune: --device: only OpenGL devices choose kernels by time");
  }
  sporkle_option_info info = SPORKLE_OPTION_INFO_INIT;
  for (uint32_t i = 0; sporkle_option_describe(session->context, i, &info) == SPORKLE_OK; ++i) {
    const bool off = strcmp(info.origin, "default") == 0 || strcmp(info.value, "0") == 0 ||
                     strcasecmp(info.value, "off") == 0 || strcasecmp(info.value, "no") == 0;
    if (off) continue;
    if (strcmp(info.name, "SPORKLE_REPRODUCIBLE") == 0 ||
        strcmp(info.name, "SPORKLE_GL_KERNEL") == 0) {
      return usage_error("tune: %s=%s: nothing is chosen by time then", info.name, info.value);
    }
  }
  cache_directory(session, directory, sizeof directory);
  if (directory[0] == '\0') {
    return usage_error("tune: the cache is off (SPORKLE_CACHE_DIR); what is found would be lost");
  }
  if (cache_make_directory(directory)) return TOOL_OK;
  return usage_error("tune: %s: cannot be written: %s", directory, strerror(errno));
}

static bool take_extra(const Arg *arg, Extras *extras) {
  switch (arg->option) {
    case OPT_BIAS: extras->flags |= SPORKLE_CONV2D_BIAS; return true;
    case OPT_RESIDUAL: extras->flags |= SPORKLE_CONV2D_RESIDUAL; return true;
    case OPT_RELU: return conv_inputs_activate(arg, SPORKLE_ACTIVATION_RELU, &extras->activation);
    case OPT_CLAMP: return conv_inputs_activate(arg, SPORKLE_ACTIVATION_CLAMP, &extras->activation);
    default: return true;
  }
}

static int run_tune(const Command *self, int argc, char **argv) {
  const char *file = NULL;
  SessionOptions settings = {.device = "gl"};
  Extras extras = {0};
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
    if (!take_extra(&arg, &extras)) return TOOL_USAGE;
  }
  if (!file) return usage_error("tune: --file is missing");
  int code = for_each_problem(file, NULL, NULL);
  if (code != TOOL_OK) return code;
  setenv("SPORKLE_TUNE", "thorough", 1);  // of this program, before the library reads it
  Session session;
  code = session_open(&settings, &session);
  if (code != TOOL_OK) return code;
  code = check_session(&session);
  if (code == TOOL_OK) code = for_each_problem(file, &session, &extras);
  session_close(&session);
  return code;
}

const Command command_tune = {
    .name = "tune",
    .arguments = "--file FILE [OPTIONS]",
    .summary = "Searches the fastest verified kernel for every problem of a file.",
    .details = "Up to 32 kernels per problem are timed on the device; the best one whose result\n"
               "is right is remembered in the cache for later plans of the same problem, with the\n"
               "same bias, residual and activation, on the same driver.\n"
               "Prints problem, kernel and how long it took to make the plan, search included.",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .run = run_tune,
};
