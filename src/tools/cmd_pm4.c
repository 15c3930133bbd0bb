#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sporkle.h"
#include "tools/args.h"
#include "tools/json.h"
#include "tools/pm4_file.h"
#include "tools/problem.h"
#include "tools/problem_desc.h"

enum { OPT_GFX, OPT_OUTPUT, OPT_JSON };

static const OptionSpec options[] = {
    [OPT_GFX] = {"--gfx", "G", "chip by LLVM's name, for example gfx1100; decode: FILE is dwords"},
    [OPT_OUTPUT] = {"-o", "FILE", "encode: where the packets go"},
    [OPT_JSON] = {"--json", NULL, "encode: print JSON"},
};

typedef struct Request {
  const char *action, *operand, *gfx, *output;
  bool json;
} Request;

// The library's reason, and the exit code that goes with the status.
static int failed(sporkle_status status) {
  char text[512];
  sporkle_last_error(text, sizeof text);
  usage_error("pm4: %s", text);
  if (status == SPORKLE_ERROR_UNSUPPORTED) return TOOL_NO_DEVICE;
  return status == SPORKLE_ERROR_INTERNAL ? TOOL_WRONG_RESULT : TOOL_USAGE;
}

static int take_positional(Request *request, const char *text) {
  if (!request->action) {
    request->action = text;
  } else if (!request->operand) {
    request->operand = text;
  } else {
    return usage_error("pm4: unexpected argument \"%s\"", text);
  }
  return TOOL_OK;
}

// Whether there is an action, a known one, with what it works on.
static int check_request(const Request *request) {
  const char *action = request->action;
  if (!action) {
    return usage_error("pm4: encode, decode, validate or objects is missing (sporkle help pm4)");
  }
  if (strcmp(action, "objects") == 0) {
    if (request->operand || request->gfx) return TOOL_OK;
    return usage_error("pm4: objects needs a FILE, --gfx or both");
  }
  const bool encodes = strcmp(action, "encode") == 0;
  if (!encodes && strcmp(action, "decode") != 0 && strcmp(action, "validate") != 0) {
    return usage_error("pm4: \"%s\" is none of encode, decode, validate, objects", action);
  }
  if (request->operand) return TOOL_OK;
  return usage_error("pm4: %s needs a %s", action, encodes ? "PROBLEM" : "FILE");
}

static int read_request(const Command *self, int argc, char **argv, Request *out) {
  ArgReader reader = {self, argc, argv, 0, false};
  for (;;) {
    Arg arg = arg_next(&reader);
    if (arg.kind == ARG_END) break;
    if (arg.kind == ARG_ERROR) return TOOL_USAGE;
    if (arg.kind == ARG_POSITIONAL) {
      if (take_positional(out, arg.value) != TOOL_OK) return TOOL_USAGE;
      continue;
    }
    if (arg.option == OPT_GFX) out->gfx = arg.value;
    if (arg.option == OPT_OUTPUT) out->output = arg.value;
    if (arg.option == OPT_JSON) out->json = true;
  }
  return check_request(out);
}

static void print_info(const Request *request, const sporkle_pm4_info *info, uint64_t bytes) {
  if (request->json) {
    JsonWriter writer = json_writer(stdout);
    json_object_begin(&writer, NULL);
    json_string(&writer, "gfx", request->gfx);
    json_string(&writer, "problem", request->operand);
    json_integer(&writer, "dwords_full", info->dwords_full);
    json_integer(&writer, "dwords_hot", info->dwords_hot);
    json_integer(&writer, "dwords_ring", info->dwords_ring);
    json_number(&writer, "ns_prepare", info->ns_hot);
    json_number(&writer, "ns_prepare_full", info->ns_full);
    json_number(&writer, "ns_prepare_checked", info->ns_checked);
    json_integer(&writer, "file_bytes", (int64_t)bytes);
    json_object_end(&writer);
    return;
  }
  printf("%s on %s, one dispatch with its fence\n", request->operand, request->gfx);
  printf("  full form      %3u dwords  %6.1f ns, with validation %.1f ns\n", info->dwords_full,
         info->ns_full, info->ns_checked);
  printf("  hot form       %3u dwords  %6.1f ns\n", info->dwords_hot, info->ns_hot);
  printf("  prebuilt       %3u dwords in the ring\n", info->dwords_ring);
  printf("  %s: %llu bytes\n", request->output, (unsigned long long)bytes);
}

