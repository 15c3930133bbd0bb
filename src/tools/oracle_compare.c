#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/oracle.h"
#include "tools/random.h"

typedef struct Sums {
  double difference2, reference2, max_abs;
  int64_t compared, worst;
  bool mismatch;  // NaN or infinity on one side only
} Sums;

static void add_pair(Sums *sums, double reference, float value, int64_t index) {
  ++sums->compared;
  if (isnan(reference) && isnan(value)) return;
  // Also the case that both are the same infinity, as float32 rounds it.
  if ((float)reference == value && !isfinite(value)) return;
  double difference = fabs((double)value - reference);
  if (!isfinite(difference)) {
    if (!sums->mismatch) sums->worst = index;
    sums->mismatch = true;
    return;
  }
  sums->difference2 += difference * difference;
  sums->reference2 += reference * reference;
  if (difference > sums->max_abs) {
    sums->max_abs = difference;
    if (!sums->mismatch) sums->worst = index;
  }
}

static void merge(Sums *into, const Sums *part) {
  if (part->mismatch ? !into->mismatch : !into->mismatch && part->max_abs > into->max_abs) {
    into->worst = part->worst;
  }
  into->difference2 += part->difference2;
  into->reference2 += part->reference2;
  into->compared += part->compared;
  into->mismatch |= part->mismatch;
  if (part->max_abs > into->max_abs) into->max_abs = part->max_abs;
}

static OracleError to_error(const Sums *sums) {
  OracleError error = {0, sums->max_abs, sums->compared, sums->worst};
  if (sums->mismatch) {
    error.rel_l2 = error.max_abs = INFINITY;
  } else if (sums->difference2 > 0) {
    error.rel_l2 = sqrt(sums->difference2 / sums->reference2);
  }
  return error;
}

typedef struct Job {
  const sporkle_conv2d_desc *desc;
  const OracleTensors *tensors;
  const float *output;
  atomic_llong next;
  atomic_llong *planes_done;
  atomic_bool out_of_memory;
  pthread_mutex_t lock;
  Sums sums;
} Job;

static void *compare_planes(void *argument) {
  Job *job = argument;
  const sporkle_conv2d_desc *d = job->desc;
  const int64_t size = oracle_out_h(d) * oracle_out_w(d), planes = d->n * d->k;
  Sums sums = {0};
  double *plane = malloc((size_t)size * sizeof *plane);
  if (!plane) {
    atomic_store(&job->out_of_memory, true);
    return NULL;
  }
  for (;;) {
    int64_t index = atomic_fetch_add(&job->next, 1);
    if (index >= planes) break;
    Sums part = {0};
    oracle_plane(d, job->tensors, index / d->k, index % d->k, plane);
    for (int64_t i = 0; i < size; ++i) {
      add_pair(&part, plane[i], job->output[index * size + i], index * size + i);
    }
    merge(&sums, &part);
    if (job->planes_done) atomic_fetch_add(job->planes_done, 1);
  }
  free(plane);
  pthread_mutex_lock(&job->lock);
  merge(&job->sums, &sums);
  pthread_mutex_unlock(&job->lock);
  return NULL;
}

static int worker_count(int threads, int64_t planes) {
  long count = threads > 0 ? threads : sysconf(_SC_NPROCESSORS_ONLN);
  if (count < 1) count = 1;
  if (count > 16) count = 16;
  return count < planes ? (int)count : (int)planes;
}

bool oracle_compare(const sporkle_conv2d_desc *desc, const OracleTensors *tensors,
                    const float *output, int threads, atomic_llong *planes_done,
                    OracleError *out_error) {
  Job job = {.desc = desc, .tensors = tensors, .output = output, .planes_done = planes_done};
  pthread_mutex_init(&job.lock, NULL);
  pthread_t workers[16];
  int started = 0, wanted = worker_count(threads, desc->n * desc->k) - 1;
  while (started < wanted &&
         pthread_create(&workers[started], NULL, compare_planes, &job) == 0) {
    ++started;
  }
  compare_planes(&job);
  for (int i = 0; i < started; ++i) pthread_join(workers[i], NULL);
  pthread_mutex_destroy(&job.lock);
  *out_error = to_error(&job.sums);
  // A thread without memory leaves its share to the others; all without is a failure.
  return job.sums.compared == oracle_output_count(desc);
}

// A position of the plane; about every fourth one on the border.
static int64_t sample_position(const sporkle_conv2d_desc *d, uint64_t *state) {
  const int64_t out_h = oracle_out_h(d), out_w = oracle_out_w(d);
  int64_t y = (int64_t)((random_next(state) >> 16) % (uint64_t)out_h);
  int64_t x = (int64_t)((random_next(state) >> 16) % (uint64_t)out_w);
  uint64_t side = (random_next(state) >> 32) % 16;
  if (side == 0) y = 0;
  if (side == 1) y = out_h - 1;
  if (side == 2) x = 0;
  if (side == 3) x = out_w - 1;
  return y * out_w + x;
}

void oracle_compare_sample(const sporkle_conv2d_desc *d, const OracleTensors *tensors,
                           const float *output, int64_t samples, uint64_t seed,
                           OracleError *out_error) {
  const int64_t max_planes = 65536;
  const int64_t planes = d->n * d->k, out_w = oracle_out_w(d);
  const int64_t size = oracle_out_h(d) * out_w, total = planes * size;
  const int64_t visited = planes < max_planes ? planes : max_planes;
  uint64_t state = seed | 1u;
  Sums sums = {0};
  if (samples > total) samples = total;
  if (samples < visited) samples = visited;
  for (int64_t i = 0; i < samples; ++i) {
    // With as many samples as outputs each is taken once, else planes in turn.
    int64_t plane = samples == total ? i / size
                    : visited < planes ? (int64_t)((double)(i % visited) * (double)planes /
                                                   (double)visited)
                                       : i % planes;
    int64_t at = samples == total ? i % size : sample_position(d, &state);
    double reference =
        oracle_output(d, tensors, plane / d->k, plane % d->k, at / out_w, at % out_w);
    add_pair(&sums, reference, output[plane * size + at], plane * size + at);
  }
  *out_error = to_error(&sums);
}
