/* Time of one operation in a dependent stream on a device's resident buffers.
 *
 * Every operation writes the same output buffer, so that the device puts a
 * barrier between each and the next and nothing overlaps. A round is the wall
 * time of 2 R operations minus that of R operations, over R: what is paid once
 * per round (submission, the last wake-up) drops out. The timed output is a
 * buffer that the CPU never touches; the same plan's output in a readable
 * buffer is verified against the float64 oracle before and after. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sporkle.h"
#include "tools/json.h"
#include "tools/oracle.h"
#include "tools/problem_desc.h"
#include "tools/problem_file.h"
#include "tools/random.h"

enum { rounds = 9, most_operations = 2000, samples = 4096, full_check_mflop = 4000 };
static const double limit_rel_l2 = 1e-5;
static const double round_ms = 20.0;
static const double warm_up_ms = 60.0;

typedef struct Bench {
  sporkle_context context;
  uint32_t device;
  sporkle_device_info info;
  JsonWriter json;
  int failures;
} Bench;

typedef struct Case {
  sporkle_conv2d_desc desc;
  sporkle_conv2d_info sizes;
  sporkle_plan plan;
  sporkle_plan_info plan_info;
  sporkle_buffer input, output, timed;
  float *weights, *x, *y;
  OracleError error;
  double us[rounds];
  int repeats;
} Case;

static int say(sporkle_status status, const char *what) {
  if (status == SPORKLE_OK) return 0;
  char text[512];
  sporkle_last_error(text, sizeof text);
  fprintf(stderr, "bench_stream: %s: %s\n", what, text);
  return -1;
}

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static int make_buffer(const Bench *b, uint64_t size, uint32_t usage, sporkle_buffer *buffer,
                       float **data) {
  sporkle_buffer_desc desc = SPORKLE_BUFFER_DESC_INIT;
  desc.device = b->device;
  desc.size = size;
  desc.usage = usage;
  if (say(sporkle_buffer_create(b->context, &desc, buffer), "buffer")) return -1;
  void *pointer;
  if (say(sporkle_buffer_data(*buffer, &pointer), "buffer data")) return -1;
  *data = pointer;
  return 0;
}

/* Submits `count` operations into one output and waits for the last. Returns
 * milliseconds, or a negative number. */
static double stream(const Case *c, sporkle_buffer output, int count) {
  sporkle_plan_bindings bindings = SPORKLE_PLAN_BINDINGS_INIT;
  bindings.input.buffer = c->input;
  bindings.output.buffer = output;
  static sporkle_fence fences[most_operations];
  const double start = now_ms();
  int submitted = 0;
  while (submitted < count &&
         !say(sporkle_plan_submit(c->plan, &bindings, &fences[submitted]), "submit")) {
    ++submitted;
  }
  sporkle_status status = SPORKLE_ERROR_INTERNAL;
  if (submitted > 0) {
    status = sporkle_fence_wait(fences[submitted - 1], SPORKLE_TIMEOUT_INFINITE);
  }
  const double elapsed = now_ms() - start;
  for (int i = 0; i < submitted; ++i) sporkle_fence_destroy(fences[i]);
  if (submitted == count && status == SPORKLE_OK) return elapsed;
  fprintf(stderr, "bench_stream: %d of %d submitted, the last ended with %s\n", submitted, count,
          sporkle_status_name(status));
  return -1.0;
}

static int prepare(const Bench *b, const Problem *problem, Case *c) {
  c->desc = problem_to_desc(problem);
  if (say(sporkle_conv2d_describe(&c->desc, &c->sizes), "problem")) return -1;
  c->weights = malloc(c->sizes.weights_size);
  if (c->weights == NULL) return -1;
  random_fill(c->weights, c->sizes.weights_size / 4, 2);
  if (say(sporkle_plan_create(b->context, b->device, &c->desc, c->weights, NULL, &c->plan),
          "plan")) {
    return -1;
  }
  if (say(sporkle_plan_describe(c->plan, &c->plan_info), "plan")) return -1;
  const uint32_t in = SPORKLE_BUFFER_CPU_WRITE | SPORKLE_BUFFER_DEVICE_READ;
  const uint32_t out = SPORKLE_BUFFER_DEVICE_WRITE;
  float *untouched;
  if (make_buffer(b, c->sizes.input_size, in, &c->input, &c->x)) return -1;
  if (make_buffer(b, c->sizes.output_size, 0, &c->output, &c->y)) return -1;
  if (make_buffer(b, c->sizes.output_size, out, &c->timed, &untouched)) return -1;
  random_fill(c->x, c->sizes.input_size / 4, 1);
  memset(c->y, 0xff, c->sizes.output_size); /* every word a NaN */
  if (say(sporkle_buffer_flush(c->input, 0, c->sizes.input_size), "flush")) return -1;
  return say(sporkle_buffer_flush(c->output, 0, c->sizes.output_size), "flush");
}

