#include "tools/device_print.h"

#include <string.h>

#include "tools/device_choice.h"
#include "tools/session.h"

static uint32_t device_count(sporkle_context context) {
  uint32_t count = 0;
  return sporkle_device_count(context, &count) == SPORKLE_OK ? count : 0;
}

static const char *kind_name(uint32_t kind) {
  switch (kind) {
    case SPORKLE_DEVICE_KIND_CPU: return "cpu";
    case SPORKLE_DEVICE_KIND_GL: return "gl";
    case SPORKLE_DEVICE_KIND_AMDGPU: return "amdgpu";
    case SPORKLE_DEVICE_KIND_NULL: return "null";
    default: return "unknown";
  }
}

static int read_property(sporkle_context context, uint32_t device, uint32_t index,
                         sporkle_property *out) {
  *out = (sporkle_property)SPORKLE_PROPERTY_INIT;
  return sporkle_device_property(context, device, index, out) == SPORKLE_OK;
}

static void print_property(FILE *stream, const char *key, const char *value) {
  char label[sizeof((sporkle_property *)NULL)->key];
  snprintf(label, sizeof label, "%s", key);
  for (char *at = label; (at = strchr(at, '_')) != NULL;) *at = ' ';
  fprintf(stream, "           %-24s %s\n", label, value);
}

void print_devices(FILE *stream, sporkle_context context) {
  const DeviceChoice choice = device_choice(context);
  fprintf(stream, "devices\n");
  for (uint32_t i = 0; i < device_count(context); ++i) {
    sporkle_device_info info = session_device(context, i);
    fprintf(stream, "  %-8s %s%s%s%s\n", info.spec, info.name,
            i == choice.device ? "  [default]" : "",
            info.flags & SPORKLE_DEVICE_SOFTWARE ? "  [software, not a hardware device]" : "",
            info.flags & SPORKLE_DEVICE_SIMULATED ? "  [simulated, no hardware]" : "");
    print_property(stream, "driver", info.driver);
    sporkle_property property;
    for (uint32_t j = 0; j < info.property_count; ++j) {
      if (read_property(context, i, j, &property)) {
        print_property(stream, property.key, property.value);
      }
    }
  }
}

void print_unavailable(FILE *stream, sporkle_context context) {
  uint32_t count = 0;
  if (sporkle_unavailable_count(context, &count) != SPORKLE_OK || count == 0) return;
  fprintf(stream, "not usable, or not fully\n");
  for (uint32_t i = 0; i < count; ++i) {
    sporkle_unavailable_info info = SPORKLE_UNAVAILABLE_INFO_INIT;
    if (sporkle_unavailable_describe(context, i, &info) != SPORKLE_OK) continue;
    fprintf(stream, "  %-8s %s%s%s\n", info.backend, info.id, info.id[0] ? ": " : "",
            info.reason);
    if (info.cure[0]) fprintf(stream, "           cure: %s\n", info.cure);
  }
}

static int read_option(sporkle_context context, uint32_t index, sporkle_option_info *out) {
  *out = (sporkle_option_info)SPORKLE_OPTION_INFO_INIT;
  return sporkle_option_describe(context, index, out) == SPORKLE_OK;
}

void print_options(FILE *stream, sporkle_context context) {
  uint32_t count = 0;
  if (sporkle_option_count(context, &count) != SPORKLE_OK) return;
  fprintf(stream, "settings\n  %-22s %-24s %-12s %s\n", "name", "value", "origin", "meaning");
  for (uint32_t i = 0; i < count; ++i) {
    sporkle_option_info info;
    if (!read_option(context, i, &info)) continue;
    fprintf(stream, "  %-22s %-24s %-12s %s\n", info.name, info.value[0] ? info.value : "\"\"",
            info.origin, info.description);
  }
}

static void print_device_json(JsonWriter *writer, sporkle_context context, uint32_t device,
                              bool is_default) {
  sporkle_device_info info = session_device(context, device);
  json_object_begin(writer, NULL);
  json_string(writer, "device", info.spec);
  json_string(writer, "kind", kind_name(info.kind));
  json_string(writer, "name", info.name);
  json_string(writer, "driver", info.driver);
  json_bool(writer, "software", (info.flags & SPORKLE_DEVICE_SOFTWARE) != 0);
  json_bool(writer, "simulated", (info.flags & SPORKLE_DEVICE_SIMULATED) != 0);
  json_bool(writer, "default", is_default);
  json_object_begin(writer, "properties");
  sporkle_property property;
  for (uint32_t i = 0; i < info.property_count; ++i) {
    if (read_property(context, device, i, &property)) {
      json_string(writer, property.key, property.value);
    }
  }
  json_object_end(writer);
  json_object_end(writer);
}

void print_devices_json(JsonWriter *writer, sporkle_context context) {
  const DeviceChoice choice = device_choice(context);
  json_array_begin(writer, "devices");
  for (uint32_t i = 0; i < device_count(context); ++i) {
    print_device_json(writer, context, i, i == choice.device);
  }
  json_array_end(writer);
}

void print_unavailable_json(JsonWriter *writer, sporkle_context context) {
  uint32_t count = 0;
  json_array_begin(writer, "unavailable");
  if (sporkle_unavailable_count(context, &count) != SPORKLE_OK) count = 0;
  for (uint32_t i = 0; i < count; ++i) {
    sporkle_unavailable_info info = SPORKLE_UNAVAILABLE_INFO_INIT;
    if (sporkle_unavailable_describe(context, i, &info) != SPORKLE_OK) continue;
    json_object_begin(writer, NULL);
    json_string(writer, "backend", info.backend);
    json_string(writer, "id", info.id[0] ? info.id : NULL);
    json_string(writer, "reason", info.reason);
    json_string(writer, "cure", info.cure);
    json_object_end(writer);
  }
  json_array_end(writer);
}

void print_options_json(JsonWriter *writer, sporkle_context context) {
  uint32_t count = 0;
  json_array_begin(writer, "options");
  if (sporkle_option_count(context, &count) != SPORKLE_OK) count = 0;
  for (uint32_t i = 0; i < count; ++i) {
    sporkle_option_info info;
    if (!read_option(context, i, &info)) continue;
    json_object_begin(writer, NULL);
    json_string(writer, "name", info.name);
    json_string(writer, "value", info.value);
    json_string(writer, "origin", info.origin);
    json_string(writer, "description", info.description);
    json_object_end(writer);
  }
  json_array_end(writer);
}
