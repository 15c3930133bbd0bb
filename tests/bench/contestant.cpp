#include "contestant.h"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/wait.h>
#include <unistd.h>

namespace bench {

namespace {

// Replaces the process: OpenMP reads its environment when it is loaded.
[[noreturn]] void become_entrant(Kind kind, const std::string& problem, int threads, int from,
                                 int to) {
  const std::string count = std::to_string(threads);
  const std::string which = std::to_string(static_cast<int>(kind));
  const std::string in = std::to_string(from), out = std::to_string(to);
  setenv("OMP_NUM_THREADS", count.c_str(), 1);
  setenv("SPORKLE_CACHE_DIR", "off", 1);
  execl("/proc/self/exe", "bench_conv2d", entrant_option, which.c_str(), problem.c_str(),
        count.c_str(), in.c_str(), out.c_str(), static_cast<char*>(nullptr));
  _exit(127);
}

}  // namespace

Contestant::Contestant(Kind kind, const std::string& problem, int threads) : kind_(kind) {
  start(problem, threads);
  if (!receive(&ready_, sizeof ready_)) {
    std::snprintf(ready_.failure, sizeof ready_.failure, "its process ended");
  }
  usable_ = ready_.failure[0] == '\0';
  kill(process_, SIGSTOP);
}

void Contestant::start(const std::string& problem, int threads) {
  int down[2], up[2];
  if (pipe(down) != 0 || pipe(up) != 0) {
    std::perror("bench_conv2d: pipe");
    std::exit(1);
  }
  process_ = fork();
  // kill(-1, SIGSTOP) would stop every process.
  if (process_ < 0) {
    std::perror("bench_conv2d: fork");
    std::exit(1);
  }
  if (process_ == 0) {
    close(down[1]);
    close(up[0]);
    become_entrant(kind_, problem, threads, down[0], up[1]);
  }
  close(down[0]);
  close(up[1]);
  to_ = down[1];
  from_ = up[0];
}

Contestant::~Contestant() {
  close(to_);
  close(from_);
  if (process_ <= 0) return;
  kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
}

bool Contestant::receive(void* out, size_t size) {
  char* at = static_cast<char*>(out);
  while (size > 0) {
    const ssize_t got = read(from_, at, size);
    if (got <= 0) return false;
    at += got;
    size -= static_cast<size_t>(got);
  }
  return true;
}

void Contestant::round() {
  if (!usable_) return;
  kill(process_, SIGCONT);
  double ns = NAN;
  usable_ = write(to_, "r", 1) == 1 && receive(&ns, sizeof ns);
  kill(process_, SIGSTOP);
  if (usable_) {
    rounds_ns_.push_back(ns);
  } else {
    std::snprintf(ready_.failure, sizeof ready_.failure, "its process ended");
  }
}

double Contestant::best_rate() const {
  if (!usable_ || rounds_ns_.empty()) return NAN;
  return ready_.work / *std::min_element(rounds_ns_.begin(), rounds_ns_.end());
}

double Contestant::median_ns() const {
  if (!usable_ || rounds_ns_.empty()) return NAN;
  std::vector<double> sorted = rounds_ns_;
  std::sort(sorted.begin(), sorted.end());
  const size_t middle = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

}  // namespace bench
