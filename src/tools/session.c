#include "tools/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/command.h"

const char *session_error_text(sporkle_status status, char out[512]) {
  if (sporkle_last_error(out, 512) == 0) snprintf(out, 512, "%s", sporkle_status_name(status));
  return out;
}

int session_exit_code(sporkle_status status) {
  switch (status) {
    case SPORKLE_OK:
      return TOOL_OK;
    case SPORKLE_ERROR_INVALID_ARGUMENT:
    case SPORKLE_ERROR_OVERFLOW:
    case SPORKLE_ERROR_IO:
      return TOOL_USAGE;
    case SPORKLE_ERROR_UNSUPPORTED:
    case SPORKLE_ERROR_DEVICE_UNAVAILABLE:
    case SPORKLE_ERROR_DEVICE_LOST:
    case SPORKLE_ERROR_OUT_OF_MEMORY:
      return TOOL_NO_DEVICE;
    default:
      return TOOL_WRONG_RESULT;
  }
}

// "gl" for "gl:1".
static int same_backend(const char *spec, const char *backend) {
  size_t length = strcspn(spec, ":");
  return length > 0 && strncmp(backend, spec, length) == 0;
}

static void print_cures(sporkle_context context, const char *spec) {
  uint32_t count = 0;
  if (sporkle_unavailable_count(context, &count) != SPORKLE_OK) return;
  for (uint32_t i = 0; i < count; ++i) {
    sporkle_unavailable_info info = SPORKLE_UNAVAILABLE_INFO_INIT;
    if (sporkle_unavailable_describe(context, i, &info) != SPORKLE_OK) continue;
    if (spec && !same_backend(spec, info.backend)) continue;
    fprintf(stderr, "  %s: %s%s%s\n", info.backend, info.reason, info.id[0] ? ", " : "", info.id);
    if (info.cure[0]) fprintf(stderr, "  cure: %s\n", info.cure);
  }
}

static sporkle_status open_quietly(const SessionOptions *options, int32_t log_level,
                                   Session *out) {
  sporkle_context_desc desc = SPORKLE_CONTEXT_DESC_INIT;
  desc.log_level = log_level;
  desc.device = options->device;
  desc.cpu_isa = options->isa;
  desc.threads = options->threads;
  if (options->device && strncmp(options->device, "null", 4) == 0) {
    desc.flags |= SPORKLE_CONTEXT_ENABLE_NULL;
  }
  if (options->allocator) desc.allocator = *options->allocator;
  if (options->reproducible) desc.flags |= SPORKLE_CONTEXT_REPRODUCIBLE;
  out->context = NULL;
  out->device = SPORKLE_DEVICE_AUTO;
  sporkle_status status = sporkle_context_create(&desc, &out->context);
  if (status == SPORKLE_OK && options->device) {
    status = sporkle_device_find(out->context, options->device, &out->device);
  }
  if (status != SPORKLE_OK) session_close(out);
  return status;
}

// A context that failed cannot be asked why, so one that the CPU satisfies is.
static void open_on_cpu(const SessionOptions *options, Session *out) {
  SessionOptions cpu = *options;
  // "auto" also looks for what cannot be used, and why.
  cpu.device = "auto";
  if (open_quietly(&cpu, SPORKLE_LOG_OFF, out) == SPORKLE_OK) return;
  // A required GPU refuses the CPU, and only the variable can be changed.
  if (unsetenv("SPORKLE_REQUIRE") == 0 &&
      open_quietly(&cpu, SPORKLE_LOG_OFF, out) == SPORKLE_OK) {
    return;
  }
  cpu.device = "cpu";
  open_quietly(&cpu, SPORKLE_LOG_OFF, out);
}

int session_open(const SessionOptions *options, Session *out) {
  char text[512];
  sporkle_status status = open_quietly(options, -1, out);
  if (status == SPORKLE_OK) return TOOL_OK;
  fprintf(stderr, "sporkle: %s\n", session_error_text(status, text));
  int code = session_exit_code(status);
  if (code == TOOL_NO_DEVICE) {
    open_on_cpu(options, out);
    if (out->context) print_cures(out->context, options->device);
    session_close(out);
  }
  return code;
}

int session_open_for_listing(const SessionOptions *options, Session *out) {
  int code = session_open(options, out);
  if (code != TOOL_NO_DEVICE) return code;
  open_on_cpu(options, out);
  return code;
}

void session_close(Session *session) {
  if (session->context) sporkle_context_destroy(session->context);
  session->context = NULL;
}

sporkle_device_info session_device(sporkle_context context, uint32_t device) {
  sporkle_device_info info = SPORKLE_DEVICE_INFO_INIT;
  if (sporkle_device_describe(context, device, &info) != SPORKLE_OK) {
    info = (sporkle_device_info)SPORKLE_DEVICE_INFO_INIT;
  }
  return info;
}

int session_property(sporkle_context context, uint32_t device, const char *key,
                     sporkle_property *out) {
  sporkle_device_info info = session_device(context, device);
  for (uint32_t i = 0; i < info.property_count; ++i) {
    *out = (sporkle_property)SPORKLE_PROPERTY_INIT;
    if (sporkle_device_property(context, device, i, out) != SPORKLE_OK) return 0;
    if (strcmp(out->key, key) == 0) return 1;
  }
  return 0;
}
