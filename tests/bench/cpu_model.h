// The processor's name with its family and model, for reports: virtual machines call
// several generations "AMD EPYC".
#pragma once

#include <cstdio>
#include <cstring>

namespace bench {

inline void read_cpu_model(char* out, size_t capacity) {
  char name[80] = "unknown CPU";
  int family = -1, model = -1;
  FILE* file = std::fopen("/proc/cpuinfo", "r");
  if (file == nullptr) {
    std::snprintf(out, capacity, "%s", name);
    return;
  }
  char line[256];
  while (std::fgets(line, sizeof line, file) != nullptr) {
    if (line[0] == '\n') break;  // the end of the first processor
    std::sscanf(line, "model name : %79[^\n]", name);
    std::sscanf(line, "cpu family : %d", &family);
    std::sscanf(line, "model : %d", &model);
  }
  std::fclose(file);
  if (family < 0 || model < 0) {
    std::snprintf(out, capacity, "%s", name);
  } else {
    std::snprintf(out, capacity, "%s (family %d, model %d)", name, family, model);
  }
}

}  // namespace bench
