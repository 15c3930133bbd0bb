// The kinds of OpenGL kernel, what docs/gl_kernels.md promises of each, and problems for them.
#pragma once

#include "support/test.h"

typedef struct Kind {
  const char *name;  // what the names of its kernels begin with
  const char *part;  // "plain", "winograd", "fourier"
  double rel_l2_limit;
  int64_t tile;  // edge of the tile of outputs over which a NaN of the input spreads; 0: 17 - taps
} Kind;

extern const Kind kinds[];
extern const size_t kind_count;

bool kind_has(const Kind *kind, const char *kernel);

// What of a problem meets other code: each of these comes up somewhere.
enum {
  with_dilation, uneven_padding, oblong_kernel, oblong_stride, with_stride, with_clamp, with_relu,
  with_bias, without_bias, with_residual, without_residual, with_groups, one_image, many_images,
  trait_count
};
extern const char *const trait_names[trait_count];

uint32_t problem_traits(const sporkle_conv2d_desc *desc);

typedef struct Choice {
  uint64_t number;  // of numerics_problem
  uint32_t traits;
} Choice;

// The problems of the numerics suite are these.
enum { suite_problems = 480 };

// Chooses up to `count` problems of at most `flops` that the kernel takes and that between them
// have as many traits as possible: the first of a half of the suite's that depends on the seed,
// the next of later ones of the same generator too, where those have more. Returns how many.
int choose_problems(uint32_t kernel, double flops, uint64_t seed, int count, Choice *choices);