static int run_encode(const Request *request) {
  Problem problem;
  ProblemError error;
  if (!request->gfx) return usage_error("pm4: encode needs --gfx");
  if (!request->output) return usage_error("pm4: encode needs -o FILE");
  if (problem_parse(request->operand, strlen(request->operand), &problem, &error) != 0) {
    return usage_error("pm4: %s", error.text);
  }
  const sporkle_conv2d_desc desc = problem_to_desc(&problem);
  sporkle_pm4_info info = SPORKLE_PM4_INFO_INIT;
  unsigned image[16384];
  uint64_t size = 0;
  sporkle_status status =
      sporkle_pm4_encode(request->gfx, &desc, image, sizeof image, &size, &info);
  if (status != SPORKLE_OK) return failed(status);
  if (size > sizeof image) return usage_error("pm4: %llu bytes", (unsigned long long)size);
  const int code = pm4_file_write(request->output, image, size);
  if (code == TOOL_OK) print_info(request, &info, size);
  return code;
}

// sporkle_pm4_decode or sporkle_pm4_list_code.
typedef sporkle_status (*Describe)(const char *gfx, const void *data, uint64_t size, char *text,
                                   uint64_t capacity, uint64_t *out_length);

// Prints what `describe` says of the operand's file, or of nothing without one.
static int print_text(const Request *request, Describe describe) {
  Pm4File file = {NULL, 0};
  uint64_t length = 0;
  const int code = request->operand ? pm4_file_read(request->operand, &file) : TOOL_OK;
  if (code != TOOL_OK) return code;
  sporkle_status status = describe(request->gfx, file.bytes, file.size, NULL, 0, &length);
  char *text = status == SPORKLE_OK ? malloc(length + 1) : NULL;
  if (text) status = describe(request->gfx, file.bytes, file.size, text, length + 1, &length);
  free(file.bytes);
  if (status != SPORKLE_OK) {
    free(text);
    return failed(status);
  }
  if (!text) return usage_error("pm4: no memory for %llu bytes", (unsigned long long)length);
  fwrite(text, 1, length, stdout);
  free(text);
  return TOOL_OK;
}

static int run_validate(const Request *request) {
  Pm4File file = {NULL, 0};
  const int code = pm4_file_read(request->operand, &file);
  if (code != TOOL_OK) return code;
  const sporkle_status status = sporkle_pm4_validate(file.bytes, file.size);
  free(file.bytes);
  if (status != SPORKLE_OK) {
    failed(status);
    return TOOL_WRONG_RESULT;
  }
  printf("%s: valid\n", request->operand);
  return TOOL_OK;
}

static int run_pm4(const Command *self, int argc, char **argv) {
  Request request = {NULL, NULL, NULL, NULL, false};
  const int code = read_request(self, argc, argv, &request);
  if (code != TOOL_OK) return code;
  if (strcmp(request.action, "encode") == 0) return run_encode(&request);
  if (strcmp(request.action, "decode") == 0) return print_text(&request, sporkle_pm4_decode);
  if (strcmp(request.action, "validate") == 0) return run_validate(&request);
  return print_text(&request, sporkle_pm4_list_code);
}

const Command command_pm4 = {
    .name = "pm4",
    .arguments = "encode PROBLEM --gfx G -o FILE [--json] | decode FILE [--gfx G] | validate FILE"
                 " | objects [FILE] [--gfx G]",
    .summary = "Writes, prints and checks the packets that an AMD GPU would be given.",
    .details = "No device is opened and nothing runs; addresses in encoded packets stand for\n"
               "allocations. What only hardware can show is not verified.",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .run = run_pm4,
};
