/* bench_sequence: the 52 convolutions of ResNet-50 behind its pooling layer as
 * one sequence plan, against the sum of 52 single plans.
 *
 *   bench_sequence [--device D] [--batch N] [--threads N] [--rounds R] [--json FILE]
 *
 * Verified first: every single plan against the float64 oracle on the outputs of
 * the ones before it, the sequence against the last of them. Then rounds of
 * sequence, singles, sequence, singles ...; a figure is the median of the rounds.
 *
 * On the CPU both work on the caller's memory, the single plans from one tensor
 * to the next. On a GPU both work on buffers of the device: the sequence as one
 * submission, the single plans as 52 submissions waited for one by one, and a
 * third figure as 52 submissions with one wait. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cpu_model.h"
#include "sporkle.h"
#include "tools/json.h"
#include "tools/network.h"
#include "tools/network_check.h"
#include "tools/random.h"

enum { most_rounds = 99, samples = 2048 };
static const double limit_rel_l2 = 1e-5;

typedef enum Way { WAY_SEQUENCE, WAY_SINGLE, WAY_QUEUED, WAY_COUNT } Way;
static const char *const way_name[WAY_COUNT] = {"sequence plan", "sum of single plans",
                                                "single plans, one wait"};

typedef struct Options {
  const char *device, *json;
  int64_t batch;
  uint32_t threads;
  int rounds;
} Options;

typedef struct Bench {
  Options options;
  sporkle_context context;
  uint32_t device;
  sporkle_device_info info;
  Network network;
  sporkle_plan sequence, *singles;
  sporkle_plan_info sequence_info;
  float *input, *output, *reference;
  float **tensors;         /* CPU: of the single plans */
  sporkle_buffer *buffers; /* GPU: input, outputs of the single plans, output of the sequence */
  double step_error, error;
  double rounds[WAY_COUNT][most_rounds]; /* ms, in the order measured */
  double ms[WAY_COUNT][most_rounds];     /* the same, sorted */
  double ratio[most_rounds];             /* single plans over sequence, round by round, sorted */
} Bench;

static int say(sporkle_status status, const char *what) {
  if (status == SPORKLE_OK) return 0;
  char text[512] = "";
  sporkle_last_error(text, sizeof text);
  fprintf(stderr, "bench_sequence: %s: %s: %s\n", what, sporkle_status_name(status), text);
  return -1;
}

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static bool on_cpu(const Bench *b) { return b->info.kind == SPORKLE_DEVICE_KIND_CPU; }

static uint64_t output_size(const NetworkStep *step) {
  sporkle_conv2d_info info = SPORKLE_CONV2D_INFO_INIT;
  sporkle_conv2d_describe(&step->desc, &info);
  return info.output_size;
}

static int make_buffer(Bench *b, uint32_t index, uint64_t size, uint32_t usage) {
  sporkle_buffer_desc desc = SPORKLE_BUFFER_DESC_INIT;
  desc.device = b->device;
  desc.size = size;
  desc.usage = usage;
  return say(sporkle_buffer_create(b->context, &desc, &b->buffers[index]), "buffer");
}

static int make_tensors(Bench *b) {
  const uint32_t count = b->network.count;
  const uint32_t device = SPORKLE_BUFFER_DEVICE_READ | SPORKLE_BUFFER_DEVICE_WRITE;
  b->tensors = calloc(count + 1, sizeof *b->tensors);
  b->buffers = calloc(count + 2, sizeof *b->buffers);
  if (!b->tensors || !b->buffers) return -1;
  if (!on_cpu(b) && make_buffer(b, 0, network_input_size(&b->network), 0)) return -1;
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t size = output_size(&b->network.steps[i]);
    if (on_cpu(b)) {
      b->tensors[i + 1] = aligned_alloc(64, (size + 63) / 64 * 64);
      if (b->tensors[i + 1] == NULL) return -1;
    } else if (make_buffer(b, i + 1, size, i + 1 == count ? 0 : device)) {
      return -1;
    }
  }
  b->tensors[0] = b->input;
  if (on_cpu(b)) return 0;
  if (make_buffer(b, count + 1, network_output_size(&b->network), 0)) return -1;
  void *data;
  if (say(sporkle_buffer_data(b->buffers[0], &data), "buffer")) return -1;
  memcpy(data, b->input, network_input_size(&b->network));
  return say(sporkle_buffer_flush(b->buffers[0], 0, network_input_size(&b->network)), "flush");
}

