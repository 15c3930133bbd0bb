#include "backends/cpu/cpu_facts.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <unistd.h>

namespace sporkle::cpu {

void model_name(char* out, size_t capacity) noexcept {
  std::snprintf(out, capacity, "CPU");
  FILE* file = std::fopen("/proc/cpuinfo", "re");
  if (file == nullptr) return;
  char line[256];
  while (std::fgets(line, sizeof line, file) != nullptr) {
    if (std::strncmp(line, "model name", 10) != 0) continue;
    const char* value = std::strchr(line, ':');
    if (value == nullptr) continue;
    value += 1 + std::strspn(value + 1, " ");
    std::snprintf(out, capacity, "%.*s", static_cast<int>(std::strcspn(value, "\n")), value);
    break;
  }
  std::fclose(file);
}

void cache_sizes(char* out, size_t capacity) noexcept {
  constexpr struct {
    int name;
    const char* label;
  } caches[] = {{_SC_LEVEL1_DCACHE_SIZE, "L1d"}, {_SC_LEVEL2_CACHE_SIZE, "L2"},
                {_SC_LEVEL3_CACHE_SIZE, "L3"}};
  size_t used = 0;
  out[0] = '\0';
  for (const auto& cache : caches) {
    const long bytes = sysconf(cache.name);
    if (bytes <= 0 || used >= capacity) continue;
    const int written = std::snprintf(out + used, capacity - used, "%s%s %ld KiB",
                                      used == 0 ? "" : ", ", cache.label, bytes / 1024);
    used += static_cast<size_t>(std::max(written, 0));
  }
  if (used == 0) std::snprintf(out, capacity, "unknown");
}

uint64_t level2_bytes() noexcept {
  constexpr long usual = 1 << 20, least = 256 << 10, most = 4 << 20;
  const long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
  return static_cast<uint64_t>(bytes <= 0 ? usual : std::clamp(bytes, least, most));
}

}  // namespace sporkle::cpu
