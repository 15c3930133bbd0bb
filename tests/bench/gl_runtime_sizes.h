// What sizes as uniforms cost: rewrites the programs of a recipe so that the sizes of the
// problem are read from a uniform array instead of being constants.
#pragma once

#include <vector>

#include <glad/gl.h>

#include "backends/gl/kernels/recipe.h"

namespace bench {

// The values of a program's size array, in its order.
using RuntimeSizes = std::vector<GLint>;

// Sizes that the text needs as constants (unrolled taps, remainders, tiles) stay constants.
RuntimeSizes make_runtime_sizes(sporkle::gl::Program* program);

// Gives a linked program its sizes.
void set_runtime_sizes(const GladGLContext& gl, GLuint program, const RuntimeSizes& sizes);

}  // namespace bench
