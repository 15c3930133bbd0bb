/* How long a process takes to its first result on a device, problem by problem, each in
 * processes of its own: once with an empty cache directory, then again with what the first
 * left there. Time runs from the return of sporkle_context_create: making the plan, and
 * from there to the end of the first operation. The result is compared with double
 * precision afterwards. The caches of the library and of NVIDIA's and Mesa's drivers are
 * fresh for each pair of processes and left under /tmp. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sporkle.h"
#include "tools/json.h"
#include "tools/oracle.h"
#include "tools/problem_desc.h"
#include "tools/problem_file.h"
#include "tools/random.h"

static const double limit_rel_l2 = 1e-5;
enum { samples = 4096 };

typedef struct Start {
  double context_ms, plan_ms, result_ms, rel_l2;
  char algorithm[48], device[128];
  int good;
} Start;

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static int say(sporkle_status status, const char *what) {
  if (status == SPORKLE_OK) return 0;
  char text[512];
  sporkle_last_error(text, sizeof text);
  fprintf(stderr, "bench_start: %s: %s\n", what, text);
  return -1;
}

/* In a process of its own; `output` has the problem's size. */
static int first_result(const char *name, const sporkle_conv2d_desc *desc, const float *input,
                        const float *weights, float *output, Start *out) {
  const double begin = now_ms();
  sporkle_context_desc context_desc = SPORKLE_CONTEXT_DESC_INIT;
  context_desc.device = name;
  sporkle_context context;
  if (say(sporkle_context_create(&context_desc, &context), "context")) return -1;
  const double created = now_ms();
  uint32_t device;
  sporkle_plan plan;
  if (say(sporkle_device_find(context, name, &device), "device")) return -1;
  if (say(sporkle_plan_create(context, device, desc, weights, NULL, &plan), "plan")) return -1;
  const double planned = now_ms();
  if (say(sporkle_plan_run(plan, input, NULL, output, NULL), "run")) return -1;
  const double ended = now_ms();
  sporkle_plan_info info = SPORKLE_PLAN_INFO_INIT;
  sporkle_device_info device_info = SPORKLE_DEVICE_INFO_INIT;
  if (say(sporkle_plan_describe(plan, &info), "plan")) return -1;
  if (say(sporkle_device_describe(context, device, &device_info), "device")) return -1;
  snprintf(out->algorithm, sizeof out->algorithm, "%s", info.algorithm);
  snprintf(out->device, sizeof out->device, "%s", device_info.name);
  out->context_ms = created - begin;
  out->plan_ms = planned - created;
  out->result_ms = ended - created;
  const OracleTensors tensors = {input, weights, NULL, NULL};
  OracleError error;
  oracle_compare_sample(desc, &tensors, output, samples, 7, &error);
  out->rel_l2 = error.rel_l2;
  out->good = error.rel_l2 < limit_rel_l2;
  sporkle_plan_destroy(plan);
  sporkle_context_destroy(context);
  return 0;
}

static void child(const char *device, const Problem *problem, int pipe_end) {
  const sporkle_conv2d_desc desc = problem_to_desc(problem);
  sporkle_conv2d_info sizes = SPORKLE_CONV2D_INFO_INIT;
  Start start = {0};
  if (say(sporkle_conv2d_describe(&desc, &sizes), "problem")) _exit(1);
  float *input = malloc(sizes.input_size), *weights = malloc(sizes.weights_size);
  float *output = malloc(sizes.output_size);
  random_fill(input, sizes.input_size / 4, 1);
  random_fill(weights, sizes.weights_size / 4, 2);
  memset(output, 0xff, sizes.output_size);
  if (first_result(device, &desc, input, weights, output, &start)) _exit(1);
  _exit(write(pipe_end, &start, sizeof start) == (ssize_t)sizeof start ? 0 : 1);
}

