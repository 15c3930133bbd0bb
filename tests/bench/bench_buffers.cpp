// Copying against mapped memory against a device-local window, and pipelines
// over them beside a naive OpenGL program. Nothing is reported that was not
// verified.
#include <cctype>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "buffers/overlap.h"
#include "buffers/raw_limits.h"
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
    // A pipeline's two ends, filling, reading and both copies while nothing is computed, take some
    // 1.1 ms: 0.3 % of the 300 operations of 1.1 ms, which have a bar of 99 %, 0.8 % of 150.
    {"long 1x512x28 K512 7x7", 1, 512, 28, 512, 7, 1, 3, 400},
    {"long 1x1152x28 K1152 7x7", 1, 1152, 28, 1152, 7, 1, 3, 300},
    {"long 1x1024x28 K1024 7x7", 1, 1024, 28, 1024, 7, 1, 3, 150},
};

// The probe's figures and what they led to.
std::vector<std::pair<std::string, std::string>> placement_of(sporkle_context context,
                                                              uint32_t device, uint32_t count) {
  std::vector<std::pair<std::string, std::string>> found;
  for (uint32_t i = 0; i < count; ++i) {
    sporkle_property p = SPORKLE_PROPERTY_INIT;
    if (sporkle_device_property(context, device, i, &p) != SPORKLE_OK) continue;
    if (std::strstr(p.key, "probe") == nullptr && std::strstr(p.key, "placement") == nullptr) continue;
    found.emplace_back(p.key, p.value);
    std::printf("%-22s %s\n", p.key, p.value);
  }
  return found;
}

// Software drivers run the short workloads only, unless one is asked for by name: the long ones
// take them minutes each, and give no figure of hardware.
bool is_long(const Workload& w) { return std::strncmp(w.name, "long", 4) == 0; }

// Estimates: sums of the parts' times, not of whole runs.
constexpr const char* software_duration =
    "estimated duration: 3 to 10 minutes with two cores (--only NAME for a part); short workloads, "
    "up to 16 MiB, three samples";
constexpr const char* hardware_duration =
    "estimated duration: 3 to 5 minutes, 150 ms of warming up per series among them; lines that begin "
    "with -- say how far it is";

// Everything, or what has `only` in its name.
void measure_all(const Place& place, NaiveGl* naive, const char* only,
                 bool software, uint64_t most, Records* records) {
  const auto wanted = [only](const char* name) {
    return only == nullptr || std::strstr(name, only) != nullptr;
  };
  const auto keep = [records] {
    if (!records->save(false)) std::perror("bench_buffers: --json");
  };
  if (wanted("update4k")) {
    records->progress("4 KiB updates");
    measure_updates(place.context, place.device, records);
    if (naive != nullptr) naive->updates(records);
    keep();
  }
  for (const Workload& workload : workloads) {
    if (!wanted(workload.name) || (software && only == nullptr && is_long(workload))) continue;
    records->progress(workload.name);
    measure(place, workload, naive, records);
    keep();
  }
  if (naive == nullptr) return;
  if (wanted("overlap")) {
    records->progress("copies beside kernels, raw OpenGL");
    measure_overlap(naive, 900, uint64_t{1536} << 10, records);
    measure_overlap(naive, 50, uint64_t{256} << 10, records);
    keep();
  }
  if (wanted("waits")) measure_waits(naive, records);
  if (wanted("headline")) {
    records->progress("pipelines of raw OpenGL");
    const Workload& w = workloads[0];
    const uint64_t in = static_cast<uint64_t>(w.n * w.c * w.h * w.h) * 4;
    const uint64_t out = static_cast<uint64_t>(w.n * w.k * (w.h / 2) * (w.h / 2)) * 4;
    measure_ring(naive, "headline/", in, out, w.batches, records);
  }
  if (wanted("transfer")) records->progress("transfers");
  for (uint64_t bytes = 4096; wanted("transfer") && bytes <= most; bytes *= 4) {
    naive->transfers(bytes, records);
    keep();
  }
}

