#include "tools/conv_batch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/args.h"
#include "tools/conv_print.h"
#include "tools/problem_file.h"

typedef struct Batch {
  ProblemFile file;
  Session session;
  const ConvInputs *inputs;
  const ConvRunOptions *run_options;
  JsonWriter writer;
  bool json;
  int layer_width;
  int code;
} Batch;

// Reports every bad line, so that a file is mended in one go.
static int check_file(const char *path, FILE *stream, int *layer_width) {
  ProblemFile file = {.stream = stream, .path = path};
  Problem problem;
  ProblemError error;
  int count = 0, bad = 0, got = 0;
  while ((got = problem_file_next(&file, &problem, &error)) != 0) {
    if (got > 0) {
      int width = (int)(problem.name[0] ? strlen(problem.name) : file.length);
      if (width > *layer_width) *layer_width = width;
      ++count;
      continue;
    }
    usage_error("%s", error.text);
    if (ferror(stream) || ++bad == 10) return TOOL_USAGE;
  }
  if (bad > 0) return TOOL_USAGE;
  if (count == 0) return usage_error("%s: no problem in this file", path);
  if (fseek(stream, 0, SEEK_SET) != 0) return usage_error("%s: not an ordinary file", path);
  return TOOL_OK;
}

static void run_one(Batch *batch, const Problem *problem, const char *text) {
  ConvCase conv;
  ConvOutcome outcome;
  int code = conv_case_create(problem, text, batch->inputs, &conv);
  if (code == TOOL_OK) {
    code = conv_run(&batch->session, &conv, batch->run_options, &outcome);
    if (batch->json) {
      conv_print_json(&batch->writer, &conv, &outcome, NULL);
    } else {
      conv_print_table_row(stdout, &conv, &outcome, batch->layer_width);
    }
    conv_case_destroy(&conv);
  }
  // A line is worth most while the next problem still runs.
  fflush(stdout);
  if (code == TOOL_WRONG_RESULT || batch->code == TOOL_OK) batch->code = code;
}

static int run_all(Batch *batch) {
  Problem problem;
  ProblemError error;
  if (batch->json) {
    json_array_begin(&batch->writer, NULL);
  } else {
    conv_print_table_head(stdout, batch->layer_width);
    fflush(stdout);
  }
  int got = 0;
  while ((got = problem_file_next(&batch->file, &problem, &error)) > 0) {
    char text[PROBLEM_TEXT_CAPACITY];
    snprintf(text, sizeof text, "%.*s", (int)batch->file.length, batch->file.problem);
    run_one(batch, &problem, text);
  }
  if (got < 0) batch->code = usage_error("%s", error.text);
  if (batch->json) json_array_end(&batch->writer);
  return batch->code;
}

int conv_batch_run(const char *path, const SessionOptions *session_options,
                   const ConvInputs *inputs, const ConvRunOptions *run_options, bool json) {
  FILE *stream = fopen(path, "r");
  if (!stream) return usage_error("%s: cannot be opened: %s", path, strerror(errno));
  Batch batch = {.file = {.stream = stream, .path = path}, .inputs = inputs,
                 .run_options = run_options, .writer = json_writer(stdout), .json = json,
                 .layer_width = (int)sizeof "layer"};
  int code = check_file(path, stream, &batch.layer_width);
  if (code == TOOL_OK) code = session_open(session_options, &batch.session);
  if (code == TOOL_OK) {
    code = run_all(&batch);
    session_close(&batch.session);
  }
  fclose(stream);
  return code;
}
