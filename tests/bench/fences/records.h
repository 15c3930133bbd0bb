// Samples of a measurement, the bar it is held against, and the file they go to.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fences {

class Samples {
 public:
  void add(double value) { values_.push_back(value); }
  void append(const Samples& other);
  uint64_t count() const { return values_.size(); }
  // q in [0, 1]; NaN without samples.
  double quantile(double q) const;
  const std::vector<double>& values() const { return values_; }
  double median() const { return quantile(0.5); }

 private:
  std::vector<double> values_;
};

// What a figure is held against; a bar of kind none is only reported.
struct Bar {
  enum class Kind { none, at_most, at_least };
  Kind kind = Kind::none;
  double value = 0;
};

inline Bar at_most(double value) { return {Bar::Kind::at_most, value}; }
inline Bar at_least(double value) { return {Bar::Kind::at_least, value}; }

struct Result {
  std::string name, unit, note;
  Samples samples;
  Bar bar;
  uint64_t verified_outputs = 0;  // values compared; 0: the figure has no output
};

class Records {
 public:
  // Prints the figure at once.
  void add(Result result);
  void add(const char* name, const char* unit, const Samples& samples, Bar bar = {},
           const char* note = "", uint64_t verified = 0);
  // Something was wrong: no figure.
  void fail(const std::string& name, const std::string& reason);

  const Result* find(const std::string& name) const;
  int failures() const { return failures_; }

  struct Machine {
    std::string device, driver, host;
    bool software = false;
  };
  bool write(const char* path, const Machine& machine) const;

 private:
  struct Failure {
    std::string name, reason;
  };
  std::vector<Result> results_;
  std::vector<Failure> reasons_;
  int failures_ = 0;
};

}  // namespace fences
