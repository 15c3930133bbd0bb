#include "backends/cpu/thread_count.h"

#include <algorithm>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <sched.h>

#include "base/error.h"

namespace sporkle::cpu {

namespace {

// CPUs that this thread may run on. The mask grows until the kernel's fits.
uint32_t affinity_count() noexcept {
  constexpr size_t most = 65536;
  alignas(cpu_set_t) unsigned char mask[most / 8];
  for (size_t cpus = 1024; cpus <= most; cpus *= 2) {
    auto* set = reinterpret_cast<cpu_set_t*>(mask);
    if (sched_getaffinity(0, cpus / 8, set) != 0) continue;
    return static_cast<uint32_t>(std::max(CPU_COUNT_S(cpus / 8, set), 1));
  }
  return 1;
}

bool read_line(const char* path, char* out, int capacity) noexcept {
  FILE* file = std::fopen(path, "re");
  if (file == nullptr) return false;
  const bool ok = std::fgets(out, capacity, file) != nullptr;
  std::fclose(file);
  if (ok) out[std::strcspn(out, "\n")] = '\0';
  return ok;
}

// This process's path in the unified hierarchy, or in that of a v1 controller.
bool cgroup_path(const char* controller, char* out, size_t capacity) noexcept {
  FILE* file = std::fopen("/proc/self/cgroup", "re");
  if (file == nullptr) return false;
  char line[512];
  bool found = false;
  while (!found && std::fgets(line, sizeof line, file) != nullptr) {
    line[std::strcspn(line, "\n")] = '\0';
    char* names = std::strchr(line, ':');
    char* path = names == nullptr ? nullptr : std::strchr(names + 1, ':');
    if (path == nullptr) continue;
    *names++ = '\0';
    *path++ = '\0';
    for (char* name = names; name != nullptr && !found;) {
      char* comma = std::strchr(name, ',');
      if (comma != nullptr) *comma = '\0';
      found = std::strcmp(name, controller) == 0;
      name = comma == nullptr ? nullptr : comma + 1;
    }
    if (found) found = static_cast<size_t>(std::snprintf(out, capacity, "%s", path)) < capacity;
  }
  std::fclose(file);
  return found;
}

// CPUs granted by the files of one cgroup folder; infinity without a quota.
double quota_v2(const char* folder) noexcept {
  char path[640], line[64];
  std::snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", folder);
  double quota, period;
  if (!read_line(path, line, sizeof line)) return INFINITY;
  if (std::sscanf(line, "%lf %lf", &quota, &period) != 2 || period <= 0) return INFINITY;
  return quota / period;
}

double quota_v1(const char* folder) noexcept {
  char path[640], line[64];
  double quota, period;
  std::snprintf(path, sizeof path, "/sys/fs/cgroup/cpu%s/cpu.cfs_quota_us", folder);
  if (!read_line(path, line, sizeof line) || std::sscanf(line, "%lf", &quota) != 1 || quota <= 0) {
    return INFINITY;
  }
  std::snprintf(path, sizeof path, "/sys/fs/cgroup/cpu%s/cpu.cfs_period_us", folder);
  if (!read_line(path, line, sizeof line) || std::sscanf(line, "%lf", &period) != 1 ||
      period <= 0) {
    return INFINITY;
  }
  return quota / period;
}

// The tightest quota from the process's own folder up to the root. Inside a
// container the path may belong to the host; the root is then what is left.
double tightest(const char* controller, double (*quota)(const char*)) noexcept {
  char folder[512] = "";
  cgroup_path(controller, folder, sizeof folder);
  double cpus = INFINITY;
  for (;;) {
    cpus = std::min(cpus, quota(std::strcmp(folder, "/") == 0 ? "" : folder));
    char* slash = std::strrchr(folder, '/');
    if (slash == nullptr) return std::min(cpus, quota(""));
    *slash = '\0';
  }
}

}  // namespace

ThreadCount count_threads(const Options& options) {
  ThreadCount count;
  const uint32_t mask = affinity_count();
  count.cores = mask;
  const uint64_t asked = options.number(Option::threads);
  if (asked > threads_limit) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "threads: %" PRIu64 " exceeds %u", asked, threads_limit);
  }
  if (asked > 0) {
    count.threads = static_cast<uint32_t>(asked);
    const bool argument = options.origin(Option::threads) == OptionOrigin::argument;
    std::snprintf(count.reason, sizeof count.reason, "%u: %s", count.threads,
                  argument ? "the context's number" : "SPORKLE_THREADS");
    return count;
  }
  const double quota = std::min(tightest("", quota_v2), tightest("cpu", quota_v1));
  count.threads = mask;
  if (std::isinf(quota)) {
    std::snprintf(count.reason, sizeof count.reason, "%u: affinity mask %u, no cgroup quota", mask,
                  mask);
  } else {
    const double granted = std::clamp(std::ceil(quota), 1.0, static_cast<double>(threads_limit));
    count.threads = std::min(mask, static_cast<uint32_t>(granted));
    std::snprintf(count.reason, sizeof count.reason,
                  "%u: affinity mask %u, cgroup quota %.2f CPUs", count.threads, mask, quota);
  }
  count.threads = std::min(count.threads, threads_limit);
  return count;
}

}  // namespace sporkle::cpu
