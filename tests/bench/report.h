// What the benchmark prints and keeps.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "contestant.h"
#include "summary.h"
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

  // The means. Returns false when something could not be verified.
  bool finish();

 private:
  void add_json(const Row& row, const Field& field);

  bool peer_;
  char cpu_[128];
  FILE* file_ = nullptr;
  JsonWriter json_{};
  std::vector<Row> rows_;
  int failures_ = 0;
};

}  // namespace bench
