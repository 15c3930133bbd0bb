#include <stdio.h>
#include <stdlib.h>

#include "tools/args.h"
#include "tools/device_choice.h"
#include "tools/device_print.h"
#include "tools/session.h"

enum { OPT_JSON, OPT_DEVICE, OPT_THREADS, OPT_ISA };

static const OptionSpec options[] = {
    [OPT_JSON] = {"--json", NULL, "print JSON"},
    [OPT_DEVICE] = {"--device", "D", "as if SPORKLE_DEVICE were D; null lists the null device"},
    [OPT_THREADS] = {"--threads", "N", "CPU threads, instead of SPORKLE_THREADS"},
    [OPT_ISA] = {"--isa", "NAME", "CPU instruction set, instead of SPORKLE_CPU_ISA"},
};

typedef struct Request {
  SessionOptions session;
  bool json;
} Request;

static int read_request(const Command *self, int argc, char **argv, Request *out) {
  ArgReader reader = {self, argc, argv, 0, false};
  for (;;) {
    Arg arg = arg_next(&reader);
    int64_t value = 0;
    if (arg.kind == ARG_END) return TOOL_OK;
    if (arg.kind == ARG_ERROR) return TOOL_USAGE;
    if (arg.kind == ARG_POSITIONAL) {
      return usage_error("info: unexpected argument \"%s\"", arg.value);
    }
    if (arg.option == OPT_JSON) out->json = true;
    if (arg.option == OPT_DEVICE) out->session.device = arg.value;
    if (arg.option == OPT_ISA) out->session.isa = arg.value;
    if (arg.option == OPT_THREADS) {
      if (!arg_integer(&arg, 1, 4096, &value)) return TOOL_USAGE;
      out->session.threads = (uint32_t)value;
    }
  }
}

// How many threads, and which device unless told otherwise, each with the
// reason. The reason of the CPU starts with the number.
static void print_choices(sporkle_context context) {
  sporkle_property reason;
  const DeviceChoice choice = device_choice(context);
  printf("choices\n");
  if (session_property(context, 0, "threads_reason", &reason)) {
    printf("  %-22s %s\n", "CPU threads", reason.value);
  }
  printf("  %-22s %s%s%s\n", "default device", choice.spec, choice.spec[0] ? ": " : "",
         choice.reason);
}

static void print_choices_json(JsonWriter *writer, sporkle_context context) {
  sporkle_property property;
  const DeviceChoice choice = device_choice(context);
  if (session_property(context, 0, "threads", &property)) {
    json_integer(writer, "threads", strtoll(property.value, NULL, 10));
  } else {
    json_null(writer, "threads");
  }
  bool known = session_property(context, 0, "threads_reason", &property);
  json_string(writer, "threads_reason", known ? property.value : NULL);
  json_string(writer, "default_device", choice.spec[0] ? choice.spec : NULL);
  json_string(writer, "default_reason", choice.reason[0] ? choice.reason : NULL);
}

static void print_json(sporkle_context context) {
  JsonWriter writer = json_writer(stdout);
  json_object_begin(&writer, NULL);
  json_string(&writer, "version", sporkle_version_string());
  print_devices_json(&writer, context);
  print_unavailable_json(&writer, context);
  print_choices_json(&writer, context);
  print_options_json(&writer, context);
  json_object_end(&writer);
}

static int run_info(const Command *self, int argc, char **argv) {
  Request request = {{0}, false};
  Session session;
  int code = read_request(self, argc, argv, &request);
  if (code != TOOL_OK) return code;
  code = session_open_for_listing(&request.session, &session);
  if (!session.context) return code;
  if (request.json) {
    print_json(session.context);
  } else {
    printf("libsporkle %s\n", sporkle_version_string());
    print_devices(stdout, session.context);
    print_unavailable(stdout, session.context);
    print_choices(session.context);
    print_options(stdout, session.context);
  }
  session_close(&session);
  return code;
}

const Command command_info = {
    .name = "info",
    .arguments = "[OPTIONS]",
    .summary = "Lists devices, what is not usable and its cure, and every setting.",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .run = run_info,
};
