#include <stdio.h>
#include <string.h>

#include "tools/args.h"
#include "tools/pipeline_print.h"

enum {
  OPT_BATCHES, OPT_SLOTS, OPT_MODE, OPT_DEVICE, OPT_VERIFY, OPT_REPEAT, OPT_JSON, OPT_BIAS,
  OPT_RESIDUAL, OPT_RELU, OPT_CLAMP, OPT_THREADS, OPT_ISA, OPT_REPRODUCIBLE
};

static const OptionSpec options[] = {
    [OPT_BATCHES] = {"--batches", "B", "operations in one pass, each with its own input"},
    [OPT_SLOTS] = {"--slots", "S", "slots of the executor, 1 to 256; default 3"},
    [OPT_MODE] = {"--mode", "sync|async", "one batch at a time, or all slots busy (default)"},
    [OPT_DEVICE] = {"--device", "D", "auto, cpu, gl, gl:1, null ...; see sporkle info"},
    [OPT_VERIFY] = {"--verify", NULL, "compare every batch with double precision"},
    [OPT_REPEAT] = {"--repeat", "N", "timed passes; default: 3 or more, for 0.2 s"},
    [OPT_JSON] = {"--json", NULL, "print JSON"},
    [OPT_BIAS] = {"--bias", "B.npy|random", "add one value per output channel"},
    [OPT_RESIDUAL] = {"--residual", "random", "add a tensor before the activation"},
    [OPT_RELU] = {"--relu", NULL, "activation max(x, 0)"},
    [OPT_CLAMP] = {"--clamp", "MIN,MAX", "activation min(max(x, MIN), MAX)"},
    [OPT_THREADS] = {"--threads", "N", "CPU threads, instead of SPORKLE_THREADS"},
    [OPT_ISA] = {"--isa", "NAME", "CPU instruction set, instead of SPORKLE_CPU_ISA"},
    [OPT_REPRODUCIBLE] = {"--reproducible", NULL, "same bits for any thread count and batch split"},
};

typedef struct Request {
  const char *problem;
  SessionOptions session;
  ConvInputs inputs;
  PipelineOptions pipeline;
  bool json;
} Request;

static bool apply_number(const Arg *arg, Request *request) {
  const int64_t maximum = arg->option == OPT_SLOTS     ? 256
                          : arg->option == OPT_THREADS ? 4096
                                                       : 100000;
  int64_t value = 0;
  if (!arg_integer(arg, 1, maximum, &value)) return false;
  switch (arg->option) {
    case OPT_BATCHES: request->pipeline.batches = value; return true;
    case OPT_SLOTS: request->pipeline.slots = (uint32_t)value; return true;
    case OPT_REPEAT: request->pipeline.repeat = (int)value; return true;
    default: request->session.threads = (uint32_t)value; return true;
  }
}

static bool apply_mode(const Arg *arg, Request *request) {
  if (strcmp(arg->value, "sync") != 0 && strcmp(arg->value, "async") != 0) {
    usage_error("--mode: \"%s\" is neither sync nor async", arg->value);
    return false;
  }
  request->pipeline.mode = strcmp(arg->value, "sync") == 0 ? PIPELINE_SYNC : PIPELINE_ASYNC;
  return true;
}

static bool apply_residual(const Arg *arg, ConvInputs *inputs) {
  inputs->residual = arg->value;
  if (strcmp(arg->value, "random") == 0) return true;
  usage_error("--residual: \"%s\": every batch has its own, so only \"random\"", arg->value);
  return false;
}

static bool apply_option(const Arg *arg, Request *request) {
  ConvInputs *inputs = &request->inputs;
  switch (arg->option) {
    case OPT_MODE: return apply_mode(arg, request);
    case OPT_DEVICE: request->session.device = arg->value; return true;
    case OPT_ISA: request->session.isa = arg->value; return true;
    case OPT_REPRODUCIBLE: request->session.reproducible = 1; return true;
    case OPT_VERIFY: request->pipeline.verify = true; return true;
    case OPT_JSON: request->json = true; return true;
    case OPT_BIAS: inputs->bias = arg->value; return true;
    case OPT_RESIDUAL: return apply_residual(arg, inputs);
    case OPT_RELU: return conv_inputs_activate(arg, SPORKLE_ACTIVATION_RELU, inputs);
    case OPT_CLAMP: return conv_inputs_activate(arg, SPORKLE_ACTIVATION_CLAMP, inputs);
    default: return apply_number(arg, request);
  }
}

static int read_request(const Command *self, int argc, char **argv, Request *out) {
  ArgReader reader = {self, argc, argv, 0, false};
  for (;;) {
    Arg arg = arg_next(&reader);
    if (arg.kind == ARG_ERROR) return TOOL_USAGE;
    if (arg.kind == ARG_END) break;
    if (arg.kind == ARG_OPTION) {
      if (!apply_option(&arg, out)) return TOOL_USAGE;
    } else if (out->problem) {
      return usage_error("pipeline: \"%s\": there is a PROBLEM already, \"%s\"", arg.value,
                         out->problem);
    } else {
      out->problem = arg.value;
    }
  }
  if (!out->problem) return usage_error("pipeline: a PROBLEM is missing");
  out->inputs.extra = (size_t)(out->pipeline.batches - 1) * PIPELINE_STEP;
  return TOOL_OK;
}

static int run_case(const Request *request, const Session *session, ConvCase *conv) {
  PipelineOutcome outcome;
  int code = pipeline_run(session, conv, &request->pipeline, &outcome);
  if (outcome.message[0]) usage_error("%s", outcome.message);
  if (code != TOOL_OK && code != TOOL_WRONG_RESULT) return code;
  if (request->json) {
    JsonWriter writer = json_writer(stdout);
    pipeline_print_json(&writer, conv, &request->pipeline, &outcome);
  } else {
    pipeline_print_text(stdout, conv, &request->pipeline, &outcome);
  }
  return code;
}

static int run_pipeline(const Command *self, int argc, char **argv) {
  Request request = {.inputs = CONV_INPUTS_INIT,
                     .pipeline = {.mode = PIPELINE_ASYNC, .batches = 16, .slots = 3}};
  Problem problem;
  ProblemError error;
  ConvCase conv;
  Session session;
  int code = read_request(self, argc, argv, &request);
  if (code != TOOL_OK) return code;
  if (problem_parse(request.problem, strlen(request.problem), &problem, &error) != 0) {
    return usage_error("problem \"%.200s\": %s", request.problem, error.text);
  }
  code = session_open(&request.session, &session);
  if (code != TOOL_OK) return code;
  code = conv_case_create(&problem, request.problem, &request.inputs, &conv);
  if (code == TOOL_OK) {
    code = run_case(&request, &session, &conv);
    conv_case_destroy(&conv);
  }
  session_close(&session);
  return code;
}

const Command command_pipeline = {
    .name = "pipeline",
    .arguments = "PROBLEM [OPTIONS]",
    .summary = "Sends batches through an executor, verifies and times them.",
    .details =
        "Every batch is one PROBLEM (as for conv2d) with an input of its own: a slot is\n"
        "acquired, filled, submitted, waited for, read and released. B is 16 unless given.\n"
        "The first pass is verified, the later ones are timed as a whole.",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .run = run_pipeline,
};
