// Time to prepare the packets of one dispatch on this CPU, by form, with and
// without validation, and the share of common layers that the fixed templates
// serve. The peer is memcpy of as many dwords: the least that a preparation can
// cost. The kernels are those of two ResNet-50 layers, from the gfx1100 machine code
// in the repository. Before anything is timed, every form is validated and the
// full form of the scene is compared with the stream derived by hand.
//
//   bench_pm4 [--json FILE] [--shapes FILE]...
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "backends/amdgpu/conv_kernels.h"
#include "backends/amdgpu/conv_launch.h"
#include "base/clock.h"
#include "cpu_model.h"
#include "pm4/scene.h"
#include "tools/json.h"
#include "tools/problem_desc.h"
#include "tools/problem_file.h"

namespace {

// Short rounds, so that most of them are not interrupted on a machine that is in use.
constexpr int rounds = 201;
constexpr int repeats = 2000;

constexpr uint32_t argument_bytes = sizeof(sporkle::amdgpu::ConvArguments);

// Two layers of one class, with different kernels.
constexpr const char* layers[] = {"mb1ic64ih56oc64kh3ph1", "mb1ic128ih56oc128kh3sh2ph1"};
constexpr uint64_t code_address = 0x7F1234560000;

struct Case {
  const char* name;
  double limit_ns;  // 0: no bar
  uint32_t (*prepare)(struct State* state);
};

struct State {
  pm4_queue* queue;
  uint32_t kernel;  // 0, except where the template is to be built anew each time
  pm4_dispatch dispatches[2];
  uint32_t words[SCENE_MOST_DWORDS];
  uint32_t plain[SCENE_MOST_DWORDS];
  unsigned char arguments[argument_bytes], argument_memory[argument_bytes];
  uint64_t value;
};

uint32_t encode(State* s) {
  return pm4_encode(s->queue, s->kernel, &s->dispatches[s->kernel], SCENE_FENCE, ++s->value, s->words,
                    SCENE_MOST_DWORDS);
}

uint32_t hot(State* s) { return encode(s); }

uint32_t hot_with_arguments(State* s) {
  std::memcpy(s->argument_memory, s->arguments, sizeof s->arguments);
  return encode(s);
}

uint32_t full(State* s) {
  pm4_forget_encoder(s->queue);
  return encode(s);
}

// Two kernels of one class take each other's template away.
uint32_t full_without_template(State* s) {
  s->kernel ^= 1;
  return encode(s);
}

uint32_t checked(State* s, uint32_t count) {
  return pm4_validate(s->queue, s->words, count, PM4_RING) ? count : 0;
}

uint32_t hot_checked(State* s) { return checked(s, hot(s)); }
uint32_t full_checked(State* s) { return checked(s, full(s)); }

uint32_t call(State* s) {
  return pm4_encode_call(s->queue, SCENE_BUFFER, 56, s->words, SCENE_MOST_DWORDS);
}

uint32_t copy_hot(State* s) {
  std::memcpy(s->words, s->plain, 25 * sizeof *s->words);
  return 25;
}

uint32_t copy_full(State* s) {
  std::memcpy(s->words, s->plain, 55 * sizeof *s->words);
  return 55;
}

const Case cases[] = {
    {"full", 100, full},
    {"full_template_built", 100, full_without_template},
    {"full_checked", 300, full_checked},
    {"hot", 50, hot},
    {"hot_with_arguments", 50, hot_with_arguments},
    {"hot_checked", 300, hot_checked},
    {"call_of_prebuilt", 50, call},
    {"memcpy_55_dwords", 0, copy_full},
    {"memcpy_25_dwords", 0, copy_hot},
};

struct Result {
  uint32_t dwords;
  double median, low, high;
};

Result measure(State* state, const Case& c) {
  std::vector<double> times(rounds);
  Result result{};
  pm4_forget(state->queue);
  state->kernel = 0;
  full_checked(state);
  for (double& time : times) {
    const uint64_t start = sporkle::now_ns();
    for (int i = 0; i < repeats; ++i) {
      result.dwords = c.prepare(state);
      asm volatile("" : : "r"(state) : "memory");
    }
    time = static_cast<double>(sporkle::now_ns() - start) / repeats;
  }
  std::sort(times.begin(), times.end());
  result.median = times[rounds / 2];
  result.low = times[rounds / 10];
  result.high = times[rounds - 1 - rounds / 10];
  return result;
}

pm4_kernel kernel_of(const sporkle::pm4::KernelObject& k) {
  return {k.target, k.rsrc1, k.rsrc2, k.rsrc3, k.wave_size, k.lds_bytes, k.scratch_bytes,
          k.kernarg_bytes, k.entry_address, k.code_address, k.code_bytes, k.user_sgpr_count,
          k.kernarg_sgpr, {k.workgroup[0], k.workgroup[1], k.workgroup[2]},
          k.max_workgroup_threads};
}

// The kernels of `layers` with their dispatches. False, with a message, when one cannot be had.
bool load_layers(State* state) {
  pm4_kernel kernels[2];
  sporkle::pm4::Target target;
  if (!sporkle::pm4::parse_target("gfx1100", &target)) return false;
  for (int i = 0; i < 2; ++i) {
    Problem problem;
    ProblemError error;
    sporkle::Reason why;
    sporkle::amdgpu::ConvLaunch launch;
    if (problem_parse(layers[i], std::strlen(layers[i]), &problem, &error) != 0 ||
        !find_conv_launch(target, sporkle::make_problem(problem_to_desc(&problem)), code_address,
                          &launch, &why)) {
      return std::fprintf(stderr, "bench_pm4: %s: %s\n", layers[i], why.text), false;
    }
    kernels[i] = kernel_of(launch.kernel);
    pm4_dispatch& dispatch = state->dispatches[i];
    dispatch = {static_cast<uint32_t>(launch.conv_class), {}, {}, SCENE_KERNARG, 0};
    std::copy_n(launch.groups, 3, dispatch.groups);
    std::copy_n(launch.threads, 3, dispatch.threads);
  }
  const pm4_range ranges[] = {{0x7F0000010000, 0x1000, PM4_ARGUMENTS},
                              {0x7F0000020000, 0x1000, PM4_FENCES}};
  const pm4_buffer buffer = {SCENE_BUFFER, 56};
  state->queue = pm4_queue_create("gfx1100", kernels, 2, ranges, 2, &buffer, 1);
  return state->queue != nullptr;
}

// True when the encoder makes the stream that was derived by hand.
bool matches_golden() {
  uint32_t golden[SCENE_MOST_DWORDS], words[SCENE_MOST_DWORDS];
  const uint32_t count = golden_read("gfx1100_full", golden, SCENE_MOST_DWORDS);
  const pm4_dispatch dispatch = scene_dispatch();
  pm4_queue* queue = scene_queue(scene_find("gfx1100"));
  const bool good = pm4_encode(queue, 0, &dispatch, SCENE_FENCE, SCENE_VALUE, words,
                               SCENE_MOST_DWORDS) == count &&
                    std::memcmp(words, golden, 4 * count) == 0;
  pm4_queue_destroy(queue);
  return good;
}

// True when the validator takes what every form prepares.
bool verify(State* state) {
  bool good = matches_golden();
  for (const Case& c : cases) {
    pm4_forget(state->queue);
    state->kernel = 0;
    // The forms that build on registers need them written first.
    good = full_checked(state) != 0 && good;
    const uint32_t count = c.prepare(state);
    const bool copied = c.prepare == copy_full || c.prepare == copy_hot;
    // What checks itself has been accepted; accepted once more it leaves the same registers.
    good = count != 0 && (copied || checked(state, count) != 0) && good;
  }
  return good;
}

struct Coverage {
  uint32_t problems, fast;
  std::set<std::string> seen;  // by text without the name
};

int classify_file(const char* path, Coverage* coverage) {
  ProblemFile file{};
  Problem problem;
  ProblemError error;
  file.path = path;
  file.stream = std::fopen(path, "r");
  if (file.stream == nullptr) return std::fprintf(stderr, "bench_pm4: %s: cannot be read\n", path), -1;
  int more = 0;
  while ((more = problem_file_next(&file, &problem, &error)) == 1) {
    char text[PROBLEM_TEXT_CAPACITY];
    problem.name[0] = '\0';
    problem_format(&problem, text, sizeof text);
    if (!coverage->seen.insert(text).second) continue;
    const sporkle_conv2d_desc desc = problem_to_desc(&problem);
    ++coverage->problems;
    coverage->fast += sporkle::pm4::classify(sporkle::make_problem(desc)) !=
                      sporkle::pm4::ConvClass::general;
  }
  std::fclose(file.stream);
  if (more < 0) std::fprintf(stderr, "bench_pm4: %s\n", error.text);
  return more;
}

void print(const Case& c, const Result& r) {
  std::printf("%-22s %4u dwords %8.1f ns  (%.1f to %.1f)", c.name, r.dwords, r.median, r.low,
              r.high);
  if (c.limit_ns > 0) std::printf("  bar %.0f %s", c.limit_ns, r.median <= c.limit_ns ? "met" : "MISSED");
  std::printf("\n");
}

struct Figure {
  const char *name, *unit;
  double median, low, high;
  const char* bar;  // at_most or at_least; null: no bar
  double bar_value;
};

// Writes the figure; true when its bar is met.
bool write_figure(JsonWriter* json, const Figure& figure) {
  const bool most = figure.bar != nullptr && std::strcmp(figure.bar, "at_most") == 0;
  const bool met = figure.bar == nullptr || (most ? figure.median <= figure.bar_value
                                                  : figure.median >= figure.bar_value);
  if (json == nullptr) return met;
  json_object_begin(json, nullptr);
  json_string(json, "name", figure.name);
  json_string(json, "unit", figure.unit);
  json_number(json, "median", figure.median);
  json_number(json, "p10", figure.low);
  json_number(json, "p90", figure.high);
  if (figure.bar != nullptr) {
    json_string(json, "bar", figure.bar);
    json_number(json, "bar_value", figure.bar_value);
    json_bool(json, "met", met);
  }
  json_object_end(json);
  return met;
}

void write_header(JsonWriter* json) {
  char cpu[128];
  read_cpu_model(cpu, sizeof cpu);
  json_object_begin(json, nullptr);
  json_string(json, "benchmark", "bench_pm4");
  json_string(json, "device", cpu);
  json_string(json, "gfx", "gfx1100");
  json_string(json, "layer", layers[0]);
  json_integer(json, "rounds", rounds);
  json_integer(json, "repeats", repeats);
  json_array_begin(json, "results");
}

// Dwords have no spread.
int report_dwords(JsonWriter* json, const Result* results) {
  const struct { const char *name, *form; double bar; } sizes[] = {
      {"dwords_full", "full", 60}, {"dwords_hot", "hot", 25}, {"dwords_ring", "call_of_prebuilt", 4}};
  int missed = 0;
  for (const auto& size : sizes) {
    const auto* found = std::find_if(std::begin(cases), std::end(cases), [&](const Case& c) {
      return std::strcmp(c.name, size.form) == 0;
    });
    const double dwords = results[found - cases].dwords;
    missed += !write_figure(json, {size.name, "dwords", dwords, dwords, dwords, "at_most", size.bar});
  }
  return missed;
}

// Measures and writes everything; the number of bars missed.
int report(State* state, JsonWriter* json, const Coverage& coverage) {
  int missed = 0;
  Result results[std::size(cases)];
  if (json != nullptr) write_header(json);
  for (const Case& c : cases) {
    const Result& r = results[&c - cases] = measure(state, c);
    print(c, r);
    missed += !write_figure(json, {c.name, "ns", r.median, r.low, r.high,
                                   c.limit_ns > 0 ? "at_most" : nullptr, c.limit_ns});
  }
  missed += report_dwords(json, results);
  if (coverage.problems > 0) {
    const double share = 100.0 * coverage.fast / coverage.problems;
    std::printf("fixed templates serve %u of %u distinct shapes (%.1f %%)\n", coverage.fast,
                coverage.problems, share);
    missed += !write_figure(json, {"shapes_on_fixed_templates", "%", share, share, share,
                                   "at_least", 90});
  }
  if (json != nullptr) {
    json_array_end(json);
    json_object_end(json);
  }
  return missed;
}

}  // namespace

