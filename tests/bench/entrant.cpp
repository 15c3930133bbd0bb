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
    flops_ = static_cast<double>(problem_flops(&problem));
    machine_ = is_machine(kind);
    if (machine_) {
      runner_ = make_machine(kind, threads, weights_.get(),
                             static_cast<uint64_t>(weight_count()) * sizeof(float));
    } else if (is_ours(kind)) {
      runner_ = make_sporkle(kind, desc_, threads, tensors);
    }
#ifdef BENCH_HAS_ONEDNN
    if (is_onednn(kind)) runner_ = make_onednn(kind, desc_, tensors);
#endif
    if (runner_ == nullptr) throw Absent("not part of this build");
  }

  void check(Ready* ready) {
    runner_->run();
    std::snprintf(ready->algorithm, sizeof ready->algorithm, "%s", runner_->algorithm().c_str());
    ready->work = machine_ ? runner_->work() : flops_;
    if (machine_) return;
    BenchError error;
    if (!bench_compare(&desc_, input_.get(), weights_.get(), output_.get(), &error)) {
      throw std::bad_alloc();
    }
    ready->rel_l2_error = error.rel_l2;
    ready->max_rel_error = error.max_rel;
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
  double flops_ = 0;
  bool machine_ = false;
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
  } catch (const Absent& error) {
    ready.absent = true;
    std::snprintf(ready.failure, sizeof ready.failure, "%s", error.what());
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