static int prepare(Bench *b) {
  if (!network_resnet50(&b->network, b->options.batch, 64, 56)) return -1;
  const uint64_t input = network_input_size(&b->network);
  const uint64_t output = network_output_size(&b->network);
  b->input = malloc(input);
  b->output = malloc(output);
  b->reference = malloc(output);
  b->singles = calloc(b->network.count, sizeof *b->singles);
  if (!b->input || !b->output || !b->reference || !b->singles) return -1;
  random_fill(b->input, input / sizeof(float), 5);
  if (say(sporkle_plan_sequence(b->context, b->device, b->network.sequence, b->network.count,
                                &b->sequence), "sequence")) {
    return -1;
  }
  b->sequence_info = (sporkle_plan_info)SPORKLE_PLAN_INFO_INIT;
  if (say(sporkle_plan_describe(b->sequence, &b->sequence_info), "describe")) return -1;
  for (uint32_t i = 0; i < b->network.count; ++i) {
    const NetworkStep *s = &b->network.steps[i];
    if (say(sporkle_plan_create(b->context, b->device, &s->desc, s->weights, s->bias,
                                &b->singles[i]), "plan")) {
      return -1;
    }
  }
  return make_tensors(b);
}

static int wait_and_drop(sporkle_fence *fences, uint32_t count) {
  int wrong = say(sporkle_fence_wait(fences[count - 1], SPORKLE_TIMEOUT_INFINITE), "wait");
  for (uint32_t i = 0; i < count; ++i) sporkle_fence_destroy(fences[i]);
  return wrong;
}

static int submit(Bench *b, sporkle_plan plan, uint32_t input, uint32_t residual,
                  uint32_t output, sporkle_fence *fence) {
  sporkle_plan_bindings bindings = SPORKLE_PLAN_BINDINGS_INIT;
  bindings.input.buffer = b->buffers[input];
  bindings.output.buffer = b->buffers[output];
  if (residual != SPORKLE_SEQUENCE_NONE) bindings.residual.buffer = b->buffers[residual];
  return say(sporkle_plan_submit(plan, &bindings, fence), "submit");
}

static int run_sequence(Bench *b) {
  if (on_cpu(b)) return say(sporkle_plan_run(b->sequence, b->input, NULL, b->output, NULL), "run");
  sporkle_fence fence;
  if (submit(b, b->sequence, 0, SPORKLE_SEQUENCE_NONE, b->network.count + 1, &fence)) return -1;
  return wait_and_drop(&fence, 1);
}

static int run_singles(Bench *b, bool queued) {
  static sporkle_fence fences[NETWORK_RESNET50];
  for (uint32_t i = 0; i < b->network.count; ++i) {
    const NetworkStep *s = &b->network.steps[i];
    if (on_cpu(b)) {
      const float *residual =
          s->residual == SPORKLE_SEQUENCE_NONE ? NULL : b->tensors[s->residual];
      if (say(sporkle_plan_run(b->singles[i], b->tensors[s->input], residual, b->tensors[i + 1],
                               NULL), "run")) {
        return -1;
      }
      continue;
    }
    if (submit(b, b->singles[i], s->input, s->residual, i + 1, &fences[i])) return -1;
    if (!queued && wait_and_drop(&fences[i], 1)) return -1;
  }
  return queued ? wait_and_drop(fences, b->network.count) : 0;
}

static int run_way(Bench *b, Way way) {
  return way == WAY_SEQUENCE ? run_sequence(b) : run_singles(b, way == WAY_QUEUED);
}

/* Runs the sequence and compares its output with the reference. */
static int verify(Bench *b) {
  const uint64_t bytes = network_output_size(&b->network);
  memset(b->output, 0xff, bytes);
  if (run_sequence(b)) return -1;
  if (!on_cpu(b)) {
    void *data;
    const sporkle_buffer buffer = b->buffers[b->network.count + 1];
    if (say(sporkle_buffer_invalidate(buffer, 0, bytes), "invalidate")) return -1;
    if (say(sporkle_buffer_data(buffer, &data), "buffer")) return -1;
    memcpy(b->output, data, bytes);
  }
  b->error = network_difference(b->output, b->reference, bytes);
  return b->error <= limit_rel_l2 && b->step_error <= limit_rel_l2 ? 0 : -1;
}

