#include "tools/conv_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/npy_file.h"
#include "tools/problem_desc.h"
#include "tools/random.h"

static const uint32_t poison_bits = 0x7fc5ca1e;

enum { SEED_INPUT = 1, SEED_WEIGHTS = 2, SEED_BIAS = 3, SEED_RESIDUAL = 4 };

bool conv_inputs_activate(const Arg *arg, int32_t activation, ConvInputs *inputs) {
  if (inputs->activation != SPORKLE_ACTIVATION_NONE) {
    usage_error("%s: another activation is given too", arg->name);
    return false;
  }
  inputs->activation = activation;
  return activation == SPORKLE_ACTIVATION_RELU ||
         arg_range(arg, &inputs->clamp_min, &inputs->clamp_max);
}

static bool is_file(const char *source) { return source && strcmp(source, "random") != 0; }

static int allocate(float **out, size_t count, const char *what) {
  void *memory = NULL;
  if (count > SIZE_MAX / 4 || posix_memalign(&memory, 64, count * 4) != 0) {
    usage_error("not enough memory for the %s: %zu elements", what, count);
    return TOOL_NO_DEVICE;
  }
  *out = memory;
  return TOOL_OK;
}

static int read_file(const char *path, NpyArray *out) {
  NpyFileError error;
  if (npy_read(path, out, &error) == 0) return TOOL_OK;
  return usage_error("%s", error.text);
}

// Loads one tensor: from its file, which must have exactly this shape, or random.
static int load_tensor(const char *source, const char *what, const int64_t *shape,
                       int32_t dimensions, size_t extra, uint64_t seed, float **out) {
  size_t count = 1;
  for (int32_t i = 0; i < dimensions; ++i) count *= (size_t)shape[i];
  if (!is_file(source)) {
    int code = allocate(out, count + extra, what);
    if (code == TOOL_OK) random_fill(*out, count + extra, seed);
    return code;
  }
  NpyArray array = {0};
  if (read_file(source, &array) != TOOL_OK) return TOOL_USAGE;
  // Leading dimensions of 1 may be missing: a plane is an image of one channel.
  int32_t missing = dimensions - array.header.dimensions;
  bool same = array.header.count == count && missing >= 0;
  for (int32_t i = 0; same && i < dimensions; ++i) {
    same = shape[i] == (i < missing ? 1 : array.header.shape[i - missing]);
  }
  if (same) {
    *out = array.data;
    return TOOL_OK;
  }
  char found[96], wanted[96];
  npy_array_free(&array);
  return usage_error("%s: the %s has shape %s, the problem needs %s", source, what,
                     npy_shape_text(array.header.shape, array.header.dimensions, found),
                     npy_shape_text(shape, dimensions, wanted));
}

static int load_tensors(const ConvInputs *inputs, ConvCase *conv) {
  const Problem *p = &conv->problem;
  const int64_t input[4] = {p->n, p->c, p->h, p->w};
  const int64_t weights[4] = {p->k, p->c / p->groups, p->kernel_h, p->kernel_w};
  const int64_t bias[1] = {p->k};
  const int64_t output[4] = {p->n, p->k, p->out_h, p->out_w};
  conv->input_count = (size_t)(p->n * p->c * p->h * p->w);
  conv->weights_count = (size_t)(weights[0] * weights[1] * weights[2] * weights[3]);
  conv->output_count = (size_t)(p->n * p->k * p->out_h * p->out_w);
  int code = load_tensor(inputs->input, "input", input, 4, inputs->extra, SEED_INPUT,
                         &conv->input);
  if (code == TOOL_OK) {
    code = load_tensor(inputs->weights, "weights tensor", weights, 4, 0, SEED_WEIGHTS,
                       &conv->weights);
  }
  if (code == TOOL_OK && inputs->bias) {
    code = load_tensor(inputs->bias, "bias", bias, 1, 0, SEED_BIAS, &conv->bias);
  }
  if (code == TOOL_OK && inputs->residual) {
    code = load_tensor(inputs->residual, "residual", output, 4, inputs->extra, SEED_RESIDUAL,
                       &conv->residual);
  }
  return code == TOOL_OK ? allocate(&conv->output, conv->output_count, "output") : code;
}

