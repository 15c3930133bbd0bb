// Calls under awkward threads, against the same calls one after the other on one
// thread: several callers at once, more threads than cores, a host that lends its
// OpenMP threads, calls from inside its parallel loops. Every way is verified before
// and after it is timed; rounds of all ways are interleaved.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <time.h>
#include <vector>

#include "check.h"
#include "cpu_model.h"
#include "revision.h"
#include "sporkle.h"
#include "tools/json.h"
#include "tools/problem.h"
#include "tools/problem_desc.h"

namespace {

constexpr const char* problems[] = {
    "mb1ic64oc64ih56kh3ph1",   // Winograd
    "mb1ic256oc64ih56kh1",     // product of matrices
    "mb1ic512oc512ih7kh3ph1",  // more weights than a core's caches hold
    "mb1ic64oc64ih14kh3ph1",   // short
};
constexpr int most_callers = 4;
constexpr double round_seconds = 0.04;

double now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

void require(sporkle_status status) {
  if (status == SPORKLE_OK) return;
  char text[512];
  sporkle_last_error(text, sizeof text);
  throw std::runtime_error(text);
}

void openmp_for(void*, uint32_t count, sporkle_task task, void* data) {
#pragma omp parallel for schedule(dynamic)
  for (uint32_t i = 0; i < count; ++i) task(data, i);
}

// A problem with the plan of one context.
class Plan {
 public:
  Plan(const sporkle_conv2d_desc& desc, const float* weights, uint32_t threads, bool lent) {
    sporkle_context_desc context = SPORKLE_CONTEXT_DESC_INIT;
    context.device = "cpu";
    context.threads = threads;
    // The same algorithm everywhere: only threads differ.
    context.flags |= SPORKLE_CONTEXT_REPRODUCIBLE;
    if (lent) {
      context.parallel_for = openmp_for;
      context.parallel_for_threads = threads;
    }
    require(sporkle_context_create(&context, &context_));
    uint32_t cpu;
    require(sporkle_device_find(context_, "cpu", &cpu));
    require(sporkle_plan_create(context_, cpu, &desc, weights, nullptr, &plan_));
  }
  ~Plan() {
    sporkle_plan_destroy(plan_);
    sporkle_context_destroy(context_);
  }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  void run(const float* input, float* output) const {
    require(sporkle_plan_run(plan_, input, nullptr, output, nullptr));
  }

 private:
  sporkle_context context_ = nullptr;
  sporkle_plan plan_ = nullptr;
};

enum class Calls { in_turn, from_threads, in_openmp };

struct Way {
  std::string name;
  uint32_t threads;
  bool lent;
  Calls calls;
  int callers;
  std::unique_ptr<Plan> plan;
  std::vector<double> ms;  // per call, round by round
};

struct Case {
  sporkle_conv2d_desc desc;
  std::vector<float> input, weights;
  std::vector<std::vector<float>> outputs;  // one per caller
  std::vector<Way> ways;

  Case(const char* text, uint32_t cores) {
    Problem problem;
    ProblemError error;
    if (problem_parse(text, std::strlen(text), &problem, &error) != 0) {
      throw std::runtime_error(error.text);
    }
    desc = problem_to_desc(&problem);
    sporkle_conv2d_info info = SPORKLE_CONV2D_INFO_INIT;
    require(sporkle_conv2d_describe(&desc, &info));
    input.resize(info.input_size / sizeof(float));
    weights.resize(info.weights_size / sizeof(float));
    outputs.assign(most_callers, std::vector<float>(info.output_size / sizeof(float)));
    bench_fill(input.data(), input.size(), 1);
    bench_fill(weights.data(), weights.size(), 2);
    const std::string all = std::to_string(cores);
    ways.push_back({"one thread", 1, false, Calls::in_turn, 1, nullptr, {}});
    ways.push_back({all + " threads", cores, false, Calls::in_turn, 1, nullptr, {}});
    for (const int callers : {2, 4}) {
      ways.push_back({std::to_string(callers) + " callers, " + all + " threads", cores, false,
                      Calls::from_threads, callers, nullptr, {}});
    }
    ways.push_back({std::to_string(4 * cores) + " threads on " + all + " cores", 4 * cores, false,
                    Calls::in_turn, 1, nullptr, {}});
#ifdef _OPENMP
    ways.push_back({"OpenMP's threads lent", cores, true, Calls::in_turn, 1, nullptr, {}});
    ways.push_back({"called in an OpenMP loop, its threads lent", cores, true, Calls::in_openmp, 4,
                    nullptr, {}});
    ways.push_back({"called in an OpenMP loop, own threads", cores, false, Calls::in_openmp, 4,
                    nullptr, {}});
#endif
    for (Way& way : ways) {
      way.plan = std::make_unique<Plan>(desc, weights.data(), way.threads, way.lent);
    }
  }

  void call(const Way& way, int caller, int count) {
    for (int i = 0; i < count; ++i) {
      way.plan->run(input.data(), outputs[static_cast<size_t>(caller)].data());
    }
  }

