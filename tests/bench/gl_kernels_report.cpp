#include "gl_kernels_report.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "run_facts.h"

namespace bench {

namespace {

void write_row(JsonWriter* json, const Row& row, uint64_t flops) {
  json_object_begin(json, nullptr);
  json_string(json, "variant", row.variant.c_str());
  json_integer(json, "rank", static_cast<int64_t>(row.rank));
  json_number(json, "predicted_us", row.predicted_us);
  if (!row.good()) json_string(json, "rejected", row.reason.c_str());
  if (row.good()) {
    json_number(json, "us", row.us());
    json_number(json, "us_fastest", static_cast<double>(row.timing.fastest_ns) * 1e-3);
    json_number(json, "us_slowest", static_cast<double>(row.timing.slowest_ns) * 1e-3);
    json_number(json, "gflops", static_cast<double>(flops) * 1e-3 / row.us());
  }
  if (!row.stages_us.empty()) {
    json_array_begin(json, "stages_us");
    for (const double us : row.stages_us) json_number(json, nullptr, us);
    json_array_end(json);
  }
  json_number(json, "first_ms", row.first_ms);
  json_number(json, "warm_ms", row.warm_ms);
  json_number(json, "rel_l2", row.match.rel_l2);
  json_number(json, "max_error", row.match.max_abs);
  json_object_end(json);
}

const Row* fastest(const std::vector<Row>& rows) {
  const Row* best = nullptr;
  for (const Row& row : rows) {
    if (row.good() && (best == nullptr || row.us() < best->us())) best = &row;
  }
  return best;
}

const Row* chosen_row(const std::vector<Row>& rows, const std::string& chosen) {
  for (const Row& row : rows) {
    if (row.variant == chosen) return &row;
  }
  return rows.empty() ? nullptr : &rows[0];
}

}  // namespace

Output::Output(const Request& request, const sporkle::gl::Facts& facts) : choose_(request.choose) {
  if (request.json != nullptr) begin(request, facts);
  std::fprintf(text_, "%s, %s, OpenGL %s%s\n", facts.name, facts.vendor, facts.version,
               facts.software ? " (software: not a hardware figure)" : "");
}

void Output::begin(const Request& request, const sporkle::gl::Facts& facts) {
  const bool to_stdout = std::strcmp(request.json, "-") == 0;
  file_ = to_stdout ? stdout : std::fopen(request.json, "w");
  if (file_ == nullptr) throw std::runtime_error(std::string(request.json) + ": cannot write");
  if (to_stdout) text_ = stderr;
  json_ = json_writer(file_);
  json_object_begin(&json_, nullptr);
  json_string(&json_, "benchmark", request.runtime_sizes ? "gl_runtime_sizes" : "gl_kernels");
  write_run_facts(&json_, request.command.c_str());
  json_string(&json_, "device", facts.name);
  json_string(&json_, "software", facts.version);
  json_bool(&json_, "software_driver", facts.software);
  json_integer(&json_, "compute_units", facts.limits.compute_units);
  json_array_begin(&json_, "results");
}

void Output::add(const Problem& problem, uint64_t seed, const std::vector<Row>& rows,
                 const LibraryChoice& choice) {
  char text[PROBLEM_TEXT_CAPACITY];
  problem_format(&problem, text, sizeof text);
  const Row* shown = chosen_row(rows, choice.algorithm);
  if (fastest(rows) == nullptr || !shown->good()) ++failures_;
  print_rejected(text, rows);
  if (fastest(rows) != nullptr) {
    const Row* best = fastest(rows);
    std::fprintf(text_, "%-44s %-28s %9.1f us %8.0f GFLOP/s rel %.1e max %.1e | best %-28s %9.1f us\n",
                 text, shown->variant.c_str(), shown->us(),
                 static_cast<double>(problem_flops(&problem)) * 1e-3 / shown->us(),
                 shown->match.rel_l2, shown->match.max_abs, best->variant.c_str(), best->us());
    std::fflush(text_);
  }
  if (file_ != nullptr) write(text, problem, seed, rows, choice);
}

void Output::add_failed(const Problem& problem, uint64_t seed, const char* reason) {
  char text[PROBLEM_TEXT_CAPACITY];
  problem_format(&problem, text, sizeof text);
  ++failures_;
  std::fprintf(stderr, "bench_conv2d: %s: %s\n", text, reason);
  if (file_ == nullptr) return;
  json_object_begin(&json_, nullptr);
  json_string(&json_, "problem", text);
  json_integer(&json_, "seed", static_cast<int64_t>(seed));
  json_string(&json_, "error", reason);
  json_array_begin(&json_, "variants");
  json_array_end(&json_);
  json_object_end(&json_);
  std::fflush(file_);
}

void Output::print_rejected(const char* text, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    if (row.good()) continue;
    std::fprintf(text_, "  %s: %s %s\n", text, row.variant.c_str(), row.reason.c_str());
  }
}

void Output::write(const char* text, const Problem& problem, uint64_t seed,
                   const std::vector<Row>& rows, const LibraryChoice& choice) {
  const Row* best = fastest(rows);
  const Row* shown = chosen_row(rows, choice.algorithm);
  json_object_begin(&json_, nullptr);
  json_string(&json_, "problem", text);
  json_integer(&json_, "seed", static_cast<int64_t>(seed));
  json_integer(&json_, "flops", static_cast<int64_t>(problem_flops(&problem)));
  if (best != nullptr) {
    json_string(&json_, choose_ ? "chosen" : "first", shown->variant.c_str());
    json_number(&json_, "us", shown->good() ? shown->us() : NAN);
    json_string(&json_, "best", best->variant.c_str());
    json_number(&json_, "best_us", best->us());
  }
  if (choose_) {
    json_number(&json_, "plan_cold_ms", choice.cold_ms);
    json_number(&json_, "plan_warm_ms", choice.warm_ms);
    if (choice.lookup_us > 0) {
      json_number(&json_, "lookup_us", choice.lookup_us);
      lookups_us_.push_back(choice.lookup_us);
    }
  }
  json_string(&json_, "reference", choice.reference);
  json_array_begin(&json_, "variants");
  for (const Row& row : rows) write_row(&json_, row, problem_flops(&problem));
  json_array_end(&json_);
  json_object_end(&json_);
  std::fflush(file_);
}

// Of choices that were remembered.
void Output::write_lookups(const char* name, std::vector<double> us) {
  std::erase_if(us, [](double one) { return one <= 0; });
  if (us.empty()) return;
  std::sort(us.begin(), us.end());
  const auto at = [&](double share) {
    return us[static_cast<size_t>(std::ceil(share * static_cast<double>(us.size()))) - 1];
  };
  std::fprintf(text_, "%s: median %.1f us, slowest %.1f us of %zu\n", name, at(0.5), us.back(), us.size());
  if (file_ == nullptr) return;
  json_object_begin(&json_, name);
  json_number(&json_, "median", at(0.5));
  json_number(&json_, "p10", at(0.1));
  json_number(&json_, "p90", at(0.9));
  json_number(&json_, "slowest", us.back());
  json_integer(&json_, "count", static_cast<int64_t>(us.size()));
  json_object_end(&json_);
}

bool Output::finish(std::vector<double> stored_us) {
  if (file_ != nullptr) json_array_end(&json_);
  write_lookups("lookup_in_memory_us", lookups_us_);
  write_lookups("lookup_in_store_us", std::move(stored_us));
  if (file_ != nullptr) {
    json_object_end(&json_);
    std::fputc('\n', file_);
    if (file_ != stdout) std::fclose(file_);
  }
  return failures_ == 0;
}

}  // namespace bench
