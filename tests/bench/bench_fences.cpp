// Fences against raw OpenGL, in one process: what a poll, a wait, a submit and
// an idle device cost, and what fences gain where there is work to overlap.
// Outputs are verified before and after they are timed.
#include <cstdio>
#include <cstring>
#include <fstream>

#include "fences/experiments.h"

using namespace fences;

namespace {

struct Arguments {
  const char* device = "gl";
  const char* json = nullptr;
  const char* only = "";
};

bool parse(int argc, char** argv, Arguments* out) {
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--device") == 0) out->device = argv[i + 1];
    else if (std::strcmp(argv[i], "--json") == 0) out->json = argv[i + 1];
    else if (std::strcmp(argv[i], "--only") == 0) out->only = argv[i + 1];
    else return false;
  }
  return argc % 2 == 1;
}

std::string host_name() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

struct Experiment {
  const char* name;
  void (*run)(Bench&);
};

// Idle first: the raw context, opened afterwards, may have threads of its own.
constexpr Experiment experiments[] = {{"idle", measure_idle},
                                      {"calls", measure_calls},
                                      {"rates", measure_rates},
                                      {"waits", measure_waits},
                                      {"pipelines", measure_pipelines}};

// Whether each of the names, separated by commas, is one of an experiment; empty: all.
bool known(const char* names) {
  if (names[0] == '\0') return true;
  for (const char* name = names;;) {
    const std::string word(name, std::strcspn(name, ","));
    bool found = false;
    for (const Experiment& experiment : experiments) found = found || word == experiment.name;
    if (!found) {
      std::fprintf(stderr, "bench_fences: --only: \"%s\" is no experiment\n", word.c_str());
      return false;
    }
    name += word.size();
    if (*name++ == '\0') return true;
  }
}

// Said before minutes of measuring. An earlier file is left as it is.
bool writable(const char* path) {
  if (path == nullptr || std::ofstream(path, std::ios::app).is_open()) return true;
  std::fprintf(stderr, "bench_fences: cannot write %s\n", path);
  return false;
}

void run_all(const Arguments& arguments, Library& library, Records& records) {
  RawGl raw;
  bool raw_open = false;
  Bench bench{library, nullptr, records, (library.info.flags & SPORKLE_DEVICE_SOFTWARE) != 0};
  for (const Experiment& experiment : experiments) {
    if (std::strstr(arguments.only, experiment.name) == nullptr && arguments.only[0] != '\0') {
      continue;
    }
    if (!raw_open && experiment.run != measure_idle &&
        library.info.kind == SPORKLE_DEVICE_KIND_GL) {
      std::string reason;
      raw_open = true;
      if (raw.open(library.info.name, &reason)) bench.raw = &raw;
      else records.fail("raw", reason);
    }
    try {
      experiment.run(bench);
    } catch (const Failure& failure) {
      records.fail(experiment.name, failure.reason);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  if (!parse(argc, argv, &arguments) || !known(arguments.only)) {
    std::fprintf(stderr,
                 "usage: bench_fences [--device D] [--json FILE] [--only EXPERIMENT,...]\n"
                 "experiments: idle calls rates waits pipelines\n");
    return 2;
  }
  if (!writable(arguments.json)) return 1;
  Records records;
  Records::Machine machine;
  try {
    Library library(arguments.device, 16384);
    if ((library.info.flags & SPORKLE_DEVICE_SIMULATED) != 0) {
      throw Failure{"the device is simulated: its times mean nothing"};
    }
    machine = {library.info.name, library.info.driver, host_name(),
               (library.info.flags & SPORKLE_DEVICE_SOFTWARE) != 0};
    std::printf("%s, %s%s\n", library.info.name, library.info.driver,
                machine.software ? "; software, not a hardware figure" : "");
    run_all(arguments, library, records);
  } catch (const Failure& failure) {
    std::fprintf(stderr, "bench_fences: %s\n", failure.reason.c_str());
    return 3;
  }
  if (arguments.json != nullptr && !records.write(arguments.json, machine)) {
    std::fprintf(stderr, "bench_fences: cannot write %s\n", arguments.json);
    return 1;
  }
  return records.failures() == 0 ? 0 : 1;
}
