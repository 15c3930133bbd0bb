#include "gl/tuner_shim.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <dirent.h>
#include <string>
#include <thread>
#include <vector>

#include "backends/gl/compile_cost.h"
#include "backends/gl/device_scan.h"
#include "base/memory.h"
#include "base/process.h"
#include "core/cache_store.h"

using namespace sporkle;
using namespace sporkle::gl;

struct shim_tuner {
  std::string warnings;
  sporkle_allocator allocator{};
  AllocatorResource memory{allocator};
  Log log{&shim_tuner::keep, this, SPORKLE_LOG_WARNING};
  Options options;
  Stats stats;
  CacheStore cache;
  DeviceEnvironment environment;
  std::shared_ptr<Device> device;
  uint32_t pieces = 1;

  static void keep(void* self, int32_t, const char* text) {
    (static_cast<shim_tuner*>(self)->warnings += text) += '\n';
  }
};

namespace {

// The kernels' view of a small hardware device; enough to ask who accepts what.
Limits limits_of() {
  Limits limits;
  limits.vendor = Vendor::software;
  return limits;
}

}  // namespace

shim_tuner* shim_tuner_open(const char* directory, int choice, int spoil, const char* variant) {
  process_enter([]() noexcept {});
  auto* t = new shim_tuner;
  t->cache.open(directory, &t->log);
  t->environment.memory = &t->memory;
  t->environment.log = &t->log;
  t->environment.options = &t->options;
  t->environment.stats = &t->stats;
  t->environment.cache = &t->cache;
  t->environment.fences = fence_pool_acquire(64);
  t->environment.queue_capacity = 128;
  t->environment.reproducible = choice == SHIM_REPRODUCIBLE || choice == SHIM_PROVEN;
  OpenRules rules;
  rules.tune_everywhere =
      choice == SHIM_BY_TIME || choice == SHIM_NO_GRACE || choice == SHIM_PROVEN;
  if (choice == SHIM_NO_GRACE) rules.tuning_grace_ns = 0;
  rules.pieces = &t->pieces;
  rules.spoil = static_cast<uint32_t>(spoil);
  std::snprintf(rules.spoiled_variant, sizeof rules.spoiled_variant, "%s",
                variant != nullptr ? variant : "");
  {
    DeviceScan scan(t->environment, rules);
    std::thread([&] { scan.run(); }).join();
    for (auto& device : scan.list().devices) {
      if (t->device == nullptr) t->device = device;
      else device->close(SPORKLE_ERROR_CANCELLED);
    }
  }
  if (t->device != nullptr) return t;
  shim_tuner_close(t);
  return nullptr;
}

void shim_tuner_close(shim_tuner* t) {
  if (t->device != nullptr) t->device->close(SPORKLE_ERROR_CANCELLED);
  t->device.reset();
  fence_pool_release(t->environment.fences, SPORKLE_ERROR_CANCELLED);
  delete t;
}

void shim_tuner_split(shim_tuner* t, uint32_t pieces) { t->pieces = pieces; }

sporkle_status shim_tuner_run(shim_tuner* t, const sporkle_conv2d_desc* desc,
                              const shim_tensors* tensors, char* algorithm) try {
  auto plan = t->device->create_plan(make_problem(*desc), tensors->weights, tensors->bias);
  std::snprintf(algorithm, 48, "%s", plan->algorithm());
  RunReport report;
  t->device->run(plan, {tensors->input, tensors->residual, tensors->output}, &report);
  return SPORKLE_OK;
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.reason.text);
  return error.status;
}

int shim_tuner_warnings(const shim_tuner* t, const char* text) {
  int count = 0;
  for (size_t at = 0; (at = t->warnings.find(text, at)) != std::string::npos; ++at) ++count;
  return count;
}

static std::vector<std::string> tuned_keys(const char* directory) {
  std::vector<std::string> keys;
  DIR* dir = opendir(directory);
  while (const dirent* item = dir != nullptr ? readdir(dir) : nullptr) {
    if (std::strncmp(item->d_name, "gltune-", 7) != 0) continue;
    FILE* file = std::fopen((std::string(directory) + "/" + item->d_name).c_str(), "rb");
    uint64_t header[4] = {};
    std::string key;
    if (std::fread(header, sizeof header, 1, file) == 1 && header[1] < 4096) {
      key.resize(header[1]);
      if (std::fread(key.data(), 1, key.size(), file) == key.size()) keys.push_back(key);
    }
    std::fclose(file);
  }
  if (dir != nullptr) closedir(dir);
  return keys;
}

static int put_all(CacheStore& cache, const std::vector<std::string>& keys, const char* content) {
  int count = 0;
  for (const std::string& key : keys) {
    count += cache.put("gltune", key.c_str(),
                       {reinterpret_cast<const unsigned char*>(content), std::strlen(content)});
  }
  return count;
}

int shim_tuner_overwrite(const char* directory, const char* content) {
  CacheStore cache;
  cache.open(directory, nullptr);
  return put_all(cache, tuned_keys(directory), content);
}