/* Every output word has been written, and the values are right: all of them
 * for small problems, else a sample. The inputs are compared from a copy in
 * ordinary memory: reading mapped device memory may be slow. */
static int verify(Case *c) {
  if (stream(c, c->output, 1) < 0) return -1;
  if (say(sporkle_buffer_invalidate(c->output, 0, c->sizes.output_size), "invalidate")) return -1;
  float *input = malloc(c->sizes.input_size);
  float *output = malloc(c->sizes.output_size);
  int wrong = input == NULL || output == NULL;
  if (!wrong) {
    random_fill(input, c->sizes.input_size / 4, 1);
    memcpy(output, c->y, c->sizes.output_size);
    const OracleTensors tensors = {input, c->weights, NULL, NULL};
    for (uint64_t i = 0; i < c->sizes.output_size / 4; ++i) wrong |= output[i] != output[i];
    if (c->sizes.flops <= (uint64_t)full_check_mflop * 1000000u) {
      wrong |= !oracle_compare(&c->desc, &tensors, output, 0, NULL, &c->error);
    } else {
      oracle_compare_sample(&c->desc, &tensors, output, samples, 7, &c->error);
    }
    wrong |= !(c->error.rel_l2 < limit_rel_l2);
  }
  free(input);
  free(output);
  return wrong ? -1 : 0;
}

