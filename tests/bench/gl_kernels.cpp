// Times the kernels of the OpenGL backend on the device itself: time between two timestamp
// queries, a barrier after every dispatch, warmed up until two batches agree. Every variant
// is verified first: its whole output against the CPU's direct kernels, on fresh inputs, the
// output and the workspace filled with NaN before.
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <new>
#include <stdexcept>
#include <thread>

#include "base/clock.h"
#include "core/parallel.h"
#include "gl_kernels_report.h"
#include "gl_reference.h"
#include "gl_runtime_sizes.h"
#include "gl_seam.h"
#include "tools/problem_desc.h"
#include "tools/problem_file.h"
#include "tools/random.h"

using namespace sporkle;
using namespace sporkle::gl;

namespace bench {

namespace {

constexpr double error_limit = 1e-5;
constexpr uint64_t first_warm_ns = 400'000'000;

class Threads final : public ParallelFor {
 public:
  uint32_t threads() const noexcept override {
    return std::clamp(std::thread::hardware_concurrency(), 1u, 16u);
  }
  void run(uint32_t count, sporkle_task task, void* data) noexcept override {
    std::vector<std::thread> all;
    for (uint32_t t = 0; t < threads(); ++t) {
      all.emplace_back([=, this] {
        for (uint32_t i = t; i < count; i += threads()) task(data, i);
      });
    }
    for (std::thread& thread : all) thread.join();
  }
};

constexpr char remembered_text[] = "is remembered, found in ";

void require(sporkle_status status) {
  if (status >= 0) return;
  char text[512];
  sporkle_last_error(text, sizeof text);
  throw std::runtime_error(text);
}

// The tensors of a problem on the host, with the output that kernels are compared with.
struct HostSide {
  HostSide(const sporkle_conv2d_desc& desc, uint64_t seed)
      : problem(make_problem(desc)),
        input(problem.input_bytes() / 4),
        weights(problem.weights_bytes() / 4),
        output(problem.output_bytes() / 4) {
    random_fill(input.data(), input.size(), seed);
    random_fill(weights.data(), weights.size(), seed + 1);
    reference = direct_reference(problem, input.data(), weights.data(), output.data());
  }

  ConvProblem problem;
  std::vector<float> input, weights, output;
  const char* reference = nullptr;  // the kernel that computed `output`
};

class ProblemBench {
 public:
  ProblemBench(GlSeam& seam, const HostSide& host)
      : seam_(seam), host_(host), gl_(seam.gl()) {
    input_ = seam.create_buffer(host.problem.input_bytes(), host.input.data());
    output_ = seam.create_buffer(host.problem.output_bytes(), nullptr);
    reference_ = seam.create_buffer(host.problem.output_bytes(), host.output.data());
  }
  ~ProblemBench() {
    for (const GLuint name : {input_, output_, reference_, workspace_}) {
      gl_.DeleteBuffers(1, &name);
    }
  }

  void run(const Recipe& recipe, const std::vector<GLuint>& programs, bool stages, Row* row) {
    if (std::find(programs.begin(), programs.end(), 0u) != programs.end()) {
      row->reason = "does not compile";
      return;
    }
    reserve_workspace(recipe.workspace_bytes);
    const GLuint weights = pack(recipe);
    const RecipeTensors tensors{{input_, 0}, {weights, 0}, {}, {output_, 0}, {workspace_, 0}, {}};
    verify(recipe, programs, tensors, row);
    if (row->good()) {
      TimingRules rules;
      // A GPU that was idle takes some 200 ms of work to reach its full clock.
      if (!warm_) rules.least_warm_ns = rules.warm_ns = first_warm_ns;
      warm_ = true;
      row->timing = time_recipe(gl_, recipe, programs.data(), tensors, rules);
      row->warm_ms = static_cast<double>(row->timing.warm_ns) * 1e-6;
      if (!row->timing.ended) row->reason = "did not end";
      if (stages) time_stages(recipe, programs, tensors, row);
    }
    gl_.DeleteBuffers(1, &weights);
  }

 private:
  GLuint pack(const Recipe& recipe) {
    if (!recipe.packing.empty()) {
      const GLuint raw = seam_.create_buffer(host_.problem.weights_bytes(), host_.weights.data());
      const GLuint weights = seam_.create_buffer(recipe.packed_bytes, nullptr);
      const std::vector<GLuint> packers = seam_.compile(recipe.packers);
      dispatch_packing(gl_, recipe, packers.data(), raw, host_.problem.weights_bytes(), 0, weights);
      for (const GLuint program : packers) gl_.DeleteProgram(program);
      gl_.DeleteBuffers(1, &raw);
      return weights;
    }
    std::vector<std::byte> packed(recipe.packed_bytes + 16);
    auto* aligned = reinterpret_cast<std::byte*>(
        (reinterpret_cast<uintptr_t>(packed.data()) + 15) / 16 * 16);
    Threads threads;
    pack_weights(recipe, host_.problem, host_.weights.data(), nullptr, aligned, &threads);
    return seam_.create_buffer(recipe.packed_bytes, aligned);
  }

