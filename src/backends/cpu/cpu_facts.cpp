#include "backends/cpu/cpu_facts.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

namespace sporkle::cpu {
namespace {

// One value of the kernel's description of a cache of the first CPU.
bool read_cache(int index, const char* name, char (&value)[32]) noexcept {
  char path[80];
  std::snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/%s", index, name);
  FILE* file = std::fopen(path, "re");
  if (file == nullptr) return false;
  const bool read = std::fgets(value, sizeof value, file) != nullptr;
  std::fclose(file);
  return read;
}

// KiB of the data cache of a level, 0 when the kernel does not tell. It knows better than
// sysconf(), which reads cpuid: under KVM on Zen 4 that said 320 MiB of level 3, not 32.
long kernel_cache_kib(int level) noexcept {
  char value[32];
  for (int index = 0; read_cache(index, "level", value); index++) {
    if (std::atoi(value) != level) continue;
    if (!read_cache(index, "type", value) || std::strncmp(value, "Instruction", 11) == 0) continue;
    char* unit = nullptr;
    if (!read_cache(index, "size", value)) continue;
    const long size = std::strtol(value, &unit, 10);
    return *unit == 'M' ? size * 1024 : size;
  }
  return 0;
}

}  // namespace

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
    int level, name;
    const char* label;
  } caches[] = {{1, _SC_LEVEL1_DCACHE_SIZE, "L1d"}, {2, _SC_LEVEL2_CACHE_SIZE, "L2"},
                {3, _SC_LEVEL3_CACHE_SIZE, "L3"}};
  size_t used = 0;
  out[0] = '\0';
  for (const auto& cache : caches) {
    long kib = kernel_cache_kib(cache.level);
    if (kib <= 0) kib = sysconf(cache.name) / 1024;
    if (kib <= 0 || used >= capacity) continue;
    const int written = std::snprintf(out + used, capacity - used, "%s%s %ld KiB",
                                      used == 0 ? "" : ", ", cache.label, kib);
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
