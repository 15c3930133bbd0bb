#include "arguments.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace bench {

namespace {

constexpr const char* usage =
    "usage: bench_conv2d --file PROBLEMS [--peer onednn|ours] [--threads 1,2] [--batch 1,4]\n"
    "                    [--repeat 7] [--json FILE]\n"
    "Times the CPU convolution on every problem of a file (benchdnn's grammar), after\n"
    "checking its output against double precision. With a peer: ours as plan, as\n"
    "reproducible plan, as one call, as plan and one read of the weights, and limited to\n"
    "AVX2, oneDNN plain, blocked and Winograd, the FMA peak and one read of the weights,\n"
    "all in processes of their own that take turns, and the ratios of the medians. The\n"
    "peer \"ours\": the forms of ours among themselves.\n"
    "bench_conv2d --device gl --help: the kernels of an OpenGL device.\n";

[[noreturn]] void wrong(const char* what, const char* value) {
  std::fprintf(stderr, "bench_conv2d: %s: %s\n%s", what, value, usage);
  std::exit(2);
}

int number(const char* option, const char* text, char** end) {
  const long value = std::strtol(text, end, 10);
  if (*end == text || value < 1 || value > 4096) wrong(option, text);
  return static_cast<int>(value);
}

std::vector<int> numbers(const char* option, const char* text) {
  std::vector<int> out;
  for (;;) {
    char* end;
    out.push_back(number(option, text, &end));
    if (*end == '\0') return out;
    if (*end != ',') wrong(option, text);
    text = end + 1;
  }
}

void set(Arguments* arguments, const char* option, const char* value) {
  if (std::strcmp(option, "--file") == 0) {
    arguments->file = value;
  } else if (std::strcmp(option, "--json") == 0) {
    arguments->json = value;
  } else if (std::strcmp(option, "--threads") == 0) {
    arguments->threads = numbers(option, value);
  } else if (std::strcmp(option, "--batch") == 0) {
    arguments->batches = numbers(option, value);
  } else if (std::strcmp(option, "--repeat") == 0) {
    arguments->repeat = numbers(option, value).front();
  } else if (std::strcmp(option, "--peer") == 0) {
    arguments->peer = std::strcmp(value, "onednn") == 0;
    arguments->ours = std::strcmp(value, "ours") == 0;
    if (!arguments->peer && !arguments->ours) wrong("there is no such peer", value);
  } else {
    wrong("unknown option", option);
  }
}

}  // namespace

Arguments parse_arguments(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; i += 2) {
    if (std::strcmp(argv[i], "--help") == 0) {
      std::fputs(usage, stdout);
      std::exit(0);
    }
    if (i + 1 >= argc) wrong("a value is missing after", argv[i]);
    set(&arguments, argv[i], argv[i + 1]);
  }
  if (arguments.file.empty()) wrong("missing", "--file");
  return arguments;
}

}  // namespace bench
