// The side of a contestant that the benchmark sees: a process that is stopped
// whenever it is not its turn.
#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

#include "entrant.h"

namespace bench {

class Contestant {
 public:
  // Starts the process and lets it get ready; others should be stopped.
  Contestant(Kind kind, const std::string& problem, int threads);
  ~Contestant();
  Contestant(const Contestant&) = delete;
  Contestant& operator=(const Contestant&) = delete;

  Kind kind() const { return kind_; }
  // Whether it is verified; only then are there rounds.
  bool usable() const { return usable_; }
  const Ready& ready() const { return ready_; }

  // Continues the process for one round and stops it again.
  void round();

  const std::vector<double>& rounds_ns() const { return rounds_ns_; }
  double median_ns() const;
  // Work per time of the median: GFLOP/s, for the two reads GB/s; NaN when unusable.
  double rate() const { return ready_.work / median_ns(); }
  // Of the quickest round.
  double best_rate() const;

 private:
  void start(const std::string& problem, int threads);
  bool receive(void* out, size_t size);

  Kind kind_;
  pid_t process_ = -1;
  int to_ = -1, from_ = -1;
  bool usable_ = false;
  Ready ready_{};
  std::vector<double> rounds_ns_;
};

// The entrant's process starts the program again with these arguments.
constexpr const char* entrant_option = "--entrant";

}  // namespace bench