struct Options {
  const char *json = nullptr, *device = "gl", *only = nullptr;
  uint64_t most_mib = 0;  // 0: what suits the device
};

constexpr uint64_t largest_mib = 4096;

bool parse_mib(const char* text, uint64_t* out) {
  char* end = nullptr;
  errno = 0;
  const unsigned long long value = std::strtoull(text, &end, 10);
  *out = value;
  return std::isdigit(static_cast<unsigned char>(*text)) != 0 && *end == '\0' && errno == 0 &&
         value >= 1 && value <= largest_mib;
}

bool parse(int argc, char** argv, Options* o) {
  for (int i = 1; i < argc; i += 2) {
    const char* value = i + 1 < argc ? argv[i + 1] : nullptr;
    if (value == nullptr) return false;
    if (std::strcmp(argv[i], "--json") == 0) o->json = value;
    else if (std::strcmp(argv[i], "--device") == 0) o->device = value;
    else if (std::strcmp(argv[i], "--only") == 0) o->only = value;
    else if (std::strcmp(argv[i], "--most-mib") != 0) return false;
    else if (!parse_mib(value, &o->most_mib)) {
      std::fprintf(stderr, "bench_buffers: --most-mib %s: 1 to %" PRIu64 "\n", value, largest_mib);
      return false;
    }
  }
  return true;
}

std::string join(int argc, char** argv) {
  std::string all = "bench_buffers";
  for (int i = 1; i < argc; ++i) all += std::string(" ") + argv[i];
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, &options)) {
    return std::fprintf(stderr, "usage: bench_buffers [--device D] [--json FILE] [--most-mib N] [--only NAME]\n"), 2;
  }
  Records records;
  if (options.json != nullptr && !records.open(options.json)) return std::perror(options.json), 2;
  sporkle_context context;
  uint32_t device;
  if (sporkle_context_create(nullptr, &context) != SPORKLE_OK ||
      sporkle_device_find(context, options.device, &device) != SPORKLE_OK) {
    char text[400];
    sporkle_last_error(text, sizeof text);
    return std::fprintf(stderr, "bench_buffers: %s\n", text), 3;
  }
  sporkle_device_info info = SPORKLE_DEVICE_INFO_INIT;
  sporkle_device_describe(context, device, &info);
  if ((info.flags & SPORKLE_DEVICE_SIMULATED) != 0) return std::fprintf(stderr, "bench_buffers: simulated\n"), 3;
  const bool software = (info.flags & SPORKLE_DEVICE_SOFTWARE) != 0;
  const uint64_t most = options.most_mib != 0 ? options.most_mib : software ? 16 : 256;
  std::printf("%s, %s%s\n", info.name, info.driver, software ? ": software, not a hardware figure" : "");
  if (software) limit_samples(3);
  if (options.only == nullptr) std::printf("%s\n", software ? software_duration : hardware_duration);
  records.describe({join(argc, argv), info.name, info.driver, software,
                    placement_of(context, device, info.property_count)});
  Place place{context, nullptr, device, 0};
  place.staging = open_staging(options.device, info.name, &place.staging_device);
  NaiveGl naive;
  std::string reason = "not an OpenGL device";
  const bool raw = info.kind == SPORKLE_DEVICE_KIND_GL && naive.open(info.name, &reason);
  if (!raw) std::printf("no naive program: %s\n", reason.c_str());
  measure_all(place, raw ? &naive : nullptr, options.only, software, most << 20, &records);
  if (records.empty()) {
    return std::fprintf(stderr, "bench_buffers: --only: nothing measured here has \"%s\" in its name\n",
                        options.only), 2;
  }
  const bool saved = records.save(true);
  if (!saved) std::perror(options.json);
  if (place.staging != nullptr) sporkle_context_destroy(place.staging);
  sporkle_context_destroy(context);
  return !saved ? 2 : records.failures() == 0 ? 0 : 1;
}
