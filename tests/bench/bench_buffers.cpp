// Copying against mapped memory against a device-local window, and pipelines
// over them beside a naive OpenGL program. Nothing is reported that was not
// verified.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "buffers/overlap.h"
#include "buffers/workload.h"

using namespace buffers;

namespace {

constexpr Workload workloads[] = {
    {"headline", 4, 3, 224, 64, 7, 2, 3, 20},
    {"small", 1, 64, 56, 64, 3, 1, 1, 100},
    {"resnet 1x256x14 K256 3x3", 1, 256, 14, 256, 3, 1, 1, 500},
    {"resnet 1x1024x14 K2048 1x1 s2", 1, 1024, 14, 2048, 1, 2, 0, 100},
    {"resnet 1x64x56 K256 1x1", 1, 64, 56, 256, 1, 1, 0, 100},
    {"resnet 1x512x7 K512 3x3", 1, 512, 7, 512, 3, 1, 1, 500},
    // The first fill and the last read of so many operations are below 0.3 % of them.
    {"long 1x512x28 K512 7x7", 1, 512, 28, 512, 7, 1, 3, 400},
    {"long 1x1024x28 K1024 7x7", 1, 1024, 28, 1024, 7, 1, 3, 300},
    {"long 1x1152x28 K1152 7x7", 1, 1152, 28, 1152, 7, 1, 3, 300},
};

void begin_json(JsonWriter* json, const sporkle_device_info& info) {
  if (json->stream == nullptr) return;
  json_object_begin(json, nullptr);
  json_string(json, "benchmark", "buffers");
  json_string(json, "device", info.name);
  json_string(json, "driver", info.driver);
  json_bool(json, "software", (info.flags & SPORKLE_DEVICE_SOFTWARE) != 0);
  json_array_begin(json, "results");
}

void print_placement(sporkle_context context, uint32_t device, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    sporkle_property p = SPORKLE_PROPERTY_INIT;
    if (sporkle_device_property(context, device, i, &p) != SPORKLE_OK) continue;
    if (std::strstr(p.key, "probe") == nullptr && std::strstr(p.key, "placement") == nullptr) continue;
    std::printf("%-22s %s\n", p.key, p.value);
  }
}

// Everything, or what has `only` in its name.
void measure_all(sporkle_context context, uint32_t device, NaiveGl* naive, const char* only,
                 uint64_t most, Records* records) {
  const auto wanted = [only](const char* name) {
    return only == nullptr || std::strstr(name, only) != nullptr;
  };
  if (wanted("update4k")) {
    measure_updates(context, device, records);
    if (naive != nullptr) naive->updates(records);
  }
  for (const Workload& workload : workloads) {
    if (wanted(workload.name)) measure(context, device, workload, naive, records);
  }
  if (naive == nullptr) return;
  if (wanted("overlap")) {
    measure_overlap(naive, 900, uint64_t{1536} << 10, records);
    measure_overlap(naive, 50, uint64_t{256} << 10, records);
  }
  for (uint64_t bytes = 4096; wanted("transfer") && bytes <= most; bytes *= 4) {
    naive->transfers(bytes, records);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const char *path = nullptr, *spec = "gl", *only = nullptr;
  uint64_t most = uint64_t{256} << 20;
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 < argc && std::strcmp(argv[i], "--json") == 0) path = argv[i + 1];
    else if (i + 1 < argc && std::strcmp(argv[i], "--device") == 0) spec = argv[i + 1];
    else if (i + 1 < argc && std::strcmp(argv[i], "--only") == 0) only = argv[i + 1];
    else if (i + 1 < argc && std::strcmp(argv[i], "--most-mib") == 0)
      most = std::strtoull(argv[i + 1], nullptr, 10) << 20;
    else return std::fprintf(stderr, "usage: bench_buffers [--device D] [--json FILE] [--most-mib N] [--only NAME]\n"), 2;
  }
  sporkle_context context;
  uint32_t device;
  if (sporkle_context_create(nullptr, &context) != SPORKLE_OK ||
      sporkle_device_find(context, spec, &device) != SPORKLE_OK) {
    char text[400];
    sporkle_last_error(text, sizeof text);
    return std::fprintf(stderr, "bench_buffers: %s\n", text), 3;
  }
  sporkle_device_info info = SPORKLE_DEVICE_INFO_INIT;
  sporkle_device_describe(context, device, &info);
  if ((info.flags & SPORKLE_DEVICE_SIMULATED) != 0) return std::fprintf(stderr, "bench_buffers: simulated\n"), 3;
  std::printf("%s, %s%s\n", info.name, info.driver,
              (info.flags & SPORKLE_DEVICE_SOFTWARE) != 0 ? ": software, not a hardware figure" : "");
  print_placement(context, device, info.property_count);
  JsonWriter json = json_writer(path == nullptr ? nullptr : std::fopen(path, "w"));
  begin_json(&json, info);
  Records records(&json);
  NaiveGl naive;
  std::string reason = "not an OpenGL device";
  const bool raw = info.kind == SPORKLE_DEVICE_KIND_GL && naive.open(info.name, &reason);
  if (!raw) std::printf("no naive program: %s\n", reason.c_str());
  measure_all(context, device, raw ? &naive : nullptr, only, most, &records);
  if (json.stream != nullptr) {
    json_array_end(&json);
    json_object_end(&json);
    std::fclose(json.stream);
  }
  sporkle_context_destroy(context);
  return records.failures() == 0 ? 0 : 1;
}
