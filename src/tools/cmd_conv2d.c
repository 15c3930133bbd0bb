#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/args.h"
#include "tools/conv_batch.h"
#include "tools/conv_print.h"
#include "tools/npy_file.h"

enum {
  OPT_DEVICE, OPT_VERIFY, OPT_REPEAT, OPT_JSON, OPT_FILE, OPT_INPUT, OPT_WEIGHTS, OPT_BIAS,
  OPT_RESIDUAL, OPT_OUTPUT, OPT_RELU, OPT_CLAMP, OPT_STRIDE, OPT_PADDING, OPT_DILATION,
  OPT_GROUPS, OPT_THREADS, OPT_ISA, OPT_REPRODUCIBLE
};

static const OptionSpec options[] = {
    [OPT_DEVICE] = {"--device", "D", "auto, cpu, gl, gl:1, null ...; see sporkle info"},
    [OPT_VERIFY] = {"--verify", NULL, "compare the output with double precision"},
    [OPT_REPEAT] = {"--repeat", "N", "timed calls; default: 5 or more, for 0.2 s"},
    [OPT_JSON] = {"--json", NULL, "print JSON"},
    [OPT_FILE] = {"--file", "FILE", "run every problem of a file, one per line"},
    [OPT_INPUT] = {"--input", "X.npy", "input, float32 (N, C, H, W)"},
    [OPT_WEIGHTS] = {"--weights", "W.npy", "weights, float32 (K, C/groups, kh, kw)"},
    [OPT_BIAS] = {"--bias", "B.npy|random", "add one value per output channel"},
    [OPT_RESIDUAL] = {"--residual", "R.npy|random", "add a tensor before the activation"},
    [OPT_OUTPUT] = {"--output", "Y.npy", "write the output, float32 (N, K, H, W)"},
    [OPT_RELU] = {"--relu", NULL, "activation max(x, 0)"},
    [OPT_CLAMP] = {"--clamp", "MIN,MAX", "activation min(max(x, MIN), MAX)"},
    [OPT_STRIDE] = {"--stride", "S|SH,SW", "without PROBLEM; default 1"},
    [OPT_PADDING] = {"--padding", "P|PH,PW|T,L,B,R", "without PROBLEM; default 0"},
    [OPT_DILATION] = {"--dilation", "D|DH,DW", "without PROBLEM; default 1 = dense"},
    [OPT_GROUPS] = {"--groups", "G", "without PROBLEM; default 1"},
    [OPT_THREADS] = {"--threads", "N", "CPU threads, instead of SPORKLE_THREADS"},
    [OPT_ISA] = {"--isa", "NAME", "CPU instruction set, instead of SPORKLE_CPU_ISA"},
    [OPT_REPRODUCIBLE] = {"--reproducible", NULL, "same bits for any thread count and batch split"},
};

typedef struct Request {
  const char *problem, *file;
  SessionOptions session;
  ConvInputs inputs;
  ConvRunOptions run;
  bool json;
} Request;

static bool read_pair(const Arg *arg, int64_t out[2]) {
  int count = arg_integer_list(arg, 1, out, 2);
  if (count == 1) out[1] = out[0];
  return count > 0;
}

static bool read_padding(const Arg *arg, int64_t out[4]) {
  int64_t values[4] = {0};
  int count = arg_integer_list(arg, 0, values, 4);
  if (count == 0) return false;
  if (count == 3) {
    usage_error("--padding: give 1, 2 or 4 numbers, not 3");
    return false;
  }
  for (int i = 0; i < 4; ++i) out[i] = values[i % count];
  return true;
}

static bool apply_geometry(const Arg *arg, ConvInputs *inputs) {
  inputs->geometry_given = true;
  switch (arg->option) {
    case OPT_STRIDE: return read_pair(arg, inputs->stride);
    case OPT_PADDING: return read_padding(arg, inputs->padding);
    case OPT_DILATION: return read_pair(arg, inputs->dilation);
    default: return arg_integer(arg, 1, INT64_MAX, &inputs->groups);
  }
}

static bool apply_number(const Arg *arg, Request *request) {
  int64_t value = 0;
  if (!arg_integer(arg, 1, arg->option == OPT_REPEAT ? 100000 : 1024, &value)) return false;
  if (arg->option == OPT_REPEAT) {
    request->run.repeat = (int)value;
  } else {
    request->session.threads = (uint32_t)value;
  }
  return true;
}

static bool apply_option(const Arg *arg, Request *request) {
  ConvInputs *inputs = &request->inputs;
  switch (arg->option) {
    case OPT_DEVICE: request->session.device = arg->value; return true;
    case OPT_ISA: request->session.isa = arg->value; return true;
    case OPT_REPRODUCIBLE: request->session.reproducible = 1; return true;
    case OPT_VERIFY: request->run.verify = true; return true;
    case OPT_JSON: request->json = true; return true;
    case OPT_FILE: request->file = arg->value; return true;
    case OPT_INPUT: inputs->input = arg->value; return true;
    case OPT_WEIGHTS: inputs->weights = arg->value; return true;
    case OPT_BIAS: inputs->bias = arg->value; return true;
    case OPT_RESIDUAL: inputs->residual = arg->value; return true;
    case OPT_OUTPUT: inputs->output = arg->value; return true;
    case OPT_RELU: return conv_inputs_activate(arg, SPORKLE_ACTIVATION_RELU, inputs);
    case OPT_CLAMP: return conv_inputs_activate(arg, SPORKLE_ACTIVATION_CLAMP, inputs);
    case OPT_REPEAT:
    case OPT_THREADS: return apply_number(arg, request);
    default: return apply_geometry(arg, inputs);
  }
}

