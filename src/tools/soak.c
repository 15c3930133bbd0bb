#include "tools/soak.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/command.h"
#include "tools/progress.h"
#include "tools/random.h"
#include "tools/timing.h"

enum { MAX_THREADS = 64 };
static const double round_s = 2, virtual_round_s = 3600;

static double resident_bytes(void) {
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file) return 0;
  const int read = fscanf(file, "%*d %ld", &pages);
  fclose(file);
  return read == 1 ? (double)pages * (double)sysconf(_SC_PAGESIZE) : 0;
}

static int open_files(void) {
  int count = 0;
  DIR *directory = opendir("/proc/self/fd");
  if (!directory) return 0;
  while (readdir(directory)) ++count;
  closedir(directory);
  return count;
}

// Least squares over what is left at the end of each round.
typedef struct Slope {
  double n, x, y, xx, xy;
} Slope;

static void slope_add(Slope *s, double x, double y) {
  s->n += 1;
  s->x += x;
  s->y += y;
  s->xx += x * x;
  s->xy += x * y;
}

static double slope_value(const Slope *s) {
  const double spread = s->n * s->xx - s->x * s->x;
  return spread > 0 ? (s->n * s->xy - s->x * s->y) / spread : 0;
}

typedef struct Worker {
  SoakRound *round;
  uint64_t random;
  pthread_t thread;
} Worker;

static void *work(void *argument) {
  Worker *worker = argument;
  while (!atomic_load(&worker->round->stop)) soak_act(worker->round, &worker->random);
  return NULL;
}

static void *inject(void *argument) {
  Worker *worker = argument;
  soak_inject(worker->round, &worker->random);
  return NULL;
}

// Until the round's time is over, by the clock that counts. Returns the seconds.
static double wait_for_end(SoakRound *round, double wanted_s) {
  const struct timespec step = {0, 5000000};
  const SoakCounts *counts = &round->out->counts;
  const bool is_virtual = round->options->virtual_clock;
  const int64_t start = timing_now_ns();
  const double virtual_start = is_virtual ? soak_clock_s(round) : 0;
  double passed = 0;
  do {
    nanosleep(&step, NULL);
    passed = is_virtual ? soak_clock_s(round) - virtual_start : timing_ms_since(start) * 1e-3;
    // Without completions a virtual clock may stand for ever.
  } while (passed < wanted_s && atomic_load(&counts->broken) == 0 &&
           !(is_virtual && atomic_load(&counts->lost) > 0));
  return passed;
}

static double run_threads(SoakRound *round, uint64_t seed, double wanted_s) {
  Worker workers[MAX_THREADS + 1];
  const int count = round->options->threads + (round->options->faults ? 1 : 0);
  int started = 0;
  for (; started < count; ++started) {
    Worker *worker = &workers[started];
    *worker = (Worker){.round = round};
    worker->random = (seed * 1000003u + (uint64_t)started) * 0x9e3779b97f4a7c15u | 1u;
    const bool injects = started == round->options->threads;
    if (pthread_create(&worker->thread, NULL, injects ? inject : work, worker) != 0) break;
  }
  const double passed = started == count ? wait_for_end(round, wanted_s) : wanted_s;
  atomic_store(&round->stop, true);
  for (int i = 0; i < started; ++i) pthread_join(workers[i].thread, NULL);
  return passed;
}

static int begin_round(SoakRound *round) {
  int code = session_open(&round->options->session, &round->session);
  if (code != TOOL_OK) return code;
  if (round->session.device == SPORKLE_DEVICE_AUTO) {
    const sporkle_status status = sporkle_conv2d_select(
        round->session.context, SPORKLE_DEVICE_AUTO, &round->conv->desc, &round->session.device);
    if (status != SPORKLE_OK) return session_exit_code(status);
  }
  round->out->device = session_device(round->session.context, round->session.device);
  if (round->options->faults && !soak_faults_possible(round, round->out->message)) {
    return TOOL_USAGE;
  }
  if (!round->options->virtual_clock) return TOOL_OK;
  return soak_clock_start(round, round->out->message) ? TOOL_OK : TOOL_USAGE;
}

static int run_round(const SoakOptions *options, const SoakCase *conv, double wanted_s,
                     double *passed_s, SoakOutcome *out) {
  SoakRound *round = calloc(1, sizeof *round);
  if (!round) return TOOL_NO_DEVICE;
  round->options = options;
  round->conv = conv;
  round->out = out;
  for (int i = 0; i < SOAK_SLOTS; ++i) pthread_mutex_init(&round->slots[i].lock, NULL);
  const int code = begin_round(round);
  if (code == TOOL_OK) {
    *passed_s = run_threads(round, options->seed + (uint64_t)out->rounds * 7919u, wanted_s);
    soak_drain(round);
    ++out->rounds;
  }
  session_close(&round->session);
  for (int i = 0; i < SOAK_SLOTS; ++i) pthread_mutex_destroy(&round->slots[i].lock);
  free(round);
  return code;
}

static int run_rounds(const SoakOptions *options, const SoakCase *conv, SoakOutcome *out) {
  const int64_t start = timing_now_ns();
  const double length = options->virtual_clock ? virtual_round_s : round_s;
  double left = (double)options->seconds;
  int files = 0, code = TOOL_OK;
  Slope slope = {0};
  while (left > 0 && code == TOOL_OK && atomic_load(&out->counts.broken) == 0 &&
         !(options->virtual_clock && atomic_load(&out->counts.lost) > 0)) {
    double passed = 0;
    code = run_round(options, conv, left < length ? left : length, &passed, out);
    left -= passed;
    if (options->virtual_clock) out->virtual_s += passed;
    out->elapsed_s = timing_ms_since(start) * 1e-3;
    // The first round starts what the process keeps.
    if (out->rounds == 1) files = open_files();
    if (out->rounds > 1) slope_add(&slope, out->elapsed_s, resident_bytes());
  }
  out->open_fds_delta = out->rounds > 0 ? open_files() - files : 0;
  out->rss_slope_bytes_per_s = slope_value(&slope);
  return code;
}

int soak_run(const SoakOptions *options, SoakOutcome *out) {
  memset(out, 0, sizeof *out);
  SoakCase conv;
  int code = TOOL_NO_DEVICE;
  progress_begin("soaking", NULL, 0);
  if (soak_case_create(options->seed, &conv)) code = run_rounds(options, &conv, out);
  progress_end();
  soak_case_destroy(&conv);
  return code == TOOL_OK ? soak_verdict(options, out) : code;
}
