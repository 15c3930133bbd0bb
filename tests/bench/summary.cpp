#include "summary.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <limits>
#include <set>

namespace bench {

namespace {

// Below this a problem is too short for a share of the machine's peak to mean much.
constexpr double large_flops = 100e6;

struct Figure {
  const char* text;
  const char* unit;
  double scale;
  bool worst_is_high;
  std::function<double(const Row&)> value;  // NaN: does not count
};

void print_figure(const Figure& figure, const std::vector<const Row*>& rows) {
  double logs = 0, worst = std::numeric_limits<double>::quiet_NaN(), sum = 0;
  const Row* worst_row = nullptr;
  int count = 0;
  for (const Row* row : rows) {
    const double value = figure.value(*row);
    if (!std::isfinite(value)) continue;
    ++count;
    logs += std::log(std::max(value, 1e-9));
    sum += value;
    if (worst_row == nullptr || (figure.worst_is_high ? value > worst : value < worst)) {
      worst = value;
      worst_row = row;
    }
  }
  if (count == 0) return;
  const double mean = figure.worst_is_high ? sum / count : std::exp(logs / count);
  std::printf("  %-62s %s %6.2f%s  worst %6.2f%s %s  (%d problems)\n", figure.text,
              figure.worst_is_high ? "mean          " : "geometric mean", mean * figure.scale,
              figure.unit, worst * figure.scale, figure.unit, worst_row->problem.c_str(), count);
}

double if_large(const Row& row, bool counts, double value) {
  return row.flops > large_flops && counts ? value
                                            : std::numeric_limits<double>::quiet_NaN();
}

void print_group(const std::vector<const Row*>& rows) {
  const double peak = median_rate(rows, Kind::peak);
  const double peak_avx2 = median_rate(rows, Kind::peak_avx2);
  const Figure figures[] = {
      {"plan, against the better of oneDNN's direct paths", "x", 1, false,
       [](const Row& row) { return row.direct_ratio(); }},
      {"plan, 3x3 stride 1 C >= 64, against oneDNN's Winograd", "x", 1, false,
       [](const Row& row) {
         return row.winograd_shape ? row.winograd_ratio()
                                   : std::numeric_limits<double>::quiet_NaN();
       }},
      {"plan without Winograd above 100 MFLOP, of the FMA peak", "%", 100, false,
       [=](const Row& row) { return if_large(row, !row.winograd_used, row.peak_share(peak)); }},
      {"plan limited to AVX2 without Winograd above 100 MFLOP, of its peak", "%", 100, false,
       [=](const Row& row) {
         return if_large(row, !row.winograd_used, row.avx2_share(peak_avx2));
       }},
      {"one call above 100 MFLOP, beyond plan and one read of the weights", "%", 100, true,
       [](const Row& row) { return if_large(row, true, row.call_excess()); }},
      {"one call above 100 MFLOP, beyond plan with a read in one loop", "%", 100, true,
       [](const Row& row) { return if_large(row, true, row.call_over_read()); }},
      {"reproducible plan, beyond plan", "%", 100, true,
       [](const Row& row) { return row.reproducible_cost(); }},
  };
  for (const Figure& figure : figures) print_figure(figure, rows);
}

double of(const Row& row, Kind kind) { return row.ns[static_cast<int>(kind)]; }

}  // namespace

double Row::direct_ratio() const {
  return std::fmin(of(*this, Kind::onednn_nchw), of(*this, Kind::onednn_any)) /
         of(*this, Kind::sporkle);
}

double Row::winograd_ratio() const {
  return of(*this, Kind::onednn_winograd) / of(*this, Kind::sporkle);
}

double Row::peak_share(double peak) const { return flops / of(*this, Kind::sporkle) / peak; }

double Row::avx2_share(double peak) const { return flops / of(*this, Kind::sporkle_avx2) / peak; }

double Row::call_excess() const {
  return (of(*this, Kind::sporkle_call) - of(*this, Kind::weights_read)) /
             of(*this, Kind::sporkle) -
         1;
}

double Row::call_over_read() const {
  return of(*this, Kind::sporkle_call) / of(*this, Kind::sporkle_plan_read) - 1;
}

double Row::reproducible_cost() const {
  return of(*this, Kind::sporkle_reproducible) / of(*this, Kind::sporkle) - 1;
}

double median_rate(const std::vector<const Row*>& rows, Kind kind) {
  std::vector<double> rates;
  for (const Row* row : rows) {
    const double rate = row->rate[static_cast<int>(kind)];
    if (std::isfinite(rate)) rates.push_back(rate);
  }
  if (rates.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::sort(rates.begin(), rates.end());
  const size_t middle = rates.size() / 2;
  return rates.size() % 2 == 1 ? rates[middle] : (rates[middle - 1] + rates[middle]) / 2;
}

Row make_row(const Problem& problem, const std::string& text, int threads) {
  Row row{};
  row.problem = text;
  row.threads = threads;
  row.batch = problem.n;
  row.flops = static_cast<double>(problem_flops(&problem));
  row.winograd_shape = problem.kernel_h == 3 && problem.kernel_w == 3 && problem.stride_h == 1 &&
                       problem.stride_w == 1 && problem.c / problem.groups >= 64;
  std::fill(std::begin(row.ns), std::end(row.ns), std::numeric_limits<double>::quiet_NaN());
  std::fill(std::begin(row.rate), std::end(row.rate), std::numeric_limits<double>::quiet_NaN());
  return row;
}

void print_summary(const std::vector<Row>& rows, const char* cpu) {
  std::set<std::pair<int, int64_t>> groups;
  for (const Row& row : rows) groups.insert({row.threads, row.batch});
  for (const auto& [threads, batch] : groups) {
    std::vector<const Row*> members;
    for (const Row& row : rows) {
      if (row.threads == threads && row.batch == batch) members.push_back(&row);
    }
    std::printf("%d thread%s, batch %lld, %s\n", threads, threads == 1 ? "" : "s",
                static_cast<long long>(batch), cpu);
    print_group(members);
  }
}

}  // namespace bench