int main(int argc, char** argv) {
  const char* json_path = nullptr;
  Coverage coverage{};
  for (int i = 1; i < argc; ++i) {
    const bool has_value = i + 1 < argc;
    if (std::strcmp(argv[i], "--json") == 0 && has_value) {
      json_path = argv[++i];
    } else if (std::strcmp(argv[i], "--shapes") == 0 && has_value) {
      if (classify_file(argv[++i], &coverage) < 0) return 2;
    } else {
      std::fprintf(stderr, "usage: bench_pm4 [--json FILE] [--shapes FILE]...\n");
      return 2;
    }
  }
  State state{};
  if (!load_layers(&state)) return 1;
  golden_read("gfx1100_full", state.plain, SCENE_MOST_DWORDS);
  if (!verify(&state)) {
    std::fprintf(stderr, "bench_pm4: the packets are wrong; nothing is timed: %s\n",
                 pm4_queue_reason(state.queue));
    return 1;
  }
  FILE* stream = json_path != nullptr ? std::fopen(json_path, "w") : nullptr;
  if (json_path != nullptr && stream == nullptr) return std::perror(json_path), 2;
  JsonWriter json = json_writer(stream);
  const int missed = report(&state, stream != nullptr ? &json : nullptr, coverage);
  if (stream != nullptr && (std::ferror(stream) | std::fclose(stream)) != 0) {
    return std::fprintf(stderr, "bench_pm4: %s: cannot be written\n", json_path), 2;
  }
  pm4_queue_destroy(state.queue);
  return missed ? 1 : 0;
}