// The shape of a tensor file as four sizes; 2 dimensions are one plane, 3 one
// image. Weights need 2 or 4, because 3 could mean two things.
static int file_shape(const char *path, bool weights, int64_t out[4]) {
  NpyArray array = {0};
  char text[96];
  if (read_file(path, &array) != TOOL_OK) return TOOL_USAGE;
  npy_array_free(&array);
  const NpyHeader *h = &array.header;
  if (h->dimensions < 2 || (weights && h->dimensions == 3)) {
    return usage_error("%s: shape %s; %s", path,
                       npy_shape_text(h->shape, h->dimensions, text),
                       weights ? "weights are (K, C/groups, kernel_h, kernel_w) or "
                                 "(kernel_h, kernel_w)"
                               : "an input is (N, C, H, W), (C, H, W) or (H, W)");
  }
  for (int32_t i = 0; i < 4; ++i) {
    int32_t from = i - (4 - h->dimensions);
    out[i] = from < 0 ? 1 : h->shape[from];
  }
  return TOOL_OK;
}

static int problem_from_files(const ConvInputs *inputs, Problem *out) {
  int64_t input[4], weights[4];
  if (!is_file(inputs->input) || !is_file(inputs->weights)) {
    return usage_error("conv2d: a PROBLEM is missing, or --input and --weights with files");
  }
  if (file_shape(inputs->input, false, input) != TOOL_OK ||
      file_shape(inputs->weights, true, weights) != TOOL_OK) {
    return TOOL_USAGE;
  }
  *out = (Problem){.n = input[0], .c = input[1], .h = input[2], .w = input[3],
                   .k = weights[0], .kernel_h = weights[2], .kernel_w = weights[3],
                   .stride_h = inputs->stride[0], .stride_w = inputs->stride[1],
                   .padding_top = inputs->padding[0], .padding_left = inputs->padding[1],
                   .padding_bottom = inputs->padding[2], .padding_right = inputs->padding[3],
                   .dilation_h = inputs->dilation[0], .dilation_w = inputs->dilation[1],
                   .groups = inputs->groups};
  ProblemError error;
  if (problem_complete(out, &error) != 0) return usage_error("conv2d: %s", error.text);
  if (weights[1] != out->c / out->groups) {
    return usage_error("%s: the weights are for %lld channels in each group, the input has %lld "
                       "channels in %lld groups",
                       inputs->weights, (long long)weights[1], (long long)out->c,
                       (long long)out->groups);
  }
  return TOOL_OK;
}

static void set_desc(const ConvInputs *inputs, ConvCase *conv) {
  conv->desc = problem_to_desc(&conv->problem);
  conv->desc.flags |= inputs->bias ? SPORKLE_CONV2D_BIAS : 0u;
  conv->desc.flags |= inputs->residual ? SPORKLE_CONV2D_RESIDUAL : 0u;
  conv->desc.activation = inputs->activation;
  conv->desc.clamp_min = inputs->clamp_min;
  conv->desc.clamp_max = inputs->clamp_max;
}

int conv_case_create(const Problem *problem, const char *text, const ConvInputs *inputs,
                     ConvCase *out) {
  memset(out, 0, sizeof *out);
  int code = TOOL_OK;
  if (problem) {
    out->problem = *problem;
  } else {
    code = problem_from_files(inputs, &out->problem);
  }
  if (code != TOOL_OK) return code;
  if (text) {
    snprintf(out->text, sizeof out->text, "%s", text);
  } else {
    problem_format(&out->problem, out->text, sizeof out->text);
  }
  set_desc(inputs, out);
  code = load_tensors(inputs, out);
  if (code != TOOL_OK) conv_case_destroy(out);
  return code;
}

void conv_case_destroy(ConvCase *conv) {
  free(conv->input);
  free(conv->weights);
  free(conv->bias);
  free(conv->residual);
  free(conv->output);
  memset(conv, 0, sizeof *conv);
}

OracleTensors conv_case_tensors(const ConvCase *conv) {
  return (OracleTensors){conv->input, conv->weights, conv->bias, conv->residual};
}

void conv_case_poison(ConvCase *conv) {
  for (size_t i = 0; i < conv->output_count; ++i) {
    memcpy(&conv->output[i], &poison_bits, sizeof poison_bits);
  }
}

int64_t conv_case_unwritten(const ConvCase *conv) {
  int64_t count = 0;
  for (size_t i = 0; i < conv->output_count; ++i) {
    count += memcmp(&conv->output[i], &poison_bits, sizeof poison_bits) == 0;
  }
  return count;
}
