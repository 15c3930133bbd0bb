// Random convolution problems, the same ones in every run.
#pragma once

#include "support/test.h"

// Problem `number`: every class of problem comes up, most of them small.
sporkle_conv2d_desc numerics_problem(uint64_t number);

// The problem in the notation of benchdnn, with what that notation lacks.
void numerics_print(const sporkle_conv2d_desc *desc, char *text, size_t capacity);
