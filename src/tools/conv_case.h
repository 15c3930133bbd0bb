// One convolution to run: descriptor, its text, and tensors in host memory.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sporkle.h"
#include "tools/args.h"
#include "tools/oracle.h"
#include "tools/problem.h"

// What the command line says beside the PROBLEM. A tensor is NULL (none, or
// random where the problem needs one), "random", or the path of a .npy file.
typedef struct ConvInputs {
  const char *input, *weights, *bias, *residual, *output;
  int32_t activation;  // SPORKLE_ACTIVATION_*
  float clamp_min, clamp_max;
  bool geometry_given;  // one of the four below is from the command line
  int64_t stride[2], padding[4], dilation[2], groups;
  size_t extra;  // elements that a random input and residual get beyond the problem's
} ConvInputs;

#define CONV_INPUTS_INIT                                                                   \
  {                                                                                        \
    .stride = {1, 1}, .dilation = {1, 1}, .groups = 1, .activation = SPORKLE_ACTIVATION_NONE \
  }

typedef struct ConvCase {
  Problem problem;
  char text[PROBLEM_TEXT_CAPACITY];
  sporkle_conv2d_desc desc;
  float *input, *weights, *bias, *residual, *output;
  size_t input_count, weights_count, output_count;
} ConvCase;

// Applies --relu or --clamp. Returns false after a message.
bool conv_inputs_activate(const Arg *arg, int32_t activation, ConvInputs *inputs);

// Builds the case of a parsed problem, or with `problem` NULL of the tensor
// files. Returns TOOL_OK or an exit code after a message.
int conv_case_create(const Problem *problem, const char *text, const ConvInputs *inputs,
                     ConvCase *out);

void conv_case_destroy(ConvCase *conv);

OracleTensors conv_case_tensors(const ConvCase *conv);

// Fills the output with a NaN that arithmetic does not produce.
void conv_case_poison(ConvCase *conv);

// Outputs that still hold the poison.
int64_t conv_case_unwritten(const ConvCase *conv);
