#include "report.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "cpu_model.h"
#include "revision.h"
#include "sporkle.h"

namespace bench {

namespace {

void print_contestant(const Contestant& contestant) {
  const char* name = kind_names[static_cast<int>(contestant.kind())];
  const Ready& ready = contestant.ready();
  if (!contestant.usable()) {
    std::printf("  %-20s %s: %s\n", name, ready.absent ? "absent" : "refused", ready.failure);
    return;
  }
  const std::vector<double>& rounds = contestant.rounds_ns();
  const auto [low, high] = std::minmax_element(rounds.begin(), rounds.end());
  std::printf("  %-20s %7.1f %s (%.1f..%.1f)  %9.4f ms", name, contestant.rate(),
              contestant.kind() >= Kind::weights_read ? "GB/s   " : "GFLOP/s", ready.work / *high,
              ready.work / *low, contestant.median_ns() * 1e-6);
  if (is_machine(contestant.kind())) {
    std::printf("  %s\n", ready.algorithm);
  } else {
    std::printf("  error %.1e, worst %.1e  %s\n", ready.rel_l2_error, ready.max_rel_error,
                ready.algorithm);
  }
}

// Whether a problem's algorithm multiplies less often than its FLOPs say.
bool is_winograd(const char* algorithm) { return std::strstr(algorithm, "winograd") != nullptr; }

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
  json_string(&json_, "benchmark", "bench_conv2d");
  json_string(&json_, "device", cpu_);
  json_bool(&json_, "software", false);
  json_string(&json_, "sporkle", sporkle_version_string());
  json_string(&json_, "revision", BENCH_REVISION);
  json_array_begin(&json_, "results");
}

Report::~Report() {
  if (file_ != nullptr) std::fclose(file_);
}

void Report::add(const Problem& problem, const std::string& text, int threads,
                 const Field& field) {
  Row row = make_row(problem, text, threads);
  for (const auto& contestant : field) {
    const int kind = static_cast<int>(contestant->kind());
    row.ns[kind] = contestant->median_ns();
    // What else ran on the machine can only lower a peak.
    row.rate[kind] = is_peak(contestant->kind()) ? contestant->best_rate() : contestant->rate();
    if (!contestant->usable() && !contestant->ready().absent) ++failures_;
  }
  row.winograd_used = is_winograd(field.front()->ready().algorithm);
  if (std::isfinite(row.direct_ratio())) std::printf("%.2fx  ", row.direct_ratio());
  std::printf("%s  %d thread%s  %s\n", text.c_str(), threads, threads == 1 ? "" : "s", cpu_);
  for (const auto& contestant : field) print_contestant(*contestant);
  std::fflush(stdout);
  if (file_ != nullptr) add_json(row, field);
  rows_.push_back(row);
}

void Report::add_json(const Row& row, const Field& field) {
  json_object_begin(&json_, nullptr);
  json_string(&json_, "name", row.problem.c_str());
  json_integer(&json_, "threads", row.threads);
  json_integer(&json_, "batch", row.batch);
  json_number(&json_, "flops", row.flops);
  if (peer_) {
    json_number(&json_, "ratio_direct", row.direct_ratio());
    json_number(&json_, "ratio_winograd", row.winograd_ratio());
    json_number(&json_, "call_excess", row.call_excess());
    json_number(&json_, "call_over_read", row.call_over_read());
    json_number(&json_, "reproducible_cost", row.reproducible_cost());
  }
  for (const auto& contestant : field) {
    json_object_begin(&json_, kind_names[static_cast<int>(contestant->kind())]);
    json_string(&json_, "algorithm", contestant->ready().algorithm);
    json_bool(&json_, "verified", contestant->usable() && !is_machine(contestant->kind()));
    if (!contestant->usable()) json_string(&json_, "refused", contestant->ready().failure);
    json_number(&json_, "rel_l2_error", contestant->ready().rel_l2_error);
    json_number(&json_, "max_rel_error", contestant->ready().max_rel_error);
    json_number(&json_, "work", contestant->ready().work);
    json_number(&json_, "ms_median", contestant->median_ns() * 1e-6);
    json_array_begin(&json_, "rounds_ns");
    for (const double ns : contestant->rounds_ns()) json_number(&json_, nullptr, ns);
    json_array_end(&json_);
    json_object_end(&json_);
  }
  json_object_end(&json_);
}

bool Report::finish() {
  if (peer_) print_summary(rows_, cpu_);
  if (file_ != nullptr) {
    json_array_end(&json_);
    json_object_end(&json_);
    std::fputc('\n', file_);
  }
  if (failures_ > 0) std::printf("%d figures refused: see above\n", failures_);
  return failures_ == 0;
}

}  // namespace bench