static int by_value(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static int measure(Case *c) {
  const double end = now_ms() + warm_up_ms;
  double once = 0;
  while (now_ms() < end) {
    once = stream(c, c->timed, 8) / 8;
    if (once < 0) return -1;
  }
  c->repeats = (int)(round_ms / (once > 0.01 ? once : 0.01)) + 1;
  if (c->repeats > most_operations / 2) c->repeats = most_operations / 2;
  for (int i = 0; i < rounds; ++i) {
    const double one = stream(c, c->timed, c->repeats);
    const double two = stream(c, c->timed, 2 * c->repeats);
    if (one < 0 || two < 0) return -1;
    c->us[i] = (two - one) * 1e3 / c->repeats;
  }
  qsort(c->us, rounds, sizeof c->us[0], by_value);
  /* A slope below zero: other work on the machine outweighs what is measured. */
  return c->us[rounds / 4] > 0 ? 0 : -1;
}

static void report(Bench *b, const Problem *problem, Case *c) {
  char text[PROBLEM_TEXT_CAPACITY];
  problem_format(problem, text, sizeof text);
  const double median = c->us[rounds / 2];
  const double rate = (double)c->sizes.flops / median * 1e-3;
  const int software = (b->info.flags & SPORKLE_DEVICE_SOFTWARE) != 0;
  printf("%-40s %-32s %10.1f us [%.1f..%.1f] %9.1f GFLOP/s  %.1e%s\n", text,
         c->plan_info.algorithm, median, c->us[0], c->us[rounds - 1], rate, c->error.rel_l2,
         software ? "  software, not a hardware figure" : "");
  fflush(stdout);
  if (b->json.stream == NULL) return;
  json_object_begin(&b->json, NULL);
  json_string(&b->json, "problem", text);
  json_string(&b->json, "algorithm", c->plan_info.algorithm);
  json_number(&b->json, "us_median", median);
  json_number(&b->json, "us_min", c->us[0]);
  json_number(&b->json, "us_max", c->us[rounds - 1]);
  json_integer(&b->json, "rounds", rounds);
  json_integer(&b->json, "operations_per_round", c->repeats);
  json_number(&b->json, "gflops", rate);
  json_number(&b->json, "rel_l2_error", c->error.rel_l2);
  json_number(&b->json, "max_error", c->error.max_abs);
  json_integer(&b->json, "verified_outputs", c->error.compared);
  json_integer(&b->json, "outputs", (int64_t)(c->sizes.output_size / 4));
  json_object_end(&b->json);
}

static void run_case(Bench *b, const Problem *problem) {
  Case c = {.sizes = SPORKLE_CONV2D_INFO_INIT, .plan_info = SPORKLE_PLAN_INFO_INIT};
  char text[PROBLEM_TEXT_CAPACITY];
  problem_format(problem, text, sizeof text);
  if (prepare(b, problem, &c) || verify(&c)) {
    printf("%-40s not verified (relative L2 %.1e): no figure\n", text, c.error.rel_l2);
    b->failures++;
  } else if (measure(&c)) {
    printf("%-40s failed or too noisy while timed (%.1f..%.1f us): no figure\n", text, c.us[0],
           c.us[rounds - 1]);
    b->failures++;
  } else if (verify(&c)) {
    printf("%-40s wrong after the timed part (relative L2 %.1e): no figure\n", text,
           c.error.rel_l2);
    b->failures++;
  } else {
    report(b, problem, &c);
  }
  fflush(stdout);
  if (c.plan != NULL) sporkle_plan_destroy(c.plan);
  if (c.input != NULL) sporkle_buffer_destroy(c.input);
  if (c.output != NULL) sporkle_buffer_destroy(c.output);
  if (c.timed != NULL) sporkle_buffer_destroy(c.timed);
  free(c.weights);
}

static int open_device(Bench *b, const char *name) {
  sporkle_context_desc desc = SPORKLE_CONTEXT_DESC_INIT;
  desc.device = name;
  desc.fence_capacity = most_operations;
  if (say(sporkle_context_create(&desc, &b->context), "context")) return -1;
  if (say(sporkle_device_find(b->context, name, &b->device), "device")) return -1;
  b->info = (sporkle_device_info)SPORKLE_DEVICE_INFO_INIT;
  if (say(sporkle_device_describe(b->context, b->device, &b->info), "device")) return -1;
  if ((b->info.flags & SPORKLE_DEVICE_SIMULATED) == 0) return 0;
  fprintf(stderr, "bench_stream: %s is simulated: its times mean nothing\n", name);
  return -1;
}

int main(int argc, char **argv) {
  const char *device = "gl", *path = NULL, *json = NULL;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--device") == 0) device = argv[i + 1];
    else if (strcmp(argv[i], "--file") == 0) path = argv[i + 1];
    else if (strcmp(argv[i], "--json") == 0) json = argv[i + 1];
    else path = NULL, argc = 0;
  }
  if (path == NULL || argc % 2 == 0) {
    fprintf(stderr, "usage: bench_stream --file SHAPES [--device D] [--json FILE]\n");
    return 2;
  }
  Bench b = {0};
  ProblemFile file = {.stream = fopen(path, "r"), .path = path};
  if (file.stream == NULL) return perror(path), 3;
  b.json = json_writer(json == NULL ? NULL : fopen(json, "w"));
  if (json != NULL && b.json.stream == NULL) return perror(json), 2;
  if (open_device(&b, device)) return 3;
  printf("%s, %s\n", b.info.name, b.info.driver);
  if (b.json.stream != NULL) {
    json_object_begin(&b.json, NULL);
    json_string(&b.json, "device", b.info.name);
    json_string(&b.json, "driver", b.info.driver);
    json_bool(&b.json, "software", (b.info.flags & SPORKLE_DEVICE_SOFTWARE) != 0);
    json_array_begin(&b.json, "results");
  }
  Problem problem;
  ProblemError error;
  int got;
  while ((got = problem_file_next(&file, &problem, &error)) != 0) {
    if (got > 0) run_case(&b, &problem);
    else fprintf(stderr, "bench_stream: %s\n", error.text), b.failures++;
  }
  if (b.json.stream != NULL) {
    json_array_end(&b.json);
    json_object_end(&b.json);
    fclose(b.json.stream);
  }
  fclose(file.stream);
  sporkle_context_destroy(b.context);
  return b.failures == 0 ? 0 : 1;
}
