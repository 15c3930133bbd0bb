#include "buffers/records.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>

#include "run_facts.h"

namespace buffers {

double now_us() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) * 1e-3;
}

bool Records::open(const char* path) {
  path_ = path;
  // Beside it a file must be possible, and what is there already must be ours to replace.
  if (access(path, F_OK) == 0 && access(path, W_OK) != 0) return false;
  const std::string temporary = path_ + ".part";
  FILE* file = std::fopen(temporary.c_str(), "w");
  if (file == nullptr) return false;
  std::fclose(file);
  return std::remove(temporary.c_str()) == 0;
}

double Records::add(const std::string& name, const char* unit, std::vector<double> samples,
                    uint64_t outputs) {
  std::sort(samples.begin(), samples.end());
  const auto at = [&](double share) {
    const double rank = std::ceil(share * static_cast<double>(samples.size()));
    return samples[static_cast<size_t>(std::max(rank, 1.0)) - 1];
  };
  std::printf("%-58s %12.3f %-8s [%.3f..%.3f] n=%zu\n", name.c_str(), at(0.5), unit, at(0.1),
              at(0.9), samples.size());
  std::fflush(stdout);
  rows_.push_back({name, unit, at(0.5), at(0.1), at(0.9), samples.size(), outputs});
  return at(0.5);
}

void Records::fail(const std::string& name, const std::string& reason) {
  failures_.emplace_back(name, reason);
  std::printf("%-58s no figure: %s\n", name.c_str(), reason.c_str());
  std::fflush(stdout);
}

void Records::progress(const char* next) const {
  std::printf("-- %.0f s: %s\n", (now_us() - begin_us_) * 1e-6, next);
  std::fflush(stdout);
}

static void write_pairs(JsonWriter* json, const char* key,
                        const std::vector<std::pair<std::string, std::string>>& pairs) {
  json_object_begin(json, key);
  for (const auto& [name, value] : pairs) json_string(json, name.c_str(), value.c_str());
  json_object_end(json);
}

static void write_run(JsonWriter* json, const RunFacts& facts) {
  json_string(json, "benchmark", "buffers");
  write_run_facts(json, facts.command.c_str());
  json_string(json, "device", facts.device.c_str());
  json_string(json, "driver", facts.driver.c_str());
  json_bool(json, "software", facts.software);
  write_pairs(json, "placement", facts.placement);
}

bool Records::save(bool complete) const {
  if (path_.empty()) return true;
  const std::string temporary = path_ + ".part";
  FILE* file = std::fopen(temporary.c_str(), "w");
  if (file == nullptr) return false;
  JsonWriter json = json_writer(file);
  json_object_begin(&json, nullptr);
  write_run(&json, facts_);
  json_bool(&json, "complete", complete);
  json_number(&json, "seconds", (now_us() - begin_us_) * 1e-6);
  write_pairs(&json, "failures", failures_);
  json_array_begin(&json, "results");
  for (const Row& row : rows_) {
    json_object_begin(&json, nullptr);
    json_string(&json, "name", row.name.c_str());
    json_string(&json, "unit", row.unit.c_str());
    json_number(&json, "median", row.median);
    json_number(&json, "p10", row.p10);
    json_number(&json, "p90", row.p90);
    json_integer(&json, "n", static_cast<int64_t>(row.n));
    if (row.outputs > 0) {
      json_integer(&json, "verified_outputs", static_cast<int64_t>(row.outputs));
    }
    json_object_end(&json);
  }
  json_array_end(&json);
  json_object_end(&json);
  const bool written = std::ferror(file) == 0;
  if (std::fclose(file) != 0 || !written) return false;
  return std::rename(temporary.c_str(), path_.c_str()) == 0;
}

static int most_samples = 0;  // 0: as many as are asked for

void limit_samples(int most) { most_samples = most; }

std::vector<double> time_us(int warm, int count, const std::function<void()>& work,
                            double warm_us) {
  if (most_samples > 0) {
    warm = std::min(warm, 1);
    count = std::min(count, most_samples);
  }
  std::vector<double> samples;
  const double begin = now_us();
  for (int i = 0; i < warm || now_us() - begin < warm_us; ++i) work();
  for (int i = 0; i < count; ++i) {
    const double start = now_us();
    work();
    samples.push_back(now_us() - start);
  }
  return samples;
}

}  // namespace buffers
