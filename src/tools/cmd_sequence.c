#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tools/args.h"
#include "tools/chain_file.h"
#include "tools/conv_print.h"
#include "tools/out_file.h"
#include "tools/sequence_run.h"

enum {
  OPT_FILE, OPT_RESNET50, OPT_BATCH, OPT_DEVICE, OPT_REPEAT, OPT_JSON, OPT_THREADS, OPT_ISA,
  OPT_REPRODUCIBLE
};
enum { MOST_REPEAT = 1000, MOST_BATCH = 65536 };

static const OptionSpec options[] = {
    [OPT_FILE] = {"--file", "CHAIN", "the steps, one per line"},
    [OPT_RESNET50] = {"--resnet50", NULL, "the 52 convolutions of ResNet-50 behind its pooling"},
    [OPT_BATCH] = {"--batch", "N", "images, instead of every mb; ResNet-50: default 1"},
    [OPT_DEVICE] = {"--device", "D", "auto, cpu, gl, gl:1, null ...; see sporkle info"},
    [OPT_REPEAT] = {"--repeat", "N", "timed calls; default: 5 or more, for 0.2 s"},
    [OPT_JSON] = {"--json", "FILE", "write JSON as well; - prints it instead of text"},
    [OPT_THREADS] = {"--threads", "N", "CPU threads, instead of SPORKLE_THREADS"},
    [OPT_ISA] = {"--isa", "NAME", "CPU instruction set, instead of SPORKLE_CPU_ISA"},
    [OPT_REPRODUCIBLE] = {"--reproducible", NULL, "same bits for any thread count and batch split"},
};

typedef struct Request {
  SessionOptions session;
  const char *file, *json;
  bool resnet50;
  int64_t batch;  // 0: not given
  int repeat;
} Request;

static bool apply_number(const Arg *arg, Request *request) {
  const int64_t maximum = arg->option == OPT_BATCH     ? MOST_BATCH
                          : arg->option == OPT_THREADS ? 4096
                                                       : MOST_REPEAT;
  int64_t value = 0;
  if (!arg_integer(arg, 1, maximum, &value)) return false;
  if (arg->option == OPT_BATCH) request->batch = value;
  if (arg->option == OPT_REPEAT) request->repeat = (int)value;
  if (arg->option == OPT_THREADS) request->session.threads = (uint32_t)value;
  return true;
}

static bool apply_option(const Arg *arg, Request *request) {
  switch (arg->option) {
    case OPT_FILE: request->file = arg->value; return true;
    case OPT_RESNET50: request->resnet50 = true; return true;
    case OPT_DEVICE: request->session.device = arg->value; return true;
    case OPT_JSON: request->json = arg->value; return true;
    case OPT_ISA: request->session.isa = arg->value; return true;
    case OPT_REPRODUCIBLE: request->session.reproducible = 1; return true;
    default: return apply_number(arg, request);
  }
}

static int read_request(const Command *self, int argc, char **argv, Request *out) {
  ArgReader reader = {self, argc, argv, 0, false};
  for (;;) {
    const Arg arg = arg_next(&reader);
    if (arg.kind == ARG_ERROR) return TOOL_USAGE;
    if (arg.kind == ARG_END) break;
    if (arg.kind == ARG_POSITIONAL) {
      return usage_error("sequence: unexpected argument \"%s\"", arg.value);
    }
    if (!apply_option(&arg, out)) return TOOL_USAGE;
  }
  if (!out->file == !out->resnet50) {
    return usage_error("sequence: needs --file CHAIN or --resnet50, and not both");
  }
  return TOOL_OK;
}

static int read_network(const Request *request, Network *out) {
  if (request->file) return chain_file_read(request->file, request->batch, out);
  if (network_resnet50(out, request->batch > 0 ? request->batch : 1, 64, 56)) return TOOL_OK;
  usage_error("sequence: not enough memory for the weights");
  return TOOL_NO_DEVICE;
}

