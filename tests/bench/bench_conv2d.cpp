// Times the CPU convolution, alone or against oneDNN. Every contestant runs in
// a process of its own, the others stopped; rounds are interleaved, so that a
// change of the machine's speed meets all of them alike.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unistd.h>

#include "arguments.h"
#include "report.h"
#include "tools/problem_file.h"

namespace bench {

namespace {

std::vector<Problem> read_problems(const std::string& path) {
  ProblemFile file{};
  file.stream = std::fopen(path.c_str(), "r");
  file.path = path.c_str();
  if (file.stream == nullptr) {
    std::perror(path.c_str());
    std::exit(2);
  }
  std::vector<Problem> problems;
  Problem problem;
  ProblemError error;
  int found;
  while ((found = problem_file_next(&file, &problem, &error)) == 1) problems.push_back(problem);
  std::fclose(file.stream);
  if (found < 0) {
    std::fprintf(stderr, "bench_conv2d: %s\n", error.text);
    std::exit(2);
  }
  if (problems.empty()) {
    std::fprintf(stderr, "bench_conv2d: %s: no problem in it\n", path.c_str());
    std::exit(2);
  }
  return problems;
}

// Without a peer the plan alone, or all that is ours.
bool takes_part(const Arguments& arguments, Kind kind) {
  if (arguments.peer || kind == Kind::sporkle) return true;
  return arguments.ours && (is_ours(kind) || kind == Kind::weights_read);
}

void compete(const Arguments& arguments, Problem problem, int batch, int threads,
             Report* report) {
  if (batch > 0) problem.n = batch;
  char text[PROBLEM_TEXT_CAPACITY];
  problem_format(&problem, text, sizeof text);
  Field field;
  for (int kind = 0; kind < kind_count; ++kind) {
    if (!takes_part(arguments, static_cast<Kind>(kind))) continue;
    field.push_back(std::make_unique<Contestant>(static_cast<Kind>(kind), text, threads));
  }
  for (int i = 0; i < arguments.repeat; ++i) {
    for (auto& contestant : field) contestant->round();
  }
  report->add(problem, text, threads, field);
}

int run(int argc, char** argv) {
  const Arguments arguments = parse_arguments(argc, argv);
#ifndef BENCH_HAS_ONEDNN
  if (arguments.peer) {
    std::fprintf(stderr, "bench_conv2d: built without oneDNN: apt-get install libdnnl-dev and "
                         "configure again\n");
    return 3;
  }
#endif
  const std::vector<Problem> problems = read_problems(arguments.file);
  std::vector<int> batches = arguments.batches;
  if (batches.empty()) batches.push_back(0);
  Report report(arguments.peer || arguments.ours, arguments.json);
  for (const int threads : arguments.threads) {
    for (const int batch : batches) {
      for (const Problem& problem : problems) {
        compete(arguments, problem, batch, threads, &report);
      }
    }
  }
  return report.finish() ? 0 : 1;
}

}  // namespace

}  // namespace bench

// `--device gl`: the kernels of the OpenGL device have a program of their own beside this one,
// because it links the library's internals.
static bool asks_for_gl(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::strcmp(argv[i], "--device") == 0 && std::strcmp(argv[i + 1], "gl") == 0) return true;
  }
  return false;
}

static int run_gl_kernels(char** argv) {
  std::string path = argv[0];
  path.resize(path.find_last_of('/') + 1);
  path += "bench_gl_kernels";
  execvp(path.c_str(), argv);
  std::perror(path.c_str());
  return 3;
}

int main(int argc, char** argv) {
  if (asks_for_gl(argc, argv)) return run_gl_kernels(argv);
  if (argc == 7 && std::strcmp(argv[1], bench::entrant_option) == 0) {
    return bench::enter(static_cast<bench::Kind>(std::atoi(argv[2])), argv[3], std::atoi(argv[4]),
                        std::atoi(argv[5]), std::atoi(argv[6]));
  }
  // An entrant that died is reported, not a reason to die as well.
  std::signal(SIGPIPE, SIG_IGN);
  return bench::run(argc, argv);
}
