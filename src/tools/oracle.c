#include "tools/oracle.h"

#include <math.h>
#include <string.h>

int64_t oracle_out_h(const sporkle_conv2d_desc *d) {
  return (d->h + d->padding_top + d->padding_bottom - d->dilation_h * (d->kernel_h - 1) - 1) /
             d->stride_h + 1;
}

int64_t oracle_out_w(const sporkle_conv2d_desc *d) {
  return (d->w + d->padding_left + d->padding_right - d->dilation_w * (d->kernel_w - 1) - 1) /
             d->stride_w + 1;
}

int64_t oracle_output_count(const sporkle_conv2d_desc *d) {
  return d->n * d->k * oracle_out_h(d) * oracle_out_w(d);
}

double oracle_flops(const sporkle_conv2d_desc *d) {
  return 2.0 * (double)oracle_output_count(d) * (double)(d->c / d->groups) * (double)d->kernel_h *
         (double)d->kernel_w;
}

static double activate(const sporkle_conv2d_desc *d, double value) {
  if (isnan(value)) return value;
  if (d->activation == SPORKLE_ACTIVATION_RELU) return value > 0 ? value : 0;
  if (d->activation == SPORKLE_ACTIVATION_CLAMP) {
    value = value > (double)d->clamp_min ? value : (double)d->clamp_min;
    return value < (double)d->clamp_max ? value : (double)d->clamp_max;
  }
  return value;
}

// Channels of the group that output channel k belongs to.
static const float *group_input(const sporkle_conv2d_desc *d, const float *input, int64_t n,
                                int64_t k) {
  int64_t group = k / (d->k / d->groups);
  return input + (n * d->c + group * (d->c / d->groups)) * d->h * d->w;
}

double oracle_output(const sporkle_conv2d_desc *d, const OracleTensors *t, int64_t n, int64_t k,
                     int64_t y, int64_t x) {
  const int64_t channels = d->c / d->groups;
  const float *input = group_input(d, t->input, n, k);
  const float *weights = t->weights + k * channels * d->kernel_h * d->kernel_w;
  double sum = t->bias ? (double)t->bias[k] : 0.0;
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t r = 0; r < d->kernel_h; ++r) {
      int64_t row = y * d->stride_h + r * d->dilation_h - d->padding_top;
      if (row < 0 || row >= d->h) continue;
      for (int64_t s = 0; s < d->kernel_w; ++s) {
        int64_t column = x * d->stride_w + s * d->dilation_w - d->padding_left;
        if (column < 0 || column >= d->w) continue;
        sum += (double)input[(c * d->h + row) * d->w + column] *
               (double)weights[(c * d->kernel_h + r) * d->kernel_w + s];
      }
    }
  }
  if (t->residual) {
    const int64_t out_h = oracle_out_h(d), out_w = oracle_out_w(d);
    sum += (double)t->residual[((n * d->k + k) * out_h + y) * out_w + x];
  }
  return activate(d, sum);
}

// The first and one past the last output index whose tap lies within the input.
static void tap_range(int64_t size, int64_t out, int64_t stride, int64_t offset, int64_t *begin,
                      int64_t *end) {
  *begin = offset >= 0 ? 0 : (-offset - 1) / stride + 1;
  *end = offset >= size ? 0 : (size - 1 - offset) / stride + 1;
  if (*end > out) *end = out;
}

__attribute__((always_inline)) static inline void add_row(double *restrict sum,
                                                          const float *restrict input,
                                                          int64_t stride, int64_t count,
                                                          double weight) {
  if (stride == 1) {
    for (int64_t i = 0; i < count; ++i) sum[i] += weight * (double)input[i];
  } else {
    for (int64_t i = 0; i < count; ++i) sum[i] += weight * (double)input[i * stride];
  }
}

__attribute__((always_inline)) static inline void add_tap(const sporkle_conv2d_desc *d,
                                                          const float *channel, int64_t r,
                                                          int64_t s, double weight,
                                                          double *plane) {
  const int64_t out_h = oracle_out_h(d), out_w = oracle_out_w(d);
  const int64_t top = r * d->dilation_h - d->padding_top;
  const int64_t left = s * d->dilation_w - d->padding_left;
  int64_t y_begin = 0, y_end = 0, x_begin = 0, x_end = 0;
  tap_range(d->h, out_h, d->stride_h, top, &y_begin, &y_end);
  tap_range(d->w, out_w, d->stride_w, left, &x_begin, &x_end);
  if (x_begin >= x_end) return;
  for (int64_t y = y_begin; y < y_end; ++y) {
    const float *row = channel + (y * d->stride_h + top) * d->w;
    add_row(plane + y * out_w + x_begin, row + x_begin * d->stride_w + left, d->stride_w,
            x_end - x_begin, weight);
  }
}

__attribute__((always_inline)) static inline void sum_plane(const sporkle_conv2d_desc *d,
                                                            const float *input,
                                                            const float *weights, double *plane) {
  const int64_t channels = d->c / d->groups;
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t r = 0; r < d->kernel_h; ++r) {
      for (int64_t s = 0; s < d->kernel_w; ++s) {
        add_tap(d, input + c * d->h * d->w, r, s, (double)*weights++, plane);
      }
    }
  }
}

static void sum_plane_portable(const sporkle_conv2d_desc *d, const float *input,
                               const float *weights, double *plane) {
  sum_plane(d, input, weights, plane);
}

#if defined(__x86_64__)
// The same source for wider registers: double precision over float input is
// slow enough without losing half the machine.
__attribute__((target("avx2,fma"))) static void sum_plane_avx2(const sporkle_conv2d_desc *d,
                                                               const float *input,
                                                               const float *weights,
                                                               double *plane) {
  sum_plane(d, input, weights, plane);
}
#endif

void oracle_plane(const sporkle_conv2d_desc *d, const OracleTensors *t, int64_t n, int64_t k,
                  double *plane) {
  const int64_t size = oracle_out_h(d) * oracle_out_w(d);
  const double bias = t->bias ? (double)t->bias[k] : 0.0;
  const float *input = group_input(d, t->input, n, k);
  const float *weights = t->weights + k * (d->c / d->groups) * d->kernel_h * d->kernel_w;
  for (int64_t i = 0; i < size; ++i) plane[i] = bias;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    sum_plane_avx2(d, input, weights, plane);
  } else {
    sum_plane_portable(d, input, weights, plane);
  }
#else
  sum_plane_portable(d, input, weights, plane);
#endif
  const float *residual = t->residual ? t->residual + (n * d->k + k) * size : NULL;
  for (int64_t i = 0; i < size; ++i) {
    plane[i] = activate(d, residual ? plane[i] + (double)residual[i] : plane[i]);
  }
}
