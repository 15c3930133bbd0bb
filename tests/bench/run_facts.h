// What every record says of its run: library, revision, day, command, processor.
#pragma once

#include <ctime>

#include "cpu_model.h"
#include "revision.h"
#include "sporkle.h"
#include "tools/json.h"

inline void write_run_facts(JsonWriter* json, const char* command) {
  char cpu[128], date[32];
  read_cpu_model(cpu, sizeof cpu);
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &utc);
  json_string(json, "sporkle", sporkle_version_string());
  json_string(json, "revision", BENCH_REVISION);
  json_string(json, "date", date);
  json_string(json, "command", command);
  json_string(json, "cpu", cpu);
}