  void verify(const Recipe& recipe, const std::vector<GLuint>& programs,
              const RecipeTensors& tensors, Row* row) {
    seam_.poison(output_);
    seam_.poison(workspace_);
    gl_.Finish();
    const uint64_t start = now_ns();
    dispatch_recipe(gl_, recipe, programs.data(), tensors);
    gl_.Finish();
    row->first_ms = static_cast<double>(now_ns() - start) * 1e-6;
    row->match = seam_.compare(output_, reference_, host_.problem.output_bytes() / 4);
    if (row->match.wrong != 0) row->reason = "leaves outputs unwritten";
    if (!(row->match.rel_l2 <= error_limit)) row->reason = "computes wrongly";
  }

  void time_stages(const Recipe& recipe, const std::vector<GLuint>& programs,
                   const RecipeTensors& tensors, Row* row) {
    for (const Dispatch& dispatch : recipe.dispatches) {
      Recipe stage(recipe, std::pmr::get_default_resource());
      stage.dispatches.assign(1, dispatch);
      const Timing timing = time_recipe(gl_, stage, programs.data(), tensors, TimingRules{});
      row->stages_us.push_back(static_cast<double>(timing.median_ns) * 1e-3);
    }
  }

  void reserve_workspace(uint64_t bytes) {
    if (bytes <= workspace_bytes_) return;
    gl_.DeleteBuffers(1, &workspace_);
    workspace_ = seam_.create_buffer(bytes, nullptr);
    workspace_bytes_ = bytes;
  }

  GlSeam& seam_;
  const HostSide& host_;
  const GladGLContext& gl_;
  GLuint input_ = 0, output_ = 0, reference_ = 0, workspace_ = 0;
  uint64_t workspace_bytes_ = 0;
  bool warm_ = false;
};

// The library says in its log how long it took to find a remembered choice; other warnings
// go where they go without a callback.
void note_lookup(void* user, int32_t level, const char* message) {
  const char* found = std::strstr(message, remembered_text);
  if (found != nullptr) *static_cast<double*>(user) = std::strtod(found + sizeof remembered_text - 1, nullptr);
  if (level <= SPORKLE_LOG_WARNING || std::getenv("SPORKLE_LOG") != nullptr) {
    std::fprintf(stderr, "sporkle: %s\n", message);
  }
}

// With what the library notes of its lookups.
struct Asked {
  explicit Asked(const char* device) {
    sporkle_context_desc desc = SPORKLE_CONTEXT_DESC_INIT;
    desc.device = device;
    desc.log = note_lookup;
    desc.log_user = &lookup_us;
    desc.log_level = SPORKLE_LOG_DEBUG;
    require(sporkle_context_create(&desc, &context));
  }
  ~Asked() { sporkle_context_destroy(context); }
  Asked(const Asked&) = delete;
  Asked& operator=(const Asked&) = delete;

