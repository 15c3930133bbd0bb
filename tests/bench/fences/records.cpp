#include "records.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tools/json.h"

namespace fences {

void Samples::append(const Samples& other) {
  values_.insert(values_.end(), other.values_.begin(), other.values_.end());
}

double Samples::quantile(double q) const {
  if (values_.empty()) return NAN;
  std::vector<double> sorted = values_;
  std::sort(sorted.begin(), sorted.end());
  const double place = q * static_cast<double>(sorted.size() - 1);
  return sorted[static_cast<size_t>(place + 0.5)];
}

namespace {

bool met(const Result& r) {
  const double median = r.samples.median();
  return r.bar.kind == Bar::Kind::at_most ? median <= r.bar.value : median >= r.bar.value;
}

void write_result(JsonWriter* json, const Result& r) {
  json_object_begin(json, nullptr);
  json_string(json, "name", r.name.c_str());
  json_string(json, "unit", r.unit.c_str());
  json_number(json, "median", r.samples.median());
  json_number(json, "p10", r.samples.quantile(0.1));
  json_number(json, "p90", r.samples.quantile(0.9));
  json_number(json, "p99", r.samples.quantile(0.99));
  json_number(json, "min", r.samples.quantile(0));
  json_number(json, "max", r.samples.quantile(1));
  json_integer(json, "n", static_cast<int64_t>(r.samples.count()));
  if (r.bar.kind != Bar::Kind::none) {
    json_string(json, "bar", r.bar.kind == Bar::Kind::at_most ? "at_most" : "at_least");
    json_number(json, "bar_value", r.bar.value);
    json_bool(json, "met", met(r));
  }
  if (r.verified_outputs > 0) {
    json_integer(json, "verified_outputs", static_cast<int64_t>(r.verified_outputs));
  }
  if (!r.note.empty()) json_string(json, "note", r.note.c_str());
  json_object_end(json);
}

}  // namespace

void Records::add(Result result) {
  std::printf("%-44s %10.4g %-5s p10 %-9.4g p90 %-9.4g p99 %-9.4g n %-6llu", result.name.c_str(),
              result.samples.median(), result.unit.c_str(), result.samples.quantile(0.1),
              result.samples.quantile(0.9), result.samples.quantile(0.99),
              static_cast<unsigned long long>(result.samples.count()));
  if (result.bar.kind != Bar::Kind::none) {
    std::printf(" %s %g: %s", result.bar.kind == Bar::Kind::at_most ? "at most" : "at least",
                result.bar.value, met(result) ? "met" : "NOT MET");
  }
  std::printf("%s%s\n", result.note.empty() ? "" : "  # ", result.note.c_str());
  std::fflush(stdout);
  results_.push_back(std::move(result));
}

void Records::add(const char* name, const char* unit, const Samples& samples, Bar bar,
                  const char* note, uint64_t verified) {
  add({name, unit, note, samples, bar, verified});
}

void Records::fail(const std::string& name, const std::string& reason) {
  std::printf("%-44s no figure: %s\n", name.c_str(), reason.c_str());
  std::fflush(stdout);
  reasons_.push_back({name, reason});
  ++failures_;
}

const Result* Records::find(const std::string& name) const {
  for (const Result& r : results_) {
    if (r.name == name) return &r;
  }
  return nullptr;
}

bool Records::write(const char* path, const Machine& machine) const {
  FILE* file = std::fopen(path, "w");
  if (file == nullptr) return false;
  JsonWriter json = json_writer(file);
  json_object_begin(&json, nullptr);
  json_string(&json, "benchmark", "bench_fences");
  json_string(&json, "device", machine.device.c_str());
  json_string(&json, "driver", machine.driver.c_str());
  json_string(&json, "host", machine.host.c_str());
  json_bool(&json, "software", machine.software);
  if (machine.software) json_string(&json, "caution", "software driver: not a hardware figure");
  json_array_begin(&json, "results");
  for (const Result& r : results_) write_result(&json, r);
  json_array_end(&json);
  json_array_begin(&json, "failures");
  for (const Failure& f : reasons_) {
    json_object_begin(&json, nullptr);
    json_string(&json, "name", f.name.c_str());
    json_string(&json, "reason", f.reason.c_str());
    json_object_end(&json);
  }
  json_array_end(&json);
  json_object_end(&json);
  return std::fclose(file) == 0;
}

}  // namespace fences
