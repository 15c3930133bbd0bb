#include "numerics/problems.h"

#include <math.h>

#include "tools/oracle.h"
#include "tools/random.h"

// Multiply-adds of one problem at most, so that hundreds take seconds.
static const double flop_limit = 8e6;

static int64_t between(uint64_t *state, int64_t low, int64_t high) {
  return low + (int64_t)((random_next(state) >> 20) % (uint64_t)(high - low + 1));
}

static bool one_in(uint64_t *state, int64_t count) { return between(state, 1, count) == 1; }

static int64_t one_of(uint64_t *state, const int64_t *values, int64_t count) {
  return values[between(state, 0, count - 1)];
}

static void choose_channels(sporkle_conv2d_desc *d, uint64_t *state) {
  static const int64_t sizes[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 48, 65};
  const int64_t count = (int64_t)COUNT_OF(sizes);
  d->c = one_of(state, sizes, count);
  d->k = one_of(state, sizes, count);
  switch (between(state, 0, 4)) {
    case 0:  // grouped
      d->groups = between(state, 2, 6);
      d->c = d->groups * between(state, 1, 8);
      d->k = d->groups * between(state, 1, 9);
      break;
    case 1:  // depthwise, with one or more filters per channel
      d->groups = d->c;
      d->k = d->c * (one_in(state, 3) ? between(state, 2, 4) : 1);
      break;
    default: d->groups = 1; break;
  }
}

static void choose_window(sporkle_conv2d_desc *d, uint64_t *state) {
  const bool square = !one_in(state, 3);
  d->kernel_h = one_in(state, 4) ? 1 : between(state, 1, 11);
  d->kernel_w = square ? d->kernel_h : between(state, 1, 11);
  d->stride_h = one_in(state, 2) ? 1 : between(state, 1, 4);
  d->stride_w = square ? d->stride_h : between(state, 1, 4);
  d->dilation_h = one_in(state, 4) ? between(state, 2, 4) : 1;
  d->dilation_w = square ? d->dilation_h : between(state, 1, 3);
}

static void choose_padding(sporkle_conv2d_desc *d, uint64_t *state) {
  const int64_t same_h = d->kernel_h / 2 * d->dilation_h, same_w = d->kernel_w / 2 * d->dilation_w;
  switch (between(state, 0, 3)) {
    case 0: break;
    case 1:
      d->padding_top = d->padding_bottom = same_h;
      d->padding_left = d->padding_right = same_w;
      break;
    case 2:  // asymmetric
      d->padding_top = between(state, 0, d->kernel_h);
      d->padding_left = between(state, 0, d->kernel_w);
      d->padding_bottom = between(state, 0, d->kernel_h);
      d->padding_right = between(state, 0, d->kernel_w);
      break;
    default:  // larger than the kernel: whole outputs see padding only
      d->padding_top = d->kernel_h * d->dilation_h + between(state, 0, 3);
      d->padding_left = d->kernel_w * d->dilation_w + between(state, 0, 3);
      d->padding_bottom = between(state, 0, 2) * d->kernel_h;
      d->padding_right = d->kernel_w + between(state, 0, 5);
      break;
  }
}

static void choose_extent(sporkle_conv2d_desc *d, uint64_t *state) {
  d->n = one_in(state, 2) ? 1 : between(state, 1, 9);
  d->h = between(state, 1, 33);
  d->w = between(state, 1, 41);
  if (one_in(state, 12)) d->w = between(state, 200, 700), d->h = between(state, 1, 5);
  if (one_in(state, 12)) d->h = between(state, 200, 700), d->w = between(state, 1, 5);
}

static void choose_ending(sporkle_conv2d_desc *d, uint64_t *state) {
  if (one_in(state, 2)) d->flags |= SPORKLE_CONV2D_BIAS;
  if (one_in(state, 3)) d->flags |= SPORKLE_CONV2D_RESIDUAL;
  d->activation = (int32_t)between(state, 0, 2);
  if (d->activation == SPORKLE_ACTIVATION_CLAMP) {
    d->clamp_min = one_in(state, 3) ? -INFINITY : (float)between(state, -8, 0) * 0.25f;
    // Above minus infinity as well: a bound that no output reaches would leave nothing to compare.
    d->clamp_max = fmaxf(d->clamp_min, -2.5f) + (float)between(state, 1, 20) * 0.25f;
    if (one_in(state, 3)) d->clamp_min = 0.0f, d->clamp_max = 6.0f;
  }
}

static bool acceptable(const sporkle_conv2d_desc *d) {
  sporkle_conv2d_info info = SPORKLE_CONV2D_INFO_INIT;
  return sporkle_conv2d_describe(d, &info) == SPORKLE_OK && oracle_flops(d) <= flop_limit;
}

sporkle_conv2d_desc numerics_problem(uint64_t number) {
  uint64_t state = (number + 1) * 0x9e3779b97f4a7c15u;
  for (;;) {
    sporkle_conv2d_desc d;
    sporkle_conv2d_desc_init(&d);
    choose_channels(&d, &state);
    choose_window(&d, &state);
    choose_padding(&d, &state);
    choose_extent(&d, &state);
    choose_ending(&d, &state);
    if (acceptable(&d)) return d;
  }
}

void numerics_print(const sporkle_conv2d_desc *d, char *text, size_t capacity) {
  snprintf(text, capacity,
           "g%lldmb%lldic%lldih%lldiw%lldoc%lldkh%lldkw%lldsh%lldsw%lldph%lldpw%llddh%llddw%lld "
           "(padding bottom %lld right %lld, flags %u, activation %d [%g, %g])",
           (long long)d->groups, (long long)d->n, (long long)d->c, (long long)d->h,
           (long long)d->w, (long long)d->k, (long long)d->kernel_h, (long long)d->kernel_w,
           (long long)d->stride_h, (long long)d->stride_w, (long long)d->padding_top,
           (long long)d->padding_left, (long long)(d->dilation_h - 1),
           (long long)(d->dilation_w - 1), (long long)d->padding_bottom,
           (long long)d->padding_right, d->flags, d->activation, (double)d->clamp_min,
           (double)d->clamp_max);
}
