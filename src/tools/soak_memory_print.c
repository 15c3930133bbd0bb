#include <stdio.h>

#include "tools/args.h"
#include "tools/command.h"
#include "tools/json.h"
#include "tools/soak_memory.h"

static void print_json(const SoakOptions *soak, const SoakMemoryOutcome *out, int code) {
  JsonWriter w = json_writer(stdout);
  json_object_begin(&w, NULL);
  json_string(&w, "device", out->device.spec);
  json_string(&w, "name", out->device.name);
  json_integer(&w, "seed", (int64_t)soak->seed);
  json_integer(&w, "contexts", soak->threads);
  json_number(&w, "seconds", out->seconds);
  json_integer(&w, "created_buffers", out->created);
  json_integer(&w, "destroyed_buffers", out->destroyed);
  json_integer(&w, "refused_calls", out->refused);
  json_integer(&w, "verified_ops", out->verified);
  json_integer(&w, "wrong_results", out->wrong);
  json_integer(&w, "wrong_statuses", out->broken);
  json_integer(&w, "leaked", out->leaked);
  json_number(&w, "worst_mapped_over_live", out->worst_ratio);
  json_integer(&w, "most_live_bytes", (int64_t)out->most_live);
  json_integer(&w, "most_mapped_bytes", (int64_t)out->most_mapped);
  json_integer(&w, "map_calls", (int64_t)out->map_calls);
  json_integer(&w, "stalls", (int64_t)out->stalls);
  json_number(&w, "calm_steps_per_s", out->rates[SOAK_CALM]);
  json_number(&w, "pressure_steps_per_s", out->rates[SOAK_PRESSURE]);
  json_number(&w, "scarce_steps_per_s", out->rates[SOAK_SCARCE]);
  json_number(&w, "pressure_over_calm", out->pressure_over_calm);
  json_number(&w, "pressure_over_calm_at_most", out->pressure_at_most);
  json_bool(&w, "passed", code == TOOL_OK);
  json_object_end(&w);
  putchar('\n');
}

static void print_text(const SoakMemoryOutcome *out, int code) {
  printf("%s, %.1f s: %lld buffers made, %lld calls refused for want of memory, %lld operations "
         "verified\n", out->device.spec, out->seconds, out->created, out->refused, out->verified);
  printf("mapped at most %.2f x live (live up to %.0f MB, %llu map calls)\n", out->worst_ratio,
         (double)out->most_live * 1e-6, out->map_calls);
  printf("steps per second: calm %.0f, under pressure %.0f (%.2f x), memory scarce %.0f\n",
         out->rates[SOAK_CALM], out->rates[SOAK_PRESSURE], out->pressure_over_calm,
         out->rates[SOAK_SCARCE]);
  printf("wrong %lld, wrong statuses %lld, leaked %lld\n%s\n", out->wrong, out->broken,
         out->leaked, code == TOOL_OK ? "passed" : "FAILED");
}

void soak_memory_print(const SoakOptions *options, const SoakMemoryOutcome *out, int code,
                       bool json) {
  if (out->message[0]) usage_error("%s", out->message);
  if (json) {
    print_json(options, out, code);
  } else {
    print_text(out, code);
  }
}
