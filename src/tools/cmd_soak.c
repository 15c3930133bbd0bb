#include <stdio.h>

#include "tools/args.h"
#include "tools/json.h"
#include "tools/soak_memory.h"

enum { OPT_SECONDS, OPT_SEED, OPT_DEVICE, OPT_FAULTS, OPT_VIRTUAL, OPT_MEMORY, OPT_THREADS,
       OPT_JSON };

static const OptionSpec options[] = {
    [OPT_SECONDS] = {"--seconds", "N", "how long; default 10"},
    [OPT_SEED] = {"--seed", "S", "of the random actions; default 1"},
    [OPT_DEVICE] = {"--device", "D", "auto, cpu, gl, gl:1, null ...; see sporkle info"},
    [OPT_FAULTS] = {"--faults", NULL, "inject faults: null device, or gl behind the provider"},
    [OPT_VIRTUAL] = {"--virtual", NULL, "count seconds on a virtual clock: null device, virtual GPU"},
    [OPT_MEMORY] = {"--memory", NULL, "random buffers instead; --threads: contexts, default 1"},
    [OPT_THREADS] = {"--threads", "N", "threads that act, 1 to 64; default 4"},
    [OPT_JSON] = {"--json", NULL, "print JSON"},
};

static bool apply_option(const Arg *arg, SoakOptions *soak, bool *json) {
  int64_t value = 0;
  switch (arg->option) {
    case OPT_SECONDS: return arg_integer(arg, 1, 100000000, &soak->seconds);
    case OPT_SEED:
      if (!arg_integer(arg, 0, INT64_MAX, &value)) return false;
      soak->seed = (uint64_t)value;
      return true;
    case OPT_THREADS:
      if (!arg_integer(arg, 1, 64, &value)) return false;
      soak->threads = (int)value;
      return true;
    case OPT_DEVICE: soak->session.device = arg->value; return true;
    case OPT_FAULTS: return soak->faults = true;
    case OPT_VIRTUAL: return soak->virtual_clock = true;
    case OPT_MEMORY: return soak->memory = true;
    default: return *json = true;
  }
}

static void print_json(const SoakOptions *soak, const SoakOutcome *out, int code) {
  const SoakCounts *c = &out->counts;
  JsonWriter w = json_writer(stdout);
  json_object_begin(&w, NULL);
  json_string(&w, "device", out->device.spec);
  json_string(&w, "name", out->device.name);
  json_integer(&w, "seed", (int64_t)soak->seed);
  json_integer(&w, "threads", soak->threads);
  json_integer(&w, "rounds", out->rounds);
  json_number(&w, "seconds", out->elapsed_s);
  json_number(&w, "virtual_seconds", out->virtual_s);
  json_integer(&w, "submitted_ops", c->submitted);
  json_integer(&w, "verified_ops", c->verified);
  json_integer(&w, "failed_ops", c->failed);
  json_integer(&w, "destroyed_early", c->destroyed_early);
  json_integer(&w, "injected_faults", c->faults);
  json_integer(&w, "lost_completions", c->lost);
  json_integer(&w, "extra_completions", c->extra);
  json_integer(&w, "wrong_results", c->wrong);
  json_integer(&w, "wrong_statuses", c->broken);
  json_integer(&w, "longest_wait_ns", c->longest_wait_ns);
  json_integer(&w, "longest_overrun_ns", c->longest_overrun_ns);
  json_number(&w, "rss_slope_bytes_per_s", out->rss_slope_bytes_per_s);
  json_integer(&w, "open_fds_delta", out->open_fds_delta);
  json_bool(&w, "passed", code == TOOL_OK);
  json_object_end(&w);
  putchar('\n');
}

static void print_text(const SoakOutcome *out, int code) {
  const SoakCounts *c = &out->counts;
  printf("%s, %d rounds, %.1f s", out->device.spec, out->rounds, out->elapsed_s);
  if (out->virtual_s > 0) printf(", %.0f s of virtual time", out->virtual_s);
  printf("\n%lld operations: %lld verified, %lld failed by %lld faults, %lld fences destroyed "
         "early\n", (long long)c->submitted, (long long)c->verified, (long long)c->failed,
         (long long)c->faults, (long long)c->destroyed_early);
  printf("lost %lld, extra %lld, wrong results %lld, wrong statuses %lld\n", (long long)c->lost,
         (long long)c->extra, (long long)c->wrong, (long long)c->broken);
  printf("longest wait %.3f ms, latest end of a wait %.3f ms, memory %+.0f bytes/s, open files "
         "%+d\n%s\n", (double)c->longest_wait_ns * 1e-6, (double)c->longest_overrun_ns * 1e-6,
         out->rss_slope_bytes_per_s, out->open_fds_delta, code == TOOL_OK ? "passed" : "FAILED");
}

static int run_memory(const SoakOptions *soak, bool json) {
  if (soak->faults || soak->virtual_clock) {
    return usage_error("soak: --memory goes with neither --faults nor --virtual");
  }
  if (soak->threads > SOAK_CONTEXTS) {
    return usage_error("soak: --memory: at most %d contexts", SOAK_CONTEXTS);
  }
  SoakMemoryOutcome out;
  const int code = soak_memory_run(soak, &out);
  if (code == TOOL_OK || code == TOOL_WRONG_RESULT) soak_memory_print(soak, &out, code, json);
  return code;
}

static int run_soak(const Command *self, int argc, char **argv) {
  SoakOptions soak = {.seconds = 10, .seed = 1};
  SoakOutcome out;
  bool json = false;
  ArgReader reader = {self, argc, argv, 0, false};
  for (;;) {
    Arg arg = arg_next(&reader);
    if (arg.kind == ARG_ERROR) return TOOL_USAGE;
    if (arg.kind == ARG_END) break;
    if (arg.kind == ARG_POSITIONAL) return usage_error("soak: \"%s\": takes none", arg.value);
    if (!apply_option(&arg, &soak, &json)) return TOOL_USAGE;
  }
  if (soak.threads == 0) soak.threads = soak.memory ? 1 : 4;
  if (soak.memory) return run_memory(&soak, json);
  const int code = soak_run(&soak, &out);
  if (out.message[0]) usage_error("%s", out.message);
  if (out.rounds == 0) return code;
  if (json) {
    print_json(&soak, &out, code);
  } else {
    print_text(&out, code);
  }
  return code;
}

const Command command_soak = {
    .name = "soak",
    .arguments = "[OPTIONS]",
    .summary = "Submits, polls, waits and destroys from many threads, verifying every output.",
    .details =
        "Rounds of two seconds (or an hour of virtual time), each with a context of its own.\n"
        "Fails when a fence never ends, ends over an output that is not there, or changes its\n"
        "end, when an output is wrong, when a wait is 2 s late or files are left open.\n"
        "\n"
        "--memory: buffers of 1 byte to 4 MiB come and go between operations, few of them, then\n"
        "hundreds, then while the allocator fails at random. Fails when mapped bytes reach 1.8\n"
        "times the live ones of 40 MiB and more, when three in four phases with hundreds are\n"
        "more than 20 % below those with few before and after, and when anything is wrong or\n"
        "left over.",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .run = run_soak,
};
