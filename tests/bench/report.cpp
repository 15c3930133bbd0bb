#include "report.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "sporkle.h"

namespace bench {

namespace {

void read_cpu_model(char* out, size_t capacity) {
  std::snprintf(out, capacity, "unknown CPU");
  FILE* file = std::fopen("/proc/cpuinfo", "r");
  if (file == nullptr) return;
  char line[256];
  while (std::fgets(line, sizeof line, file) != nullptr) {
    const char* value = std::strchr(line, ':');
    if (std::strncmp(line, "model name", 10) != 0 || value == nullptr) continue;
    std::snprintf(out, capacity, "%.*s", static_cast<int>(std::strcspn(value + 2, "\n")),
                  value + 2);
    break;
  }
  std::fclose(file);
}

// How much faster the first contestant is than the better of the others.
double ratio_to_peer(const Field& field) {
  double best = NAN;
  for (size_t i = 1; i < field.size(); ++i) best = std::fmin(best, field[i]->median_ns());
  return best / field[0]->median_ns();
}

void print_rate(const Problem& problem, const Contestant& contestant) {
  if (!contestant.usable()) {
    std::printf("  %-12s refused: %s\n", kind_names[static_cast<int>(contestant.kind())],
                contestant.ready().failure);
    return;
  }
  const std::vector<double>& rounds = contestant.rounds_ns();
  const auto [low, high] = std::minmax_element(rounds.begin(), rounds.end());
  const auto flops = static_cast<double>(problem_flops(&problem));
  std::printf("  %-12s %7.1f GFLOP/s (%.1f..%.1f)  %9.4f ms  error %.1e  %s\n",
              kind_names[static_cast<int>(contestant.kind())], flops / contestant.median_ns(),
              flops / *high, flops / *low, contestant.median_ns() * 1e-6,
              contestant.ready().rel_l2_error, contestant.ready().algorithm);
}

}  // namespace

Report::Report(bool peer, const std::string& json) : peer_(peer) {
  read_cpu_model(cpu_, sizeof cpu_);
  if (json.empty()) return;
  file_ = std::fopen(json.c_str(), "w");
  if (file_ == nullptr) {
    std::perror(json.c_str());
    std::exit(1);
  }
  json_ = json_writer(file_);
  json_object_begin(&json_, nullptr);
  json_string(&json_, "cpu", cpu_);
  json_string(&json_, "sporkle", sporkle_version_string());
  json_array_begin(&json_, "results");
}

Report::~Report() {
  if (file_ != nullptr) std::fclose(file_);
}

void Report::add(const Problem& problem, const std::string& text, int threads,
                 const Field& field) {
  const double ratio = ratio_to_peer(field);
  if (peer_) {
    std::printf("%.2fx  ", ratio);
    add_mean(threads, ratio);
  }
  std::printf("%s  %d thread%s  %s\n", text.c_str(), threads, threads == 1 ? "" : "s", cpu_);
  for (const auto& contestant : field) {
    print_rate(problem, *contestant);
    if (!contestant->usable()) ++failures_;
  }
  std::fflush(stdout);
  if (file_ != nullptr) add_json(problem, text, threads, field, ratio);
}

void Report::add_mean(int threads, double ratio) {
  if (!std::isfinite(ratio)) return;
  auto found = std::find_if(means_.begin(), means_.end(),
                            [&](const Mean& mean) { return mean.threads == threads; });
  if (found == means_.end()) found = means_.insert(found, {threads, 0, 0});
  found->log_sum += std::log(ratio);
  ++found->count;
}

void Report::add_json(const Problem& problem, const std::string& text, int threads,
                      const Field& field, double ratio) {
  json_object_begin(&json_, nullptr);
  json_string(&json_, "problem", text.c_str());
  json_integer(&json_, "threads", threads);
  json_number(&json_, "flops", static_cast<double>(problem_flops(&problem)));
  json_number(&json_, "ratio", ratio);
  for (const auto& contestant : field) {
    json_object_begin(&json_, kind_names[static_cast<int>(contestant->kind())]);
    json_string(&json_, "algorithm", contestant->ready().algorithm);
    json_bool(&json_, "verified", contestant->usable());
    json_number(&json_, "rel_l2_error", contestant->ready().rel_l2_error);
    json_number(&json_, "ms_median", contestant->median_ns() * 1e-6);
    json_array_begin(&json_, "rounds_ns");
    for (const double ns : contestant->rounds_ns()) json_number(&json_, nullptr, ns);
    json_array_end(&json_);
    json_object_end(&json_);
  }
  json_object_end(&json_);
}

bool Report::finish() {
  for (const Mean& mean : means_) {
    std::printf("%.2fx  geometric mean of %d problems against the better of two oneDNN layouts, "
                "%d thread%s, %s\n", std::exp(mean.log_sum / mean.count), mean.count,
                mean.threads, mean.threads == 1 ? "" : "s", cpu_);
  }
  if (file_ != nullptr) {
    json_array_end(&json_);
    json_object_end(&json_);
    std::fputc('\n', file_);
  }
  if (failures_ > 0) std::printf("%d figures refused: see above\n", failures_);
  return failures_ == 0;
}

}  // namespace bench
