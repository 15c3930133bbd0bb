// The command line of the benchmark.
#pragma once

#include <string>
#include <vector>

namespace bench {

struct Arguments {
  std::string file;
  bool peer = false;  // compare with oneDNN
  bool ours = false;  // the forms of ours among themselves
  std::vector<int> threads = {1};
  std::vector<int> batches;  // empty: as the file says
  std::string json;
  int repeat = 7;
};

// Exits with status 2 and a message on a mistake, with 0 after --help.
Arguments parse_arguments(int argc, char** argv);

}  // namespace bench
