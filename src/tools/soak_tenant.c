#include "tools/soak_tenant.h"

#include <stdio.h>
#include <string.h>

#include "tools/command.h"
#include "tools/random.h"
#include "tools/timing.h"

enum { FEW = 12, LARGEST_OCTAVE = 21 };
static const uint64_t worth_counting = UINT64_C(40) << 20;
static const double longest_phase_s = 1;

static void complain(Tenant *t, const char *what, sporkle_status status) {
  char text[512];
  if (t->sum.broken++ != 0) return;
  snprintf(t->sum.message, sizeof t->sum.message, "%s: %s", what,
           session_error_text(status, text));
}

// Whether a call did its work; a refusal for want of memory is no mistake while
// memory is scarce.
static bool done(Tenant *t, const char *what, sporkle_status status, bool scarce) {
  if (status == SPORKLE_OK) return true;
  if (scarce && (status == SPORKLE_ERROR_OUT_OF_MEMORY || status == SPORKLE_ERROR_OVERFLOW)) {
    ++t->sum.refused;
  } else {
    complain(t, what, status);
  }
  return false;
}

static sporkle_status make(Tenant *t, uint64_t size, uint32_t usage, sporkle_buffer *out) {
  sporkle_buffer_desc desc = SPORKLE_BUFFER_DESC_INIT;
  desc.device = t->session.device;
  desc.size = size;
  desc.usage = usage;
  return sporkle_buffer_create(t->session.context, &desc, out);
}

// 1 byte to 4 MiB, every power of two as often as the others.
static uint64_t random_size(uint64_t *random) {
  const uint64_t octave = UINT64_C(1) << random_next(random) % (LARGEST_OCTAVE + 1);
  return octave + random_next(random) % octave;
}

static char *bytes_of(const Held *held) {
  void *data = NULL;
  return sporkle_buffer_data(held->buffer, &data) == SPORKLE_OK ? data : NULL;
}

// The first and the last bytes carry a mark that nobody else has.
static void write_mark(const Held *held) {
  char *data = bytes_of(held);
  if (data == NULL || held->size < 2 * sizeof held->mark) return;
  memcpy(data, &held->mark, sizeof held->mark);
  memcpy(data + held->size - sizeof held->mark, &held->mark, sizeof held->mark);
}

static void check_mark(Tenant *t, const Held *held) {
  const char *data = bytes_of(held);
  if (data == NULL || held->size < 2 * sizeof held->mark) return;
  if (memcmp(data, &held->mark, sizeof held->mark) != 0 ||
      memcmp(data + held->size - sizeof held->mark, &held->mark, sizeof held->mark) != 0) {
    ++t->sum.wrong;
  }
}

static void let_go(Tenant *t, uint32_t index) {
  check_mark(t, &t->held[index]);
  done(t, "sporkle_buffer_destroy", sporkle_buffer_destroy(t->held[index].buffer), false);
  ++t->sum.destroyed;
  t->held[index] = t->held[--t->count];
}

static void add_buffer(Tenant *t, bool scarce) {
  Held *held = &t->held[t->count];
  held->size = random_size(&t->random);
  // Sizes that no device has, now and then.
  if (scarce && random_next(&t->random) % 16 == 0) {
    held->size = UINT64_C(1) << (44 + random_next(&t->random) % 18);
  }
  held->mark = random_next(&t->random);
  if (!done(t, "sporkle_buffer_create", make(t, held->size, 0, &held->buffer), scarce)) return;
  write_mark(held);
  ++t->count;
  ++t->sum.created;
}

static void churn(Tenant *t, int phase) {
  if (t->count < t->target) {
    add_buffer(t, phase == SOAK_SCARCE);
  } else if (t->count > 0) {
    let_go(t, (uint32_t)(random_next(&t->random) % t->count));
    if (t->count >= t->target) return;
    // A new height of the wave, now and then.
    const uint32_t most = phase == SOAK_CALM ? FEW : TENANT_MOST_BUFFERS;
    if (random_next(&t->random) % 100 == 0) {
      t->target = most / 2 + (uint32_t)(random_next(&t->random) % (most / 2));
    }
  }
}

static void note_memory(Tenant *t) {
  sporkle_stats s = SPORKLE_STATS_INIT;
  if (sporkle_context_stats(t->session.context, &s) != SPORKLE_OK) return;
  if (s.buffer_bytes > t->sum.most_live) t->sum.most_live = s.buffer_bytes;
  if (s.mapped_bytes > t->sum.most_mapped) t->sum.most_mapped = s.mapped_bytes;
  t->sum.map_calls = s.map_calls;
  t->sum.stalls = s.stalls;
  if (s.buffer_bytes < worth_counting) return;
  const double ratio = (double)s.mapped_bytes / (double)s.buffer_bytes;
  if (ratio > t->sum.worst_ratio) t->sum.worst_ratio = ratio;
}

static void check_output(Tenant *t, const float *data, int variant) {
  for (size_t i = 0; i < t->conv->output_count; ++i) {
    const float want = t->conv->outputs[variant][i], off = data[i] - want;
    if (off <= 1e-4f && off >= -1e-4f) continue;
    ++t->sum.wrong;
    return;
  }
  ++t->sum.verified;
}

