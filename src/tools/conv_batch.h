// Runs a whole file of problems and prints a table or a JSON array.
#pragma once

#include "tools/conv_run.h"

// Returns the exit code: TOOL_WRONG_RESULT when an output is wrong, else the
// first other failure. The file is checked whole before anything runs.
int conv_batch_run(const char *path, const SessionOptions *session_options,
                   const ConvInputs *inputs, const ConvRunOptions *run_options, bool json);
