// What is measured: samples of one quantity, printed and kept as JSON.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace buffers {

double now_us();

// What a file says of the run as a whole.
struct RunFacts {
  std::string command, device, driver;
  bool software = false;
  std::vector<std::pair<std::string, std::string>> placement;
};

class Records {
 public:
  // The file that save() writes. False with errno where it cannot be written: asked before
  // anything is measured.
  bool open(const char* path);
  void describe(RunFacts facts) { facts_ = std::move(facts); }
  // Median, tenth and ninetieth percentile of the samples by nearest rank, so that those of
  // up to nine are the least and the greatest. `outputs`: how many
  // were compared in this measurement; 0 for what has none, copies and ratios.
  double add(const std::string& name, const char* unit, std::vector<double> samples,
             uint64_t outputs = 0);
  void fail(const std::string& name, const std::string& reason);
  bool empty() const { return rows_.empty() && failures_.empty(); }
  int failures() const { return static_cast<int>(failures_.size()); }
  // Everything so far, in place of what the file held: a run that is killed leaves its last
  // whole one. `complete`: nothing is to follow. False with errno.
  bool save(bool complete) const;
  // How far the run is, for who waits for it.
  void progress(const char* next) const;

 private:
  struct Row {
    std::string name, unit;
    double median, p10, p90;
    size_t n;
    uint64_t outputs;
  };

  const double begin_us_ = now_us();
  std::string path_;
  RunFacts facts_;
  std::vector<Row> rows_;
  std::vector<std::pair<std::string, std::string>> failures_;
};

// Clocks of a GPU that was idle rise for tens of milliseconds. Samples come after
// at least this much of the same work.
constexpr double warm_up_us = 150000;

// From now on time_us() takes at most so many samples, behind one unmeasured: for software
// drivers, whose times are no figures and which take minutes for the full numbers.
void limit_samples(int most);

// `count` samples of the microseconds that `work` takes, after `warm` unmeasured
// and `warm_us` of it.
std::vector<double> time_us(int warm, int count, const std::function<void()>& work,
                            double warm_us = 0);

}  // namespace buffers
