#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "gl_kernels_report.h"

namespace bench {

namespace {

constexpr const char* usage =
    "usage: bench_conv2d --device gl --file PROBLEMS [--json FILE] [--variants N|all]\n"
    "                    [--only TEXT] [--choose] [--beyond X] [--seed N] [--software]\n"
    "                    [--stages] [--runtime-sizes]\n"
    "Times the kernels of the OpenGL device by timestamp queries, a barrier after every\n"
    "dispatch, each verified first: the whole output against the CPU's direct kernels.\n"
    "--choose asks the library for its choice; else the rule's first N variants are timed\n"
    "(1). --software takes a software driver where there is no card: no hardware figure.\n"
    "--json -: to standard output.\n";

[[noreturn]] void wrong(const char* option, const char* value) {
  std::fprintf(stderr, "bench_conv2d: %s: \"%s\" is no such number\n%s", option, value, usage);
  std::exit(2);
}

// Digits alone: strtoull takes a sign and what is in front of letters.
uint64_t whole_number(const char* option, const char* text) {
  char* end = nullptr;
  errno = 0;
  const uint64_t value = std::strtoull(text, &end, 10);
  if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0) wrong(option, text);
  return value;
}

double ratio(const char* option, const char* text) {
  char* end = nullptr;
  const double value = std::strtod(text, &end);
  if (end == text || *end != '\0' || !std::isfinite(value) || value <= 0) wrong(option, text);
  return value;
}

}  // namespace

Request parse_request(int argc, char** argv) {
  Request request;
  request.command = "bench_conv2d";
  for (int i = 1; i < argc; ++i) request.command += std::string(" ") + argv[i];
  for (int i = 1; i < argc; ++i) {
    const auto is = [&](const char* name) { return std::strcmp(argv[i], name) == 0; };
    if (is("--choose")) {
      request.choose = true;
    } else if (is("--software")) {
      request.software = true;
    } else if (is("--stages")) {
      request.stages = true;
    } else if (is("--runtime-sizes")) {
      request.runtime_sizes = true;
    } else if (i + 1 >= argc) {
      std::fputs(usage, is("--help") ? stdout : stderr);
      std::exit(is("--help") ? 0 : 2);
    } else if (is("--file")) {
      request.file = argv[++i];
    } else if (is("--json")) {
      request.json = argv[++i];
    } else if (is("--only")) {
      request.only = argv[++i];
    } else if (is("--beyond")) {
      ++i;
      request.beyond = ratio("--beyond", argv[i]);
    } else if (is("--seed")) {
      ++i;
      request.seed = whole_number("--seed", argv[i]);
    } else if (is("--variants")) {
      ++i;
      const bool all = std::strcmp(argv[i], "all") == 0;
      request.variants = all ? SIZE_MAX : whole_number("--variants", argv[i]);
    } else if (is("--device") && std::strcmp(argv[i + 1], "gl") == 0) {
      ++i;
    } else {
      std::fprintf(stderr, "bench_conv2d: unknown option %s\n%s", argv[i], usage);
      std::exit(2);
    }
  }
  if (request.file == nullptr) {
    std::fputs(usage, stderr);
    std::exit(2);
  }
  return request;
}

}  // namespace bench