static void convolve(Tenant *t, bool scarce) {
  const SoakCase *conv = t->conv;
  const int variant = (int)(random_next(&t->random) % SOAK_VARIANTS);
  const uint64_t in = conv->input_count * sizeof(float), out = conv->output_count * sizeof(float);
  void *input = NULL, *output = NULL;
  sporkle_buffer_data(t->input, &input);
  sporkle_buffer_data(t->output, &output);
  memcpy(input, conv->inputs[variant], in);
  memset(output, 0xff, out);
  sporkle_fence fence = NULL;
  sporkle_plan_bindings bindings = SPORKLE_PLAN_BINDINGS_INIT;
  bindings.input.buffer = t->input;
  bindings.output.buffer = t->output;
  if (!done(t, "sporkle_buffer_flush", sporkle_buffer_flush(t->input, 0, in), scarce) ||
      !done(t, "sporkle_buffer_flush", sporkle_buffer_flush(t->output, 0, out), scarce) ||
      !done(t, "sporkle_plan_submit", sporkle_plan_submit(t->plan, &bindings, &fence), scarce)) {
    return;
  }
  const sporkle_status ended = sporkle_fence_wait(fence, UINT64_C(20000000000));
  done(t, "sporkle_fence_destroy", sporkle_fence_destroy(fence), false);
  if (!done(t, "sporkle_fence_wait", ended, scarce) ||
      !done(t, "sporkle_buffer_invalidate", sporkle_buffer_invalidate(t->output, 0, out), scarce)) {
    return;
  }
  check_output(t, output, variant);
}

// One phase: the waves settle first, then the steps are counted.
static void run_phase(Tenant *t, int phase, double length_s) {
  t->target = phase == SOAK_CALM ? FEW : TENANT_MOST_BUFFERS - 1;
  while (t->count > t->target) let_go(t, t->count - 1);
  const bool scarce = phase == SOAK_SCARCE;
  while (phase == SOAK_PRESSURE && t->count < t->target && t->sum.broken == 0) {
    add_buffer(t, false);
  }
  atomic_store(&t->purse.one_in, scarce ? 40 : 0);
  const int64_t start = timing_now_ns();
  long long steps = 0;
  while (timing_ms_since(start) < length_s * 1e3 && t->sum.broken == 0) {
    churn(t, phase);
    convolve(t, scarce);
    note_memory(t);
    ++steps;
  }
  atomic_store(&t->purse.one_in, 0);
  int *samples = &t->sample_count[phase];
  if (*samples == TENANT_MOST_SAMPLES) return;
  t->samples[phase][(*samples)++] = (double)steps / (timing_ms_since(start) * 1e-3);
}

static bool prepare(Tenant *t) {
  const SoakCase *conv = t->conv;
  return done(t, "sporkle_plan_create",
              sporkle_plan_create(t->session.context, t->session.device, &conv->desc,
                                  conv->weights, conv->bias, &t->plan), false) &&
         done(t, "sporkle_buffer_create",
              make(t, conv->input_count * sizeof(float), 0, &t->input), false) &&
         done(t, "sporkle_buffer_create",
              make(t, conv->output_count * sizeof(float), 0, &t->output), false);
}

void *tenant_live(void *argument) {
  Tenant *t = argument;
  const double total_s = (double)t->options->seconds;
  // Short runs see every phase twenty times, too.
  const double wanted_s = total_s / (20 * SOAK_PHASES);
  const double length_s = wanted_s < longest_phase_s ? wanted_s : longest_phase_s;
  for (int round = 0; t->sum.broken == 0; ++round) {
    if (timing_ms_since(t->start_ns) * 1e-3 >= total_s && round >= SOAK_PHASES) break;
    run_phase(t, round % SOAK_PHASES, length_s);
  }
  while (t->count > 0) let_go(t, t->count - 1);
  return NULL;
}

int tenant_open(Tenant *t) {
  soak_purse_init(&t->purse, t->random);
  SessionOptions session = t->options->session;
  session.allocator = &t->purse.callbacks;
  const int code = session_open(&session, &t->session);
  if (code != TOOL_OK) return code;
  if (t->session.device == SPORKLE_DEVICE_AUTO) {
    const sporkle_status status = sporkle_conv2d_select(
        t->session.context, SPORKLE_DEVICE_AUTO, &t->conv->desc, &t->session.device);
    if (status != SPORKLE_OK) return session_exit_code(status);
  }
  t->sum.device = session_device(t->session.context, t->session.device);
  return prepare(t) ? TOOL_OK : TOOL_WRONG_RESULT;
}

void tenant_close(Tenant *t) {
  if (t->plan) sporkle_plan_destroy(t->plan);
  if (t->input) sporkle_buffer_destroy(t->input);
  if (t->output) sporkle_buffer_destroy(t->output);
  sporkle_stats s = SPORKLE_STATS_INIT;
  if (t->session.context && sporkle_context_stats(t->session.context, &s) == SPORKLE_OK) {
    t->sum.leaked += (long long)s.buffer_bytes + s.fences_now;
  }
  session_close(&t->session);
  t->sum.leaked += atomic_load(&t->purse.live) + atomic_load(&t->purse.blocks);
}
