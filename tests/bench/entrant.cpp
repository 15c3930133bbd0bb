#include "entrant.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <exception>
#include <stdexcept>
#include <unistd.h>

#include "check.h"
#include "runner.h"
#include "tools/problem_desc.h"

namespace bench {

namespace {

// A round lasts about this long, so that the clock and the switch of processes
// do not count.
constexpr double round_seconds = 0.03;

struct Free {
  void operator()(float* data) const { std::free(data); }
};
using Array = std::unique_ptr<float, Free>;

Array make_array(int64_t count) {
  const size_t bytes = (static_cast<size_t>(count) * sizeof(float) + 63) / 64 * 64;
  Array array(static_cast<float*>(std::aligned_alloc(64, bytes)));
  if (array == nullptr) throw std::bad_alloc();
  return array;
}

double seconds() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

class Entrant {
 public:
  Entrant(Kind kind, const Problem& problem, int threads)
      : desc_(problem_to_desc(&problem)),
        input_(make_array(desc_.n * desc_.c * desc_.h * desc_.w)),
        weights_(make_array(weight_count())),
        output_(make_array(desc_.n * desc_.k * problem.out_h * problem.out_w)) {
    bench_fill(input_.get(), static_cast<uint64_t>(desc_.n * desc_.c * desc_.h * desc_.w), 1);
    bench_fill(weights_.get(), static_cast<uint64_t>(weight_count()), 2);
    // What is not written must not pass the check.
    std::fill_n(output_.get(), desc_.n * desc_.k * problem.out_h * problem.out_w, NAN);
    const Tensors tensors{input_.get(), weights_.get(), output_.get()};
    if (kind == Kind::sporkle) runner_ = make_sporkle(desc_, threads, tensors);
#ifdef BENCH_HAS_ONEDNN
    if (kind != Kind::sporkle) runner_ = make_onednn(desc_, kind == Kind::onednn_any, tensors);
#endif
    if (runner_ == nullptr) throw std::runtime_error("not part of this build");
  }

  void check(Ready* ready) {
    runner_->run();
    std::snprintf(ready->algorithm, sizeof ready->algorithm, "%s", runner_->algorithm().c_str());
    ready->rel_l2_error = bench_error(&desc_, input_.get(), weights_.get(), output_.get());
    if (!(ready->rel_l2_error < error_limit)) {
      std::snprintf(ready->failure, sizeof ready->failure, "wrong output: relative L2 error %.3g",
                    ready->rel_l2_error);
    }
  }

  void calibrate() {
    runner_->run();
    double best = HUGE_VAL;
    const double start = seconds();
    do {
      const double before = seconds();
      runner_->run();
      best = std::min(best, seconds() - before);
    } while (seconds() - start < round_seconds);
    runs_ = std::max(1, static_cast<int>(round_seconds / best));
  }

  double round() {
    // The first run after a pause finds cold caches and sleeping threads.
    runner_->run();
    const double start = seconds();
    for (int i = 0; i < runs_; ++i) runner_->run();
    return (seconds() - start) * 1e9 / runs_;
  }

 private:
  int64_t weight_count() const {
    return desc_.k * (desc_.c / desc_.groups) * desc_.kernel_h * desc_.kernel_w;
  }

  sporkle_conv2d_desc desc_;
  Array input_, weights_, output_;
  std::unique_ptr<Runner> runner_;
  int runs_ = 1;
};

bool send(int to, const void* data, size_t size) {
  return write(to, data, size) == static_cast<ssize_t>(size);
}

}  // namespace

int enter(Kind kind, const char* text, int threads, int from, int to) {
  Ready ready{};
  std::unique_ptr<Entrant> entrant;
  try {
    Problem problem;
    ProblemError error;
    if (problem_parse(text, std::strlen(text), &problem, &error) != 0) {
      throw std::runtime_error(error.text);
    }
    entrant = std::make_unique<Entrant>(kind, problem, threads);
    entrant->check(&ready);
    if (ready.failure[0] == '\0') entrant->calibrate();
  } catch (const std::exception& error) {
    std::snprintf(ready.failure, sizeof ready.failure, "%s", error.what());
  }
  if (!send(to, &ready, sizeof ready) || ready.failure[0] != '\0') return 1;
  char byte;
  while (read(from, &byte, 1) == 1) {
    const double ns = entrant->round();
    if (!send(to, &ns, sizeof ns)) return 1;
  }
  return 0;
}

}  // namespace bench
