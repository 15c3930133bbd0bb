#include "buffers/records.h"

#include <algorithm>
#include <cstdio>
#include <ctime>

namespace buffers {

double now_us() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) * 1e-3;
}

double Records::add(const std::string& name, const char* unit, std::vector<double> samples,
                    uint64_t outputs) {
  std::sort(samples.begin(), samples.end());
  const auto at = [&](double share) {
    return samples[static_cast<size_t>(share * static_cast<double>(samples.size() - 1))];
  };
  std::printf("%-58s %12.3f %-8s [%.3f..%.3f] n=%zu\n", name.c_str(), at(0.5), unit, at(0.1),
              at(0.9), samples.size());
  std::fflush(stdout);
  if (json_->stream != nullptr) {
    json_object_begin(json_, nullptr);
    json_string(json_, "name", name.c_str());
    json_string(json_, "unit", unit);
    json_number(json_, "median", at(0.5));
    json_number(json_, "p10", at(0.1));
    json_number(json_, "p90", at(0.9));
    json_integer(json_, "n", static_cast<int64_t>(samples.size()));
    if (outputs > 0) json_integer(json_, "verified_outputs", static_cast<int64_t>(outputs));
    json_object_end(json_);
  }
  return at(0.5);
}

void Records::fail(const std::string& name, const std::string& reason) {
  ++failures_;
  std::printf("%-58s no figure: %s\n", name.c_str(), reason.c_str());
  std::fflush(stdout);
}

std::vector<double> time_us(int warm, int count, const std::function<void()>& work,
                            double warm_us) {
  std::vector<double> samples;
  const double begin = now_us();
  for (int i = 0; i < warm || now_us() - begin < warm_us; ++i) work();
  for (int i = 0; i < count; ++i) {
    const double start = now_us();
    work();
    samples.push_back(now_us() - start);
  }
  return samples;
}

}  // namespace buffers
