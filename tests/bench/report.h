// What the benchmark prints and keeps.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "contestant.h"
#include "tools/json.h"
#include "tools/problem.h"

namespace bench {

using Field = std::vector<std::unique_ptr<Contestant>>;

class Report {
 public:
  // `json`: a path, or empty for none. Exits with status 1 when it cannot be
  // written.
  Report(bool peer, const std::string& json);
  ~Report();

  void add(const Problem& problem, const std::string& text, int threads, const Field& field);

  // The geometric means. Returns false when something could not be verified.
  bool finish();

 private:
  struct Mean {
    int threads;
    double log_sum;
    int count;
  };

  void add_json(const Problem& problem, const std::string& text, int threads, const Field& field,
                double ratio);
  void add_mean(int threads, double ratio);

  bool peer_;
  char cpu_[128];
  FILE* file_ = nullptr;
  JsonWriter json_{};
  std::vector<Mean> means_;
  int failures_ = 0;
};

}  // namespace bench