static void print_text(const char *name, const Network *network, const SequenceOutcome *o) {
  conv_print_device(stdout, &o->device);
  printf("%-11s %s: %u steps, batch %lld, %.4g GFLOP\n", "sequence", name, network->count,
         (long long)network->steps[0].desc.n, o->flops * 1e-9);
  printf("%-11s %s\n", "algorithm", o->plan.algorithm);
  printf("%-11s %llu bytes of weights, %llu bytes of scratch memory\n", "memory",
         (unsigned long long)o->plan.packed_bytes, (unsigned long long)o->plan.workspace_bytes);
  if (o->device.flags & SPORKLE_DEVICE_SIMULATED) {
    printf("%-11s not reported: the device is simulated\n", "time");
  } else if (o->verified) {
    const char *note = conv_device_note(&o->device);
    printf("%-11s %.4g ms, median of %d calls, fastest %.4g ms\n", "time", o->ms_median,
           o->repeat, o->ms_min);
    printf("%-11s %.4g GFLOP/s%s%s\n", "rate", sequence_gflops(o), note[0] ? ", " : "", note);
  }
  printf("%-11s relative L2 %.3g from the steps one by one, %.3g the worst step: %s\n", "error",
         o->error, o->step_error, o->verified ? "verified" : "WRONG");
}

static void print_json(FILE *stream, const char *name, const Network *network,
                       const SequenceOutcome *o) {
  JsonWriter writer = json_writer(stream);
  json_object_begin(&writer, NULL);
  json_string(&writer, "sequence", name);
  json_integer(&writer, "steps", network->count);
  json_integer(&writer, "batch", network->steps[0].desc.n);
  conv_print_device_json(&writer, &o->device, o->plan.algorithm);
  json_integer(&writer, "packed_bytes", (int64_t)o->plan.packed_bytes);
  json_integer(&writer, "workspace_bytes", (int64_t)o->plan.workspace_bytes);
  json_number(&writer, "ms_plan", o->ms_plan);
  json_number(&writer, "ms_first", o->ms_first);
  json_number(&writer, "ms_median", o->ms_median);
  json_number(&writer, "ms_min", o->ms_min);
  json_number(&writer, "ms_device_median", o->ms_device_median);
  json_integer(&writer, "repeat", o->repeat);
  json_number(&writer, "flops", o->flops);
  json_number(&writer, "gflops", sequence_gflops(o));
  json_number(&writer, "rel_l2_error", o->error);
  json_number(&writer, "step_rel_l2_error", o->step_error);
  json_bool(&writer, "verified", o->verified);
  json_string(&writer, "error", o->message[0] ? o->message : NULL);
  json_object_end(&writer);
}

static int write_json(const char *path, const char *name, const Network *network,
                      const SequenceOutcome *outcome) {
  OutFile file;
  if (strcmp(path, "-") == 0) {
    print_json(stdout, name, network, outcome);
    return TOOL_OK;
  }
  if (out_file_open(&file, path) == 0) {
    print_json(file.stream, name, network, outcome);
    if (out_file_close(&file, true) == 0) return TOOL_OK;
  }
  return usage_error("sequence: %s: %s", path, file.reason);
}

static int run_network(const Request *request, const Network *network) {
  const char *name = request->file ? request->file : "ResNet-50";
  Session session;
  SequenceOutcome outcome;
  int code = session_open(&request->session, &session);
  if (code != TOOL_OK) return code;
  code = sequence_run(&session, network, request->repeat, &outcome);
  session_close(&session);
  if (outcome.message[0]) usage_error("sequence: %s", outcome.message);
  if (code != TOOL_OK && code != TOOL_WRONG_RESULT) return code;
  const bool text = !request->json || strcmp(request->json, "-") != 0;
  if (text) print_text(name, network, &outcome);
  const int written = request->json ? write_json(request->json, name, network, &outcome) : TOOL_OK;
  return code == TOOL_OK ? written : code;
}

static int run_sequence(const Command *self, int argc, char **argv) {
  Request request = {0};
  Network network;
  OutFile file;
  int code = read_request(self, argc, argv, &request);
  if (code == TOOL_OK) code = read_network(&request, &network);
  if (code != TOOL_OK) return code;
  if (request.json && strcmp(request.json, "-") != 0 && out_file_check(&file, request.json) != 0) {
    code = usage_error("sequence: %s: %s", request.json, file.reason);
  } else {
    code = run_network(&request, &network);
  }
  network_free(&network);
  return code;
}

const Command command_sequence = {
    .name = "sequence",
    .arguments = "--file CHAIN | --resnet50 [OPTIONS]",
    .summary = "Runs a chain of convolutions as one plan, verifies and times it.",
    .details =
        "A line of CHAIN is a PROBLEM (as for conv2d) and any of: bias, relu, clamp=MIN,MAX,\n"
        "input=T, residual=T. Tensor 0 is the input of the chain, T the output of the T-th\n"
        "step; a step reads that of the step before unless input says otherwise. Every step\n"
        "alone is compared with double precision, then the chain with them, then it is timed.",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .run = run_sequence,
};
