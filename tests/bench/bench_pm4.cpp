// Time to prepare the packets of one dispatch on this CPU, by form, with and
// without validation, and the share of common layers that the fixed templates
// serve. The peer is memcpy of as many dwords: the least that a preparation can
// cost. Before anything is timed, every form is validated and, where it is the
// full form on gfx1100, compared with the stream derived by hand.
//
//   bench_pm4 [--json FILE] [--shapes FILE]...
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "backends/amdgpu/pm4/conv_class.h"
#include "base/clock.h"
#include "pm4/scene.h"
#include "tools/json.h"
#include "tools/problem_desc.h"
#include "tools/problem_file.h"

namespace {

// Short rounds, so that most of them are not interrupted on a machine that is in use.
constexpr int rounds = 201;
constexpr int repeats = 2000;

// What the machine code's argument block takes; copied where the form says so.
constexpr uint32_t argument_bytes = 96;

struct Case {
  const char* name;
  double limit_ns;  // 0: no bar
  uint32_t (*prepare)(struct State* state);
};

struct State {
  pm4_queue* queue;
  uint32_t kernel;  // 0, except where the template is to be built anew each time
  pm4_dispatch dispatch;
  uint32_t words[SCENE_MOST_DWORDS];
  uint32_t plain[SCENE_MOST_DWORDS];
  unsigned char arguments[argument_bytes], argument_memory[argument_bytes];
  uint64_t value;
};

uint32_t encode(State* s) {
  return pm4_encode(s->queue, s->kernel, &s->dispatch, SCENE_FENCE, ++s->value, s->words,
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

pm4_queue* queue_of_two_kernels() {
  pm4_kernel kernels[2] = {scene_find("gfx1100")->kernel, scene_find("gfx1100")->kernel};
  kernels[1].entry += 0x10000;
  kernels[1].code += 0x10000;
  const pm4_range ranges[] = {{0x7F0000010000, 0x1000, PM4_ARGUMENTS},
                              {0x7F0000020000, 0x1000, PM4_FENCES}};
  return pm4_queue_create("gfx1100", kernels, 2, ranges, 2, nullptr, 0);
}

// True when every form is valid and the full form is the one derived by hand.
bool verify(State* state) {
  uint32_t golden[SCENE_MOST_DWORDS];
  const uint32_t count = golden_read("gfx1100_full", golden, SCENE_MOST_DWORDS);
  state->value = SCENE_VALUE - 1;
  bool good = full(state) == count && std::memcmp(state->words, golden, 4 * count) == 0;
  for (const Case& c : cases) good = c.prepare(state) != 0 && good;
  state->kernel = 0;
  return full_checked(state) != 0 && hot_checked(state) != 0 && good;
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

void write_json(JsonWriter* json, const Case& c, const Result& r) {
  json_object_begin(json, nullptr);
  json_string(json, "name", c.name);
  json_integer(json, "dwords", r.dwords);
  json_number(json, "median_ns", r.median);
  json_number(json, "p10_ns", r.low);
  json_number(json, "p90_ns", r.high);
  if (c.limit_ns > 0) json_number(json, "bar_ns", c.limit_ns);
  json_object_end(json);
}

int report(State* state, FILE* stream, const Coverage& coverage) {
  int missed = 0;
  JsonWriter json = json_writer(stream != nullptr ? stream : stdout);
  if (stream != nullptr) {
    json_object_begin(&json, nullptr);
    json_string(&json, "gfx", "gfx1100");
    json_string(&json, "kernel", "placeholder descriptor; the time does not depend on the code");
    json_integer(&json, "shapes", coverage.problems);
    json_integer(&json, "shapes_on_fixed_templates", coverage.fast);
    json_array_begin(&json, "forms");
  }
  for (const Case& c : cases) {
    const Result result = measure(state, c);
    print(c, result);
    if (stream != nullptr) write_json(&json, c, result);
    missed += c.limit_ns > 0 && result.median > c.limit_ns;
  }
  if (stream != nullptr) {
    json_array_end(&json);
    json_object_end(&json);
  }
  if (coverage.problems > 0) {
    std::printf("fixed templates serve %u of %u distinct shapes (%.1f %%)\n", coverage.fast,
                coverage.problems, 100.0 * coverage.fast / coverage.problems);
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
  state.queue = queue_of_two_kernels();
  state.dispatch = scene_dispatch();
  golden_read("gfx1100_full", state.plain, SCENE_MOST_DWORDS);
  if (!verify(&state)) {
    std::fprintf(stderr, "bench_pm4: the packets are wrong; nothing is timed: %s\n",
                 pm4_queue_reason(state.queue));
    return 1;
  }
  FILE* stream = json_path != nullptr ? std::fopen(json_path, "w") : nullptr;
  if (json_path != nullptr && stream == nullptr) return std::perror(json_path), 2;
  const int missed = report(&state, stream, coverage);
  if (stream != nullptr) std::fclose(stream);
  pm4_queue_destroy(state.queue);
  return missed ? 1 : 0;
}
