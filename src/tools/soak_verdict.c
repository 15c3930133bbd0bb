#include <math.h>
#include <stdio.h>

#include "tools/command.h"
#include "tools/soak.h"

// Says why, unless something went wrong before.
static void explain(SoakOutcome *out, const char *text, double value) {
  if (!out->message[0]) snprintf(out->message, sizeof out->message, text, value);
}

// A context that a driver does not let go of is set aside with its files: injected
// faults on an OpenGL device may leave some.
static bool files_count(const SoakOptions *options, const SoakOutcome *out) {
  return !(options->faults && out->device.kind == SPORKLE_DEVICE_KIND_GL);
}

int soak_verdict(const SoakOptions *options, SoakOutcome *out) {
  const SoakCounts *c = &out->counts;
  bool clean = c->lost == 0 && c->extra == 0 && c->wrong == 0 && c->broken == 0;
  if (c->longest_overrun_ns > SOAK_OVERRUN_LIMIT_NS) {
    explain(out, "a wait returned %.3f s behind its deadline", (double)c->longest_overrun_ns * 1e-9);
    clean = false;
  }
  if (out->open_fds_delta > 0 && files_count(options, out)) {
    explain(out, "%.0f more open files at the end than after the first round",
            out->open_fds_delta);
    clean = false;
  }
  if (out->elapsed_s >= SOAK_GROWTH_SECONDS && out->rounds >= SOAK_GROWTH_ROUNDS &&
      out->rss_slope_bytes_per_s > SOAK_GROWTH_LIMIT) {
    explain(out, "resident memory grew by %.0f bytes per second", out->rss_slope_bytes_per_s);
    clean = false;
  }
  return clean && c->verified > 0 ? TOOL_OK : TOOL_WRONG_RESULT;
}

double soak_median_at_most(const double *sorted, int count) {
  // The number of samples below the true median is binomial: half of them, and as many more
  // as 2.33 standard deviations are.
  const int index = (int)(0.5 * count + 1.163 * sqrt(count));
  return sorted[index < count ? index : count - 1];
}
