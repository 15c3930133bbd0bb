// What a choice of a kernel is remembered by: driver, catalogue and problem.
#pragma once

#include "backends/gl/gl_context.h"
#include "core/conv_problem.h"

namespace sporkle::gl {

using TunerKey = char[640];

void write_tuner_key(const Facts& facts, const ConvProblem& problem, TunerKey& out);

// Problems whose sizes round to the same powers of two start from each other's choice.
void write_similar_key(const Facts& facts, const ConvProblem& problem, TunerKey& out);

}  // namespace sporkle::gl