static int run_process(const char *device, const Problem *problem, Start *start) {
  int ends[2];
  if (pipe(ends) != 0) return -1;
  const pid_t pid = fork();
  if (pid < 0) return -1;
  if (pid == 0) child(device, problem, ends[1]);
  close(ends[1]);
  const ssize_t got = read(ends[0], start, sizeof *start);
  close(ends[0]);
  int status;
  if (waitpid(pid, &status, 0) != pid || status != 0) return -1;
  return got == (ssize_t)sizeof *start && start->good ? 0 : -1;
}

static void write_start(JsonWriter *json, const char *key, const Start *start) {
  json_object_begin(json, key);
  json_string(json, "algorithm", start->algorithm);
  json_number(json, "context_ms", start->context_ms);
  json_number(json, "plan_ms", start->plan_ms);
  json_number(json, "result_ms", start->result_ms);
  json_number(json, "rel_l2", start->rel_l2);
  json_object_end(json);
}

/* A fresh directory for the library and the driver per problem. */
static void fresh_directories(const char *base, int number) {
  char path[512];
  snprintf(path, sizeof path, "%s/%d-library", base, number);
  setenv("SPORKLE_CACHE_DIR", path, 1);
  snprintf(path, sizeof path, "%s/%d-driver", base, number);
  mkdir(path, 0700);
  setenv("__GL_SHADER_DISK_CACHE_PATH", path, 1);
  setenv("MESA_SHADER_CACHE_DIR", path, 1);
}

int main(int argc, char **argv) {
  const char *device = "gl", *path = NULL, *json_path = NULL;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--device") == 0) device = argv[i + 1];
    else if (strcmp(argv[i], "--file") == 0) path = argv[i + 1];
    else if (strcmp(argv[i], "--json") == 0) json_path = argv[i + 1];
    else path = NULL, argc = 0;
  }
  if (path == NULL || argc % 2 == 0) {
    fprintf(stderr, "usage: bench_start --file SHAPES [--device D] [--json FILE]\n");
    return 2;
  }
  char base[] = "/tmp/sporkle-start-XXXXXX";
  ProblemFile file = {.stream = fopen(path, "r"), .path = path};
  if (file.stream == NULL) return perror(path), 3;
  JsonWriter json = json_writer(json_path == NULL ? NULL : fopen(json_path, "w"));
  if (json_path != NULL && json.stream == NULL) return perror(json_path), 2;
  if (mkdtemp(base) == NULL) return perror(base), 3;
  Problem problem;
  ProblemError error;
  int got, number = 0, failures = 0, begun = 0;
  while ((got = problem_file_next(&file, &problem, &error)) != 0) {
    if (got < 0) return fprintf(stderr, "bench_start: %s\n", error.text), 2;
    Start first, second;
    char text[PROBLEM_TEXT_CAPACITY];
    problem_format(&problem, text, sizeof text);
    fresh_directories(base, ++number);
    if (run_process(device, &problem, &first) || run_process(device, &problem, &second)) {
      printf("%-40s failed or wrong: no figure\n", text);
      ++failures;
      continue;
    }
    printf("%-40s %-28s plan %8.1f ms, result %8.1f ms; again: plan %7.1f ms, result %7.1f ms\n",
           text, second.algorithm, first.plan_ms, first.result_ms, second.plan_ms,
           second.result_ms);
    fflush(stdout);
    if (json.stream == NULL) continue;
    if (!begun) {
      begun = 1;
      json_object_begin(&json, NULL);
      json_string(&json, "benchmark", "start");
      json_string(&json, "device", first.device);
      json_array_begin(&json, "results");
    }
    json_object_begin(&json, NULL);
    json_string(&json, "problem", text);
    write_start(&json, "first", &first);
    write_start(&json, "second", &second);
    json_object_end(&json);
  }
  if (json.stream != NULL && begun) {
    json_array_end(&json);
    json_object_end(&json);
    fclose(json.stream);
  }
  fclose(file.stream);
  return failures == 0 ? 0 : 1;
}
