// Any stride, padding, dilation and number of groups. A work-item computes one
// pixel of four channels of one group; the weights are the same for the whole
// workgroup.
//
// Workgroups: x pixels / 64, y groups * channel tiles, z images.
#include "backends/amdgpu/kernels/conv_common.h"

// The sum of `count` channels from k at one pixel, into `sums`.
static inline void general_sums(float *sums, int count, int k, int first_c, int row, int column,
                                int image, GLOBAL const float *input, GLOBAL const float *weights,
                                ConvShape shape) {
  const int filter = shape.group_c * shape.kernel_h * shape.kernel_w;
  int weight = k * filter;
  for (int c = 0; c < shape.group_c; ++c) {
    const int plane = (image * shape.c + first_c + c) * shape.h;
    for (int r = 0; r < shape.kernel_h; ++r) {
      const int y = row + r * shape.dilation_h;
      for (int s = 0; s < shape.kernel_w; ++s, ++weight) {
        const int x = column + s * shape.dilation_w;
        const bool inside = y >= 0 && y < shape.h && x >= 0 && x < shape.w;
        const float value = inside ? input[(plane + y) * shape.w + x] : 0.0f;
        for (int i = 0; i < count; ++i) {
          sums[i] = multiply_add(value, weights[weight + i * filter], sums[i]);
        }
      }
    }
  }
}

KERNEL(CONV_GENERAL_THREADS)
conv2d_general(GLOBAL const float *RESTRICT input, GLOBAL const float *RESTRICT weights,
               GLOBAL const float *RESTRICT bias, GLOBAL const float *RESTRICT residual,
               GLOBAL float *RESTRICT output, ConvShape shape) {
  const int pixels = shape.out_h * shape.out_w;
  const int pixel = GROUP_X * CONV_GENERAL_THREADS + LOCAL_ID;
  const int group = divide(GROUP_Y, shape.by_tiles);
  const int first = (GROUP_Y - group * shape.tiles) * CONV_GENERAL_CHANNELS;
  const int k = group * shape.group_k + first;
  const int image = GROUP_Z;
  if (pixel >= pixels) return;
  const int out_y = divide(pixel, shape.by_out_w);
  const int row = out_y * shape.stride_h - shape.pad_top;
  const int column = (pixel - out_y * shape.out_w) * shape.stride_w - shape.pad_left;
  const int first_c = group * shape.group_c;
  float sums[CONV_GENERAL_CHANNELS] = {0.0f, 0.0f, 0.0f, 0.0f};
  if (shape.group_k - first >= CONV_GENERAL_CHANNELS) {
    general_sums(sums, CONV_GENERAL_CHANNELS, k, first_c, row, column, image, input, weights,
                 shape);
    for (int i = 0; i < CONV_GENERAL_CHANNELS; ++i) {
      store_output(sums[i], k + i, (image * shape.k + k + i) * pixels + pixel, bias, residual,
                   output, shape);
    }
    return;
  }
  for (int i = k; i < (group + 1) * shape.group_k; ++i) {
    float sum = 0.0f;
    general_sums(&sum, 1, i, first_c, row, column, image, input, weights, shape);
    store_output(sum, i, (image * shape.k + i) * pixels + pixel, bias, residual, output, shape);
  }
}