static int by_value(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static int ways(const Bench *b) { return on_cpu(b) ? WAY_QUEUED : WAY_COUNT; }

static int measure(Bench *b) {
  for (int w = 0; w < ways(b); ++w) {
    if (run_way(b, (Way)w)) return -1;
  }
  for (int r = 0; r < b->options.rounds; ++r) {
    for (int w = 0; w < ways(b); ++w) {
      const double start = now_ms();
      if (run_way(b, (Way)w)) return -1;
      b->rounds[w][r] = b->ms[w][r] = now_ms() - start;
    }
    b->ratio[r] = b->ms[WAY_SINGLE][r] / b->ms[WAY_SEQUENCE][r];
  }
  qsort(b->ratio, (size_t)b->options.rounds, sizeof b->ratio[0], by_value);
  for (int w = 0; w < ways(b); ++w) {
    qsort(b->ms[w], (size_t)b->options.rounds, sizeof b->ms[w][0], by_value);
  }
  return 0;
}

static double flops(const Bench *b) {
  double sum = 0;
  for (uint32_t i = 0; i < b->network.count; ++i) sum += oracle_flops(&b->network.steps[i].desc);
  return sum;
}

/* The figure that has a goal: on the CPU with a batch of one. */
static void write_ratio(JsonWriter *json, const Bench *b, const char *setting) {
  const int n = b->options.rounds;
  const double goal = 1.15;
  char name[128];
  snprintf(name, sizeof name, "single plans over sequence, %s", setting);
  json_object_begin(json, NULL);
  json_string(json, "name", name);
  json_string(json, "unit", "x");
  json_number(json, "median", b->ratio[n / 2]);
  json_number(json, "p10", b->ratio[n / 10]);
  json_number(json, "p90", b->ratio[n - 1 - n / 10]);
  json_integer(json, "n", n);
  if (on_cpu(b)) {
    json_string(json, "bar", "at_least");
    json_number(json, "bar_value", goal);
    json_bool(json, "met", b->ratio[n / 2] >= goal);
  }
  json_object_end(json);
}

static void write_json(const Bench *b) {
  FILE *file = fopen(b->options.json, "w");
  if (file == NULL) {
    perror(b->options.json);
    exit(2);
  }
  JsonWriter json = json_writer(file);
  json_object_begin(&json, NULL);
  json_string(&json, "benchmark", "bench_sequence");
  char device[128];
  if (on_cpu(b)) {
    read_cpu_model(device, sizeof device);
  } else {
    snprintf(device, sizeof device, "%s", b->info.name);
  }
  json_string(&json, "device", device);
  json_string(&json, "driver", b->info.driver);
  json_bool(&json, "software", (b->info.flags & SPORKLE_DEVICE_SOFTWARE) != 0);
  json_integer(&json, "batch", b->options.batch);
  json_integer(&json, "threads", b->options.threads);
  json_number(&json, "flops", flops(b));
  json_string(&json, "algorithm", b->sequence_info.algorithm);
  json_integer(&json, "workspace_bytes", (int64_t)b->sequence_info.workspace_bytes);
  json_number(&json, "rel_l2_error", b->error);
  json_number(&json, "step_rel_l2_error", b->step_error);
  json_array_begin(&json, "results");
  const int n = b->options.rounds;
  char setting[64], name[128];
  if (on_cpu(b)) {
    snprintf(setting, sizeof setting, "threads %u, batch %lld", b->options.threads,
             (long long)b->options.batch);
  } else {
    snprintf(setting, sizeof setting, "batch %lld", (long long)b->options.batch);
  }
  write_ratio(&json, b, setting);
  for (int w = 0; w < ways(b); ++w) {
    snprintf(name, sizeof name, "%s, %s", way_name[w], setting);
    json_object_begin(&json, NULL);
    json_string(&json, "name", name);
    json_string(&json, "unit", "ms");
    json_number(&json, "median", b->ms[w][n / 2]);
    json_number(&json, "p10", b->ms[w][n / 10]);
    json_number(&json, "p90", b->ms[w][n - 1 - n / 10]);
    json_integer(&json, "n", n);
    json_number(&json, "gflops", flops(b) / b->ms[w][n / 2] * 1e-6);
    json_array_begin(&json, "rounds_ms");
    for (int r = 0; r < n; ++r) json_number(&json, NULL, b->rounds[w][r]);
    json_array_end(&json);
    json_object_end(&json);
  }
  json_array_end(&json);
  json_object_end(&json);
  fputc('\n', file);
  fclose(file);
}

static void report(const Bench *b) {
  const int n = b->options.rounds;
  printf("%s, %s%s\n", b->info.name, b->info.driver,
         b->info.flags & SPORKLE_DEVICE_SOFTWARE ? "; software, not a hardware figure" : "");
  printf("ResNet-50, 52 convolutions, batch %lld, %.1f GFLOP; %s; %.1f MB of scratch memory\n",
         (long long)b->options.batch, flops(b) * 1e-9, b->sequence_info.algorithm,
         (double)b->sequence_info.workspace_bytes * 1e-6);
  printf("relative L2: %.1e against the single plans, %.1e the worst of them against float64\n",
         b->error, b->step_error);
  for (int w = 0; w < ways(b); ++w) {
    printf("%-24s %9.3f ms [%.3f..%.3f] of %d  %8.1f GFLOP/s  %.3fx\n", way_name[w],
           b->ms[w][n / 2], b->ms[w][n / 10], b->ms[w][n - 1 - n / 10], n,
           flops(b) / b->ms[w][n / 2] * 1e-6, b->ms[w][n / 2] / b->ms[WAY_SEQUENCE][n / 2]);
  }
  printf("single plans over sequence, round by round: %.3fx [%.3f..%.3f]\n", b->ratio[n / 2],
         b->ratio[n / 10], b->ratio[n - 1 - n / 10]);
}

static int run(Bench *b) {
  if (prepare(b)) return 1;
  NetworkCheck check = {b->context, b->device, samples, 0, 0};
  if (say(network_reference(&b->network, &check, b->input, b->reference), "reference")) return 1;
  b->step_error = check.worst;
  if (verify(b) || measure(b) || verify(b)) {
    printf("not verified (relative L2 %.1e, steps %.1e): no figure\n", b->error, b->step_error);
    return 1;
  }
  report(b);
  if (b->options.json != NULL) write_json(b);
  return 0;
}

static int open_device(Bench *b) {
  sporkle_context_desc desc = SPORKLE_CONTEXT_DESC_INIT;
  desc.device = b->options.device;
  desc.threads = b->options.threads;
  if (say(sporkle_context_create(&desc, &b->context), "context")) return -1;
  if (say(sporkle_device_find(b->context, b->options.device, &b->device), "device")) return -1;
  b->info = (sporkle_device_info)SPORKLE_DEVICE_INFO_INIT;
  if (say(sporkle_device_describe(b->context, b->device, &b->info), "device")) return -1;
  if ((b->info.flags & SPORKLE_DEVICE_SIMULATED) == 0) return 0;
  fprintf(stderr, "bench_sequence: %s is simulated: its times mean nothing\n", b->options.device);
  return -1;
}

static bool parse(int argc, char **argv, Options *o) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const char *value = argv[i + 1];
    const long number = strtol(value, NULL, 10);
    if (strcmp(argv[i], "--device") == 0) o->device = value;
    else if (strcmp(argv[i], "--json") == 0) o->json = value;
    else if (strcmp(argv[i], "--batch") == 0) o->batch = number;
    else if (strcmp(argv[i], "--threads") == 0) o->threads = (uint32_t)number;
    else if (strcmp(argv[i], "--rounds") == 0) o->rounds = (int)number;
    else return false;
  }
  return argc % 2 == 1 && o->batch >= 1 && o->rounds >= 1 && o->rounds <= most_rounds;
}

int main(int argc, char **argv) {
  Bench b = {.options = {.device = "cpu", .batch = 1, .rounds = 15}};
  if (!parse(argc, argv, &b.options)) {
    fprintf(stderr, "usage: bench_sequence [--device D] [--batch N] [--threads N] [--rounds 1..%d] "
            "[--json FILE]\n", most_rounds);
    return 2;
  }
  /* Asked before anything is measured; what it holds stays until there is more. */
  FILE *writable = b.options.json == NULL ? NULL : fopen(b.options.json, "a");
  if (b.options.json != NULL && writable == NULL) return perror(b.options.json), 2;
  if (writable != NULL) fclose(writable);
  if (open_device(&b)) return 3;
  const int code = run(&b);
  sporkle_context_destroy(b.context);
  for (uint32_t i = 1; b.tensors != NULL && i <= b.network.count; ++i) free(b.tensors[i]);
  free(b.tensors);
  free(b.buffers);
  free(b.singles);
  free(b.input);
  free(b.output);
  free(b.reference);
  network_free(&b.network);
  return code;
}