int shim_tuner_age(const char* directory, const char* content) {
  CacheStore cache;
  cache.open(directory, nullptr);
  std::vector<std::string> keys = tuned_keys(directory);
  for (std::string& key : keys) {
    // format | vendor | renderer | version
    size_t at = 0;
    for (int i = 0; i < 3; ++i) at = key.find('|', at) + 1;
    key.insert(at, "older ");
  }
  cache.clear();
  return put_all(cache, keys, content);
}

uint32_t shim_variant_count(void) { return static_cast<uint32_t>(variants().size()); }
const char* shim_variant_name(uint32_t index) { return variants()[index].name; }

int shim_variant_accepts(shim_tuner*, uint32_t index, const sporkle_conv2d_desc* desc) {
  return accepts(variants()[index], make_problem(*desc), limits_of(), nullptr);
}

void shim_variant_refusal(uint32_t index, const sporkle_conv2d_desc* desc, char* text,
                          uint64_t capacity) {
  Reason reason;
  accepts(variants()[index], make_problem(*desc), limits_of(), &reason);
  std::snprintf(text, capacity, "%s", reason.text);
}

const char* shim_rule_choice(shim_tuner*, const sporkle_conv2d_desc* desc, uint32_t n) {
  const auto ranked =
      rank(make_problem(*desc), limits_of(), std::pmr::get_default_resource(), nullptr);
  return n < ranked.size() ? ranked[n]->name : nullptr;
}

const char* shim_rule_choice_within(const sporkle_conv2d_desc* desc, uint64_t workspace_bytes,
                                    uint32_t n) {
  // Of a hardware device: the rule for software drivers avoids workspace by itself.
  Limits limits;
  limits.max_workspace_bytes = workspace_bytes;
  const auto ranked =
      rank(make_problem(*desc), limits, std::pmr::get_default_resource(), nullptr);
  return n < ranked.size() ? ranked[n]->name : nullptr;
}

const char* shim_reproducible_choice(const sporkle_conv2d_desc* desc, int hardware) {
  const auto ranked = rank(make_problem(*desc), hardware ? Limits{} : limits_of(),
                           std::pmr::get_default_resource(), nullptr, true);
  return ranked.empty() ? nullptr : ranked[0]->name;
}

int shim_same_programs(uint32_t index, const sporkle_conv2d_desc* desc, int64_t images) {
  ConvProblem problem = make_problem(*desc);
  const auto sources = [&] {
    std::pmr::string text;
    const Recipe recipe = build(variants()[index], problem, limits_of(),
                                std::pmr::get_default_resource(), true);
    for (const auto* programs : {&recipe.programs, &recipe.packers})
      for (const Program& program : *programs) append_source(program, text);
    return text;
  };
  const std::pmr::string whole = sources();
  problem.n = images;
  return sources() == whole;
}

int shim_compile_cost(const sporkle_conv2d_desc* desc, const char* variant, double* first,
                      double* known, double* met, double* slower, double* faster) {
  const Variant* found = find_variant(variant);
  if (found == nullptr) return 0;
  auto* const memory = std::pmr::get_default_resource();
  const Recipe recipe = build(*found, make_problem(*desc), Limits{}, memory);
  std::pmr::vector<const Program*> none(memory), all(memory);
  for (const auto* programs : {&recipe.programs, &recipe.packers})
    for (const Program& program : *programs) all.push_back(&program);
  CompileCost cost;
  const auto of = [&](const auto& there) { return cost.of(recipe, there); };
  const auto learn = [&](uint64_t expected, uint64_t ns) {
    cost.learn(recipe, expected, ns);
    return static_cast<double>(of(none));
  };
  const uint64_t begin = of(none);
  *first = static_cast<double>(begin);
  *known = static_cast<double>(of(all));
  *met = learn(begin, begin);
  *slower = learn(of(none), 2 * of(none));
  *faster = learn(of(none), of(none) / 2);
  return 1;
}

double shim_tuning_share(uint64_t longest_ns, uint64_t pause_ns, uint64_t from_ns) {
  constexpr uint64_t day_ns = 86400ull * 1000000000, begin_ns = 12345;
  TuningShare share(begin_ns);
  uint64_t now = begin_ns, random = 1;
  double largest = 0;
  const auto look = [&] {
    if (now - begin_ns < from_ns) return;
    largest = std::max(largest, static_cast<double>(share.spent_ns()) /
                                    static_cast<double>(now - begin_ns));
  };
  // The longest comes first: no later one exceeds what was expected of it.
  for (uint64_t trial = longest_ns; now - begin_ns < day_ns; now += pause_ns) {
    look();
    if (!share.allows(now)) continue;
    now += trial;
    share.add(trial);
    look();
    random = random * 6364136223846793005u + 1442695040888963407u;
    trial = (random >> 33) % longest_ns;
  }
  return largest;
}
