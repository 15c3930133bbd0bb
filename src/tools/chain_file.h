// A file that describes a chain of convolutions: one step per line, a PROBLEM
// and words behind it (docs/cli.md). Comments and blank lines as in a file of
// problems.
#pragma once

#include "tools/network.h"

// Reads the file into a network with random weights. `batch` above 0 replaces
// that of every step. Whether the steps fit together is for
// sporkle_plan_sequence to say. Returns TOOL_OK or an exit code after a
// message; nothing is left then.
int chain_file_read(const char *path, int64_t batch, Network *out);
