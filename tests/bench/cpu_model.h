// The processor's name, for reports.
#pragma once

#include <cstdio>
#include <cstring>

namespace bench {

inline void read_cpu_model(char* out, size_t capacity) {
  std::snprintf(out, capacity, "unknown CPU");
  FILE* file = std::fopen("/proc/cpuinfo", "r");
  if (file == nullptr) return;
  char line[256];
  while (std::fgets(line, sizeof line, file) != nullptr) {
    const char* value = std::strchr(line, ':');
    if (std::strncmp(line, "model name", 10) != 0 || value == nullptr) continue;
    std::snprintf(out, capacity, "%.*s", static_cast<int>(std::strcspn(value + 2, "\n")),
                  value + 2);
    break;
  }
  std::fclose(file);
}

}  // namespace bench