  sporkle_context context = nullptr;
  double lookup_us = 0;
};

LibraryChoice ask_library(Asked* asked, const sporkle_conv2d_desc& desc,
                          const HostSide& host) {
  LibraryChoice choice;
  sporkle_context context = asked->context;
  uint32_t device = 0;
  require(sporkle_device_find(context, "gl", &device));
  for (double* ms : {&choice.cold_ms, &choice.warm_ms}) {
    sporkle_plan plan = nullptr;
    asked->lookup_us = 0;
    const uint64_t start = now_ns();
    require(sporkle_plan_create(context, device, &desc, host.weights.data(), nullptr, &plan));
    *ms = static_cast<double>(now_ns() - start) * 1e-6;
    sporkle_plan_info info = SPORKLE_PLAN_INFO_INIT;
    require(sporkle_plan_describe(plan, &info));
    choice.algorithm = info.algorithm;
    require(sporkle_plan_destroy(plan));
  }
  choice.lookup_us = asked->lookup_us;
  return choice;
}

// In a context that has just been opened: from the store, not from memory.
double lookup_in_store(Asked* asked, const sporkle_conv2d_desc& desc) {
  const ConvProblem problem = make_problem(desc);
  std::vector<float> weights(problem.weights_bytes() / 4);
  random_fill(weights.data(), weights.size(), 1);
  uint32_t device = 0;
  sporkle_plan plan = nullptr;
  asked->lookup_us = 0;
  require(sporkle_device_find(asked->context, "gl", &device));
  require(sporkle_plan_create(asked->context, device, &desc, weights.data(), nullptr, &plan));
  require(sporkle_plan_destroy(plan));
  return asked->lookup_us;
}

struct Picked {
  const Variant* variant;
  size_t rank;
};

std::vector<Picked> pick(const Request& request, const ConvProblem& problem,
                                 const Limits& limits, const std::string& chosen) {
  std::vector<Picked> picked;
  const auto ranked = rank(problem, limits, std::pmr::get_default_resource(), nullptr);
  const double first = ranked.empty() ? 0 : predicted_us(*ranked[0], problem, limits);
  for (size_t i = 0; i < ranked.size(); ++i) {
    const Variant* variant = ranked[i];
    const bool wanted = request.only == nullptr || std::strstr(variant->name, request.only);
    const bool hopeless = predicted_us(*variant, problem, limits) > request.beyond * first;
    if (variant->name == chosen ||
        (wanted && !hopeless && picked.size() < request.variants)) {
      picked.push_back({variant, i});
    }
  }
  return picked;
}

std::vector<Row> bench_problem(const Request& request, GlSeam& seam, const HostSide& host,
                               const std::string& chosen) {
  const Limits& limits = seam.facts().limits;
  const auto picked = pick(request, host.problem, limits, chosen);
  std::vector<Recipe> recipes;
  for (const Picked& one : picked) {
    recipes.push_back(build(*one.variant, host.problem, limits, std::pmr::get_default_resource()));
  }
  std::vector<std::vector<RuntimeSizes>> sizes(recipes.size());
  for (size_t i = 0; i < recipes.size() && request.runtime_sizes; ++i) {
    for (Program& program : recipes[i].programs) sizes[i].push_back(make_runtime_sizes(&program));
  }
  auto programs = seam.compile(recipes);
  for (size_t i = 0; i < recipes.size() && request.runtime_sizes; ++i) {
    for (size_t j = 0; j < sizes[i].size(); ++j)
      set_runtime_sizes(seam.gl(), programs[i][j], sizes[i][j]);
  }
  ProblemBench bench(seam, host);
  std::vector<Row> rows(picked.size());
  for (size_t i = 0; i < picked.size(); ++i) {
    rows[i].variant = picked[i].variant->name;
    rows[i].rank = picked[i].rank;
    rows[i].predicted_us = predicted_us(*picked[i].variant, host.problem, limits);
    bench.run(recipes[i], programs[i], request.stages, &rows[i]);
    for (const GLuint program : programs[i]) seam.gl().DeleteProgram(program);
  }
  return rows;
}

// What is wrong with the arguments, not with the device.
struct BadInput : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// All of them, before the first is measured.
std::vector<Problem> read_problems(const char* path) {
  ProblemFile file{};
  file.stream = std::fopen(path, "r");
  file.path = path;
  if (file.stream == nullptr) {
    throw BadInput(std::string(path) + ": cannot read: " + std::strerror(errno));
  }
  std::vector<Problem> problems;
  Problem problem;
  ProblemError error;
  int found;
  while ((found = problem_file_next(&file, &problem, &error)) == 1) problems.push_back(problem);
  std::fclose(file.stream);
  if (found < 0) throw BadInput(error.text);
  if (problems.empty()) throw BadInput(std::string(path) + ": no problem in it");
  return problems;
}

void bench_one(const Request& request, GlSeam& seam, Asked* asked,
               const Problem& problem, uint64_t seed, Output* output) {
  const sporkle_conv2d_desc conv = problem_to_desc(&problem);
  const HostSide host(conv, seed);
  LibraryChoice choice;
  if (request.choose) choice = ask_library(asked, conv, host);
  choice.reference = host.reference;
  output->add(problem, seed, bench_problem(request, seam, host, choice.algorithm), choice);
}

std::vector<double> lookups_in_store(const std::vector<Problem>& problems) {
  Asked asked("gl");
  std::vector<double> us;
  for (const Problem& problem : problems) {
    try {
      us.push_back(lookup_in_store(&asked, problem_to_desc(&problem)));
    } catch (const std::exception& error) {
      std::fprintf(stderr, "bench_conv2d: second context: %s\n", error.what());
    }
  }
  return us;
}

int run(const Request& request) {
  const std::vector<Problem> problems = read_problems(request.file);
  GlSeam seam(request.software);
  Output output(request, seam.facts());
  Asked asked(request.choose ? "gl" : "cpu");
  uint64_t seed = request.seed;
  for (const Problem& problem : problems) {
    seed += 2;
    // One that cannot be measured is no reason to leave the others out.
    try {
      bench_one(request, seam, &asked, problem, seed, &output);
    } catch (const std::bad_alloc&) {
      output.add_failed(problem, seed, "no memory for its tensors on the host");
    } catch (const std::length_error&) {
      output.add_failed(problem, seed, "no memory for its tensors on the host");
    } catch (const Error& error) {
      output.add_failed(problem, seed, error.reason.text);
    } catch (const std::exception& error) {
      output.add_failed(problem, seed, error.what());
    }
  }
  return output.finish(request.choose ? lookups_in_store(problems) : std::vector<double>()) ? 0 : 1;
}

}  // namespace

}  // namespace bench

int main(int argc, char** argv) {
  try {
    return bench::run(bench::parse_request(argc, argv));
  } catch (const bench::BadInput& error) {
    std::fprintf(stderr, "bench_conv2d: %s\n", error.what());
    return 2;
  } catch (const sporkle::Error& error) {
    std::fprintf(stderr, "bench_conv2d: %s\n", error.reason.text);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_conv2d: %s\n", error.what());
  }
  return 1;
}
