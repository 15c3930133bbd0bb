#include "tools/soak_memory.h"

#include <stdlib.h>
#include <string.h>

#include "tools/command.h"
#include "tools/progress.h"
#include "tools/soak_tenant.h"
#include "tools/timing.h"

// Beside a build 8 runs of 5 s on llvmpipe reached 1.62.
static const double most_ratio = 1.8, least_rate = 0.8;

// Appends the ratios of neighbours to `ratios`, of `count` so far. Returns their new number.
static int pair_up(const Tenant *t, double *ratios, int count) {
  const double *calm = t->samples[SOAK_CALM], *pressure = t->samples[SOAK_PRESSURE];
  for (int i = 0; i < t->sample_count[SOAK_PRESSURE]; ++i) {
    const bool last = i + 1 >= t->sample_count[SOAK_CALM];
    const double around = last ? calm[i] : (calm[i] + calm[i + 1]) / 2;
    if (around > 0) ratios[count++] = pressure[i] / around;
  }
  return count;
}

static bool compare_phases(const Tenant *tenants, int count, SoakMemoryOutcome *out) {
  double *ratios = malloc((size_t)count * TENANT_MOST_SAMPLES * sizeof *ratios);
  if (ratios == NULL) return false;
  int pairs = 0;
  for (int i = 0; i < count; ++i) pairs = pair_up(&tenants[i], ratios, pairs);
  if (pairs > 0) {
    out->pressure_over_calm = timing_median(ratios, pairs);
    out->pressure_at_most = soak_median_at_most(ratios, pairs);
  }
  free(ratios);
  return true;
}

static void add_up(Tenant *t, SoakMemoryOutcome *out) {
  const SoakMemoryOutcome *s = &t->sum;
  out->device = s->device;
  out->created += s->created;
  out->destroyed += s->destroyed;
  out->refused += s->refused;
  out->verified += s->verified;
  out->wrong += s->wrong;
  out->broken += s->broken;
  out->leaked += s->leaked;
  out->map_calls += s->map_calls;
  out->stalls += s->stalls;
  if (s->most_live > out->most_live) out->most_live = s->most_live;
  if (s->most_mapped > out->most_mapped) out->most_mapped = s->most_mapped;
  if (s->worst_ratio > out->worst_ratio) out->worst_ratio = s->worst_ratio;
  if (out->message[0] == '\0') memcpy(out->message, s->message, sizeof out->message);
  // Afterwards the samples are sorted.
  for (int p = 0; p < SOAK_PHASES; ++p) {
    if (t->sample_count[p] == 0) continue;
    out->rates[p] += timing_median(t->samples[p], t->sample_count[p]);
  }
}

static int run_tenants(Tenant *tenants, int count) {
  int code = TOOL_OK, opened = 0, started = 0;
  for (; opened < count && code == TOOL_OK; ++opened) code = tenant_open(&tenants[opened]);
  const int64_t start = timing_now_ns();
  for (; started < count && code == TOOL_OK; ++started) {
    tenants[started].start_ns = start;
    if (pthread_create(&tenants[started].thread, NULL, tenant_live, &tenants[started]) != 0) break;
  }
  for (int i = 0; i < started; ++i) pthread_join(tenants[i].thread, NULL);
  for (int i = 0; i < opened; ++i) tenant_close(&tenants[i]);
  return started == count || code != TOOL_OK ? code : TOOL_NO_DEVICE;
}

static bool passed(const SoakMemoryOutcome *out) {
  return out->wrong == 0 && out->broken == 0 && out->leaked == 0 && out->verified > 0 &&
         out->worst_ratio < most_ratio && out->pressure_at_most >= least_rate;
}

int soak_memory_run(const SoakOptions *options, SoakMemoryOutcome *out) {
  memset(out, 0, sizeof *out);
  const int count = options->threads;
  SoakCase conv = {0};
  Tenant *tenants = calloc((size_t)count, sizeof *tenants);
  int code = TOOL_NO_DEVICE;
  progress_begin("soaking memory", NULL, 0);
  const int64_t start = timing_now_ns();
  if (tenants != NULL && soak_case_create(options->seed, &conv)) {
    for (int i = 0; i < count; ++i) {
      tenants[i].options = options;
      tenants[i].conv = &conv;
      tenants[i].random = (options->seed * 1000003u + (uint64_t)i) * 0x9e3779b97f4a7c15u | 1u;
    }
    code = run_tenants(tenants, count);
    if (code == TOOL_OK && !compare_phases(tenants, count, out)) code = TOOL_NO_DEVICE;
    for (int i = 0; i < count; ++i) add_up(&tenants[i], out);
  }
  progress_end();
  out->seconds = timing_ms_since(start) * 1e-3;
  soak_case_destroy(&conv);
  free(tenants);
  if (code != TOOL_OK) return code;
  return passed(out) ? TOOL_OK : TOOL_WRONG_RESULT;
}
