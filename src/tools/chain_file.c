#include "tools/chain_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/args.h"
#include "tools/problem_desc.h"
#include "tools/problem_file.h"

typedef struct Line {
  ProblemFile file;
  uint32_t step;
  uint32_t input, residual;
  sporkle_conv2d_desc desc;
} Line;

static int refuse(const Line *line, const char *word, const char *reason) {
  return usage_error("sequence: %s:%d: \"%.80s\": %s", line->file.path, line->file.line, word,
                     reason);
}

// The length of the first word; blanks within quotes belong to it.
static size_t word_length(const char *text, size_t length) {
  bool quoted = false;
  size_t i = 0;
  for (; i < length; ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (!quoted && (text[i] == ' ' || text[i] == '\t')) break;
  }
  return i;
}

static int read_tensor(const Line *line, const char *word, const char *value, uint32_t *out) {
  char *end = NULL;
  const unsigned long tensor = strtoul(value, &end, 10);
  if (value[0] < '0' || value[0] > '9' || *end != '\0' || tensor > line->step) {
    return refuse(line, word, "not the number of an earlier tensor; 0 is the input of the chain, "
                              "n the output of the n-th step");
  }
  *out = (uint32_t)tensor;
  return TOOL_OK;
}

static int activate(Line *line, const char *word, int32_t activation) {
  if (line->desc.activation != SPORKLE_ACTIVATION_NONE) {
    return refuse(line, word, "there is another activation already");
  }
  line->desc.activation = activation;
  if (activation == SPORKLE_ACTIVATION_RELU) return TOOL_OK;
  const Arg range = {.kind = ARG_OPTION, .name = "clamp", .value = word + strlen("clamp=")};
  return arg_range(&range, &line->desc.clamp_min, &line->desc.clamp_max) ? TOOL_OK : TOOL_USAGE;
}

static int read_word(Line *line, const char *word) {
  if (strcmp(word, "bias") == 0) {
    line->desc.flags |= SPORKLE_CONV2D_BIAS;
    return TOOL_OK;
  }
  if (strcmp(word, "relu") == 0) return activate(line, word, SPORKLE_ACTIVATION_RELU);
  if (strncmp(word, "clamp=", 6) == 0) return activate(line, word, SPORKLE_ACTIVATION_CLAMP);
  if (strncmp(word, "input=", 6) == 0) return read_tensor(line, word, word + 6, &line->input);
  if (strncmp(word, "residual=", 9) == 0) {
    line->desc.flags |= SPORKLE_CONV2D_RESIDUAL;
    return read_tensor(line, word, word + 9, &line->residual);
  }
  return refuse(line, word, "none of bias, relu, clamp=MIN,MAX, input=TENSOR, residual=TENSOR");
}

static int read_words(Line *line, char *words) {
  char *rest = NULL;
  int code = TOOL_OK;
  for (char *word = strtok_r(words, " \t", &rest); word != NULL && code == TOOL_OK;
       word = strtok_r(NULL, " \t", &rest)) {
    code = read_word(line, word);
  }
  return code;
}

// The line that was read: its problem, then its words.
static int read_step(Line *line, int64_t batch) {
  char words[PROBLEM_LINE_CAPACITY];
  Problem problem;
  ProblemError error;
  const size_t length = word_length(line->file.problem, line->file.length);
  const size_t more = line->file.length - length;
  memcpy(words, line->file.problem + length, more);
  words[more] = '\0';
  line->file.length = length;
  if (problem_file_parse(&line->file, &problem, &error) < 0) {
    return usage_error("sequence: %s", error.text);
  }
  if (batch > 0) problem.n = batch;
  if (problem_complete(&problem, &error) < 0) {
    return usage_error("sequence: %s:%d: %s", line->file.path, line->file.line, error.text);
  }
  line->desc = problem_to_desc(&problem);
  line->input = line->step;
  line->residual = SPORKLE_SEQUENCE_NONE;
  return read_words(line, words);
}

static int read_lines(Line *line, int64_t batch, Network *out) {
  ProblemError error;
  int found;
  while ((found = problem_file_line(&line->file, &error)) == 1) {
    line->step = out->count;
    if (out->count == SPORKLE_SEQUENCE_LIMIT) {
      return usage_error("sequence: %s:%d: more than %u steps", line->file.path, line->file.line,
                         SPORKLE_SEQUENCE_LIMIT);
    }
    const int code = read_step(line, batch);
    if (code != TOOL_OK) return code;
    if (!network_add(out, &line->desc, line->input, line->residual)) {
      usage_error("sequence: %s:%d: not enough memory for the weights", line->file.path,
                  line->file.line);
      return TOOL_NO_DEVICE;
    }
  }
  if (found < 0) return usage_error("sequence: %s", error.text);
  return out->count > 0 ? TOOL_OK : usage_error("sequence: %s: no step in it", line->file.path);
}

int chain_file_read(const char *path, int64_t batch, Network *out) {
  Line line = {.file = {.stream = fopen(path, "r"), .path = path}};
  if (!line.file.stream) {
    return usage_error("sequence: %s: cannot be read: %s", path, strerror(errno));
  }
  int code = TOOL_NO_DEVICE;
  if (network_begin(out, SPORKLE_SEQUENCE_LIMIT)) {
    code = read_lines(&line, batch, out);
    if (code != TOOL_OK) network_free(out);
  } else {
    usage_error("sequence: not enough memory");
  }
  fclose(line.file.stream);
  return code;
}
