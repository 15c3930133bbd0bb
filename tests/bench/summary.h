// Means and extremes over the problems of a run.
#pragma once

#include <string>
#include <vector>

#include "entrant.h"
#include "tools/problem.h"

namespace bench {

// Medians of one problem, NaN where a contestant did not take part.
struct Row {
  std::string problem;
  int threads;
  int64_t batch;
  double flops;
  bool winograd_shape;  // 3x3, stride 1, at least 64 input channels per group
  bool winograd_used;   // by our plan
  double ns[kind_count];
  double rate[kind_count];  // work per ns; of peaks in their quickest round

  double direct_ratio() const;    // faster than the better of oneDNN's direct paths by
  double winograd_ratio() const;  // than oneDNN's Winograd
  // Our plan and our AVX2 plan, of these multiply-adds per ns.
  double peak_share(double peak) const;
  double avx2_share(double peak) const;
  // The one-call form beyond what it cannot do without: (call - read of the weights)
  // / plan - 1 with the read by itself, its data in the caches; and call / (plan and
  // read) - 1 with both in one loop.
  double call_excess() const;
  double call_over_read() const;
  double reproducible_cost() const;  // reproducible plan / plan - 1
};

Row make_row(const Problem& problem, const std::string& text, int threads);

// The median over these problems: other work on the machine lowers the peak of single ones,
// which would make their shares too high. NaN without any.
double median_rate(const std::vector<const Row*>& rows, Kind kind);

// Prints one line per figure.
void print_summary(const std::vector<Row>& rows, const char* cpu);

}  // namespace bench
