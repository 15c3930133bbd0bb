// What bench_gl_kernels found out of a problem, printed and as JSON.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "gl_seam.h"
#include "tools/json.h"
#include "tools/problem.h"

namespace bench {

struct Request {
  const char* file = nullptr;
  const char* json = nullptr;  // "-": standard output
  std::string command;
  size_t variants = 1;     // how many of the rule's order are timed
  double beyond = 4.0;     // none predicted slower than this many times the first
  bool choose = false;     // ask the library for its choice, tuning included
  bool software = false;
  bool stages = false;  // times every dispatch of a variant by itself as well
  bool runtime_sizes = false;  // sizes of the problem as uniforms
  const char* only = nullptr;  // variants whose name contains this
  uint64_t seed = 1;
};

// Ends the program where the arguments are wrong, with 2, and after --help.
Request parse_request(int argc, char** argv);

struct Row {
  std::string variant, reason;
  size_t rank = 0;  // in the rule's order, 0 the first
  double predicted_us = 0, first_ms = 0, warm_ms = 0;
  sporkle::gl::Timing timing;
  Match match;
  std::vector<double> stages_us;
  bool good() const { return reason.empty(); }
  double us() const { return static_cast<double>(timing.median_ns) * 1e-3; }
};

// What sporkle_plan_create chose, and how long it took.
struct LibraryChoice {
  std::string algorithm;
  double cold_ms = 0, warm_ms = 0;
  double lookup_us = 0;  // of the second plan's choice, in memory; 0: none was remembered
  const char* reference = nullptr;  // the CPU kernel that outputs are compared with
};

class Output {
 public:
  // Throws where the JSON file cannot be written.
  Output(const Request& request, const sporkle::gl::Facts& facts);

  void add(const Problem& problem, uint64_t seed, const std::vector<Row>& rows,
           const LibraryChoice& choice);
  // A problem that could not be measured at all: its result is the reason.
  void add_failed(const Problem& problem, uint64_t seed, const char* reason);
  // Whether everything was verified. `stored_us`: how long choices took to find in the store.
  bool finish(std::vector<double> stored_us);

 private:
  void begin(const Request& request, const sporkle::gl::Facts& facts);
  void print_rejected(const char* text, const std::vector<Row>& rows);
  void write(const char* text, const Problem& problem, uint64_t seed,
             const std::vector<Row>& rows, const LibraryChoice& choice);

  void write_lookups(const char* name, std::vector<double> us);

  bool choose_;
  std::vector<double> lookups_us_;
  FILE* file_ = nullptr;
  FILE* text_ = stdout;  // stderr where stdout is the JSON's
  JsonWriter json_{};
  int failures_ = 0;
};

}  // namespace bench