static int read_request(const Command *self, int argc, char **argv, Request *out) {
  ArgReader reader = {self, argc, argv, 0, false};
  for (;;) {
    Arg arg = arg_next(&reader);
    if (arg.kind == ARG_END) return TOOL_OK;
    if (arg.kind == ARG_ERROR) return TOOL_USAGE;
    if (arg.kind == ARG_OPTION) {
      if (!apply_option(&arg, out)) return TOOL_USAGE;
    } else if (out->problem) {
      return usage_error("conv2d: \"%s\": there is a PROBLEM already, \"%s\"; --file runs several",
                         arg.value, out->problem);
    } else {
      out->problem = arg.value;
    }
  }
}

static bool same_file(const char *a, const char *b) {
  struct stat first, second;
  return a && b && stat(a, &first) == 0 && stat(b, &second) == 0 &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

static int check_request(const Request *request) {
  const ConvInputs *in = &request->inputs;
  NpyFileError error;
  if (request->problem && request->file) {
    return usage_error("conv2d: give a PROBLEM or --file, not both");
  }
  if (request->file && (in->input || in->weights || in->output)) {
    return usage_error("conv2d: --file takes random tensors; --input, --weights and --output "
                       "belong to one problem");
  }
  if (in->geometry_given && (request->problem || request->file)) {
    return usage_error("conv2d: stride, padding, dilation and groups are part of the PROBLEM; "
                       "their options are for --input and --weights alone");
  }
  if (!in->output) return TOOL_OK;
  if (same_file(in->output, in->input) || same_file(in->output, in->weights) ||
      same_file(in->output, in->bias) || same_file(in->output, in->residual)) {
    return usage_error("%s: --output is also read as an input", in->output);
  }
  if (npy_check_output(in->output, &error) != 0) return usage_error("%s", error.text);
  return TOOL_OK;
}

static int write_output(const ConvCase *conv, const char *path) {
  const int64_t shape[4] = {conv->problem.n, conv->problem.k, conv->problem.out_h,
                            conv->problem.out_w};
  NpyFileError error;
  if (npy_write(path, shape, 4, conv->output, &error) == 0) return TOOL_OK;
  return usage_error("%s", error.text);
}

static int run_case(const Request *request, const Session *session, ConvCase *conv) {
  ConvOutcome outcome;
  const char *written = NULL;
  int code = conv_run(session, conv, &request->run, &outcome);
  if (outcome.message[0]) usage_error("%s", outcome.message);
  if (code != TOOL_OK && code != TOOL_WRONG_RESULT) return code;
  if (code == TOOL_OK && request->inputs.output) {
    code = write_output(conv, request->inputs.output);
    written = code == TOOL_OK ? request->inputs.output : NULL;
  }
  if (request->json) {
    JsonWriter writer = json_writer(stdout);
    conv_print_json(&writer, conv, &outcome, written);
  } else {
    conv_print_text(stdout, conv, &outcome);
    if (written) printf("%-11s %s\n", "output", written);
  }
  return code;
}

static int run_single(const Request *request) {
  Problem problem;
  ProblemError error;
  const char *text = request->problem;
  if (text && problem_parse(text, strlen(text), &problem, &error) != 0) {
    return usage_error("problem \"%.200s\": %s", text, error.text);
  }
  ConvCase conv;
  Session session;
  int code = session_open(&request->session, &session);
  if (code != TOOL_OK) return code;
  code = conv_case_create(text ? &problem : NULL, text, &request->inputs, &conv);
  if (code == TOOL_OK) {
    code = run_case(request, &session, &conv);
    conv_case_destroy(&conv);
  }
  session_close(&session);
  return code;
}

static int run_conv2d(const Command *self, int argc, char **argv) {
  Request request = {.inputs = CONV_INPUTS_INIT};
  int code = read_request(self, argc, argv, &request);
  if (code == TOOL_OK) code = check_request(&request);
  if (code != TOOL_OK) return code;
  if (!request.file) return run_single(&request);
  return conv_batch_run(request.file, &request.session, &request.inputs, &request.run,
                        request.json);
}

const Command command_conv2d = {
    .name = "conv2d",
    .arguments = "PROBLEM | --file FILE | --input X.npy --weights W.npy [OPTIONS]",
    .summary = "Runs, verifies and times one convolution, or a file of them.",
    .details =
        "PROBLEM is written as in benchdnn, for example mb8ic64ih56oc128kh3ph1: batch mb\n"
        "(default 2), groups g, channels ic oc, sizes ih iw oh ow, kernel kh kw, stride sh\n"
        "sw, padding ph pw, dilation dh dw (0 = dense), n\"name\". A missing width value is\n"
        "the height's. Tensors are random in [-1, 1) unless files are given.",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .run = run_conv2d,
};
