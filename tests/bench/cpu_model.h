// The processor's name with its family and model, for reports: virtual machines call
// several generations "AMD EPYC".
#pragma once

#include <stdio.h>

static inline void read_cpu_model(char* out, size_t capacity) {
  char name[80] = "unknown CPU";
  int family = -1, model = -1;
  FILE* file = fopen("/proc/cpuinfo", "r");
  if (file == NULL) {
    snprintf(out, capacity, "%s", name);
    return;
  }
  char line[256];
  while (fgets(line, sizeof line, file) != NULL) {
    if (line[0] == '\n') break;  // the end of the first processor
    sscanf(line, "model name : %79[^\n]", name);
    sscanf(line, "cpu family : %d", &family);
    sscanf(line, "model : %d", &model);
  }
  fclose(file);
  if (family < 0 || model < 0) {
    snprintf(out, capacity, "%s", name);
  } else {
    snprintf(out, capacity, "%s (family %d, model %d)", name, family, model);
  }
}
