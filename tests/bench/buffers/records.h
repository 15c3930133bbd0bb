// What is measured: samples of one quantity, printed and written as JSON.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tools/json.h"

namespace buffers {

double now_us();

class Records {
 public:
  explicit Records(JsonWriter* json) : json_(json) {}
  // Median, tenth and ninetieth percentile of the samples. `outputs`: how many
  // were compared in this measurement; 0 for what has none, copies and ratios.
  double add(const std::string& name, const char* unit, std::vector<double> samples,
             uint64_t outputs = 0);
  void fail(const std::string& name, const std::string& reason);
  int failures() const { return failures_; }

 private:
  JsonWriter* json_;
  int failures_ = 0;
};

// Clocks of a GPU that was idle rise for tens of milliseconds. Samples come after
// at least this much of the same work.
constexpr double warm_up_us = 150000;

// `count` samples of the microseconds that `work` takes, after `warm` unmeasured
// and `warm_us` of it.
std::vector<double> time_us(int warm, int count, const std::function<void()>& work,
                            double warm_us = 0);

}  // namespace buffers
