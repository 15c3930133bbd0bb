#include "numerics/kinds.h"

#include <math.h>

#include "gl/tuner_shim.h"
#include "numerics/problems.h"
#include "tools/oracle.h"

// The table "Error and special values" of docs/gl_kernels.md.
const Kind kinds[] = {
    {"gemm", "plain", 2e-6, 1},     {"pgemm", "plain", 2e-6, 1},
    {"igemm", "plain", 2e-6, 1},    {"itable", "plain", 2e-6, 1},
    {"direct", "plain", 2e-6, 1},   {"spread", "plain", 2e-6, 1},
    {"depthwise", "plain", 2e-6, 1}, {"stem", "plain", 2e-6, 1},
    {"w2", "winograd", 2e-6, 2},    {"w2_fused", "winograd", 2e-6, 2},
    {"w4", "winograd", 1e-5, 4},    {"w3k4", "winograd", 1e-5, 3},
    {"w2k5", "winograd", 1e-5, 2},  {"f16", "fourier", 5e-6, 0},
};
const size_t kind_count = COUNT_OF(kinds);

const char *const trait_names[trait_count] = {
    "dilation", "uneven padding", "oblong kernel", "oblong stride", "stride", "clamp", "relu",
    "bias", "no bias", "residual", "no residual", "groups", "one image", "many images"};

bool kind_has(const Kind *kind, const char *kernel) {
  const size_t length = strlen(kind->name);
  if (strncmp(kernel, kind->name, length) != 0 || kernel[length] != '_') return false;
  // "w2" is no beginning of "w2_fused".
  return strchr(kind->name, '_') != NULL || strncmp(kernel + length, "_fused", 6) != 0;
}

uint32_t problem_traits(const sporkle_conv2d_desc *d) {
  const bool has[trait_count] = {
      [with_dilation] = d->dilation_h > 1 || d->dilation_w > 1,
      [uneven_padding] = d->padding_top != d->padding_bottom || d->padding_left != d->padding_right,
      [oblong_kernel] = d->kernel_h != d->kernel_w,
      [oblong_stride] = d->stride_h != d->stride_w,
      [with_stride] = d->stride_h > 1 || d->stride_w > 1,
      [with_clamp] = d->activation == SPORKLE_ACTIVATION_CLAMP,
      [with_relu] = d->activation == SPORKLE_ACTIVATION_RELU,
      [with_bias] = (d->flags & SPORKLE_CONV2D_BIAS) != 0,
      [without_bias] = (d->flags & SPORKLE_CONV2D_BIAS) == 0,
      [with_residual] = (d->flags & SPORKLE_CONV2D_RESIDUAL) != 0,
      [without_residual] = (d->flags & SPORKLE_CONV2D_RESIDUAL) == 0,
      [with_groups] = d->groups > 1,
      [one_image] = d->n == 1,
      [many_images] = d->n > 1,
  };
  uint32_t traits = 0;
  for (int i = 0; i < trait_count; ++i) traits |= (uint32_t)has[i] << i;
  return traits;
}

typedef struct Search {
  uint32_t kernel, covered;
  double flops;
  const Choice *taken;
  int taken_count;
} Search;

// Whether a clamp leaves outputs that differ, by their standard deviation.
static bool bounds_are_wide(const sporkle_conv2d_desc *d) {
  if (d->activation != SPORKLE_ACTIVATION_CLAMP) return true;
  const double products = (double)(d->c / d->groups * d->kernel_h * d->kernel_w);
  const double deviation = sqrt(products) / 3;
  return d->clamp_max - d->clamp_min > deviation && d->clamp_max > -0.5 * deviation;
}

// The gain of a problem in traits; negative where it is not to be had.
static int gain_of(const Search *search, uint64_t number, uint32_t *traits) {
  for (int i = 0; i < search->taken_count; ++i)
    if (search->taken[i].number == number) return -1;
  const sporkle_conv2d_desc desc = numerics_problem(number);
  if (oracle_flops(&desc) > search->flops) return -1;
  if (!bounds_are_wide(&desc)) return -1;
  if (!shim_variant_accepts(NULL, search->kernel, &desc)) return -1;
  *traits = problem_traits(&desc);
  // What few problems have counts for more.
  const uint32_t rare = 1u << with_dilation | 1u << oblong_kernel | 1u << oblong_stride;
  const uint32_t gained = *traits & ~search->covered;
  return __builtin_popcount(gained) + 6 * __builtin_popcount(gained & rare);
}

static int best_of(const Search *search, uint64_t base, uint64_t count, uint64_t first,
                   Choice *best) {
  int best_gain = -1;
  // Half of them, so that another seed finds other problems.
  for (uint64_t i = 0; i < count / 2; ++i) {
    uint32_t traits = 0;
    const uint64_t number = base + (first + i) % count;
    const int gain = gain_of(search, number, &traits);
    if (gain > best_gain) best_gain = gain, *best = (Choice){number, traits};
  }
  return best_gain;
}

int choose_problems(uint32_t kernel, double flops, uint64_t seed, int count, Choice *choices) {
  enum { later = 10000, later_problems = 12000 };
  Search search = {kernel, 0, flops, choices, 0};
  while (search.taken_count < count) {
    Choice best = {0}, other = {0};
    int gain = best_of(&search, 0, suite_problems, seed * 97, &best);
    if (gain <= 0 || search.taken_count > 0) {
      const int more = best_of(&search, later, later_problems, seed * 977, &other);
      if (more > gain) gain = more, best = other;
    }
    if (gain < 0) break;
    search.covered |= best.traits;
    choices[search.taken_count++] = best;
  }
  return search.taken_count;
}