  // `count` calls by every caller.
  void run(const Way& way, int count) {
    if (way.calls == Calls::from_threads) {
      std::vector<std::thread> others;
      for (int c = 1; c < way.callers; ++c) others.emplace_back([&, c] { call(way, c, count); });
      call(way, 0, count);
      for (std::thread& other : others) other.join();
    } else if (way.calls == Calls::in_openmp) {
#pragma omp parallel for schedule(static)
      for (int c = 0; c < way.callers; ++c) call(way, c, count);
    } else {
      call(way, 0, count);
    }
  }

  void verify(const Way& way) {
    for (auto& output : outputs) std::fill(output.begin(), output.end(), -1e30f);
    run(way, 1);
    for (int c = 0; c < way.callers; ++c) {
      BenchError error;
      const float* output = outputs[static_cast<size_t>(c)].data();
      if (!bench_compare(&desc, input.data(), weights.data(), output, &error)) {
        throw std::bad_alloc();
      }
      if (!(error.rel_l2 < 1e-5)) throw std::runtime_error(way.name + ": wrong output");
    }
  }

  void round(Way* way, int count) {
    // The threads of the way before it, OpenMP's too, have gone to sleep.
    const timespec pause = {0, 10000000};
    nanosleep(&pause, nullptr);
    run(*way, 1);
    const double start = now();
    run(*way, count);
    way->ms.push_back((now() - start) * 1e3 / count / way->callers);
  }
};

double at(std::vector<double> values, double part) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(part * static_cast<double>(values.size() - 1) + 0.5)];
}

// How many times as fast as one thread each round was.
std::vector<double> ratios(const Way& serial, const Way& way) {
  std::vector<double> out;
  for (size_t i = 0; i < way.ms.size(); ++i) out.push_back(serial.ms[i] / way.ms[i]);
  return out;
}

void report(JsonWriter* json, const char* problem, const Way& serial, const Way& way) {
  const std::vector<double> ratio = ratios(serial, way);
  const double median = at(ratio, 0.5);
  std::printf("  %-44s %8.4f ms a call  %5.2fx [%.2f..%.2f]\n", way.name.c_str(), at(way.ms, 0.5),
              median, at(ratio, 0.1), at(ratio, 0.9));
  if (json->stream == nullptr || &way == &serial) return;
  const std::string name = std::string(problem) + ", " + way.name;
  json_object_begin(json, nullptr);
  json_string(json, "name", name.c_str());
  json_string(json, "unit", "x");
  json_bool(json, "verified", true);
  json_number(json, "median", median);
  json_number(json, "p10", at(ratio, 0.1));
  json_number(json, "p90", at(ratio, 0.9));
  json_number(json, "ms_per_call", at(way.ms, 0.5));
  json_number(json, "ms_per_call_one_thread", at(serial.ms, 0.5));
  json_string(json, "bar", "at_least");
  json_number(json, "bar_value", 1);
  json_bool(json, "met", median >= 1);
  json_object_end(json);
}

void compete(JsonWriter* json, const char* problem, uint32_t cores, int rounds) {
  Case c(problem, cores);
  for (const Way& way : c.ways) c.verify(way);
  const double start = now();
  c.run(c.ways[0], 4);
  const int count = std::max(1, static_cast<int>(round_seconds * 4 / (now() - start)));
  for (int r = 0; r < rounds; ++r) {
    for (Way& way : c.ways) c.round(&way, std::max(1, count / way.callers));
  }
  for (const Way& way : c.ways) c.verify(way);
  std::printf("%s\n", problem);
  for (const Way& way : c.ways) report(json, problem, c.ways[0], way);
}

int run(int argc, char** argv) {
  int rounds = 11;
  const char* path = nullptr;
  for (int i = 1; i < argc; ++i) {
    const bool value = i + 1 < argc;
    if (value && std::strcmp(argv[i], "--json") == 0) path = argv[++i];
    else if (value && std::strcmp(argv[i], "--rounds") == 0) rounds = std::atoi(argv[++i]);
    else rounds = 0;
  }
  if (rounds < 1 || rounds > 1000) {
    std::fprintf(stderr, "usage: bench_threads [--rounds 11] [--json FILE]\n");
    return 2;
  }
  FILE* file = path == nullptr ? nullptr : std::fopen(path, "w");
  if (path != nullptr && file == nullptr) {
    std::perror(path);
    return 2;
  }
  const uint32_t cores = std::max(1u, std::thread::hardware_concurrency());
  char cpu[128];
  read_cpu_model(cpu, sizeof cpu);
  std::printf("%s, %u cores; times as fast as one thread, median [p10..p90] of %d rounds\n", cpu,
              cores, rounds);
  JsonWriter json = json_writer(file);
  if (file != nullptr) {
    json_object_begin(&json, nullptr);
    json_string(&json, "benchmark", "bench_threads");
    json_string(&json, "device", cpu);
    json_bool(&json, "software", false);
    json_string(&json, "sporkle", sporkle_version_string());
    json_string(&json, "revision", BENCH_REVISION);
    json_integer(&json, "cores", cores);
    json_integer(&json, "rounds", rounds);
    json_array_begin(&json, "results");
  }
  for (const char* problem : problems) compete(&json, problem, cores, rounds);
  if (file == nullptr) return 0;
  json_array_end(&json);
  json_object_end(&json);
  std::fputc('\n', file);
  return std::fclose(file) == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_threads: %s: no figure\n", error.what());
    return 1;
  }
}
