// 1x1 filters without padding, groups or dilation: a matrix product of weights
// (k x c) and pixels (c x out_h * out_w), in tiles of 64 channels and 64 pixels.
// A work-item computes 4 channels of 4 pixels, 16 apart in both directions.
//
// Workgroups: x pixels / 64, y channels / 64, z images.
#include "backends/amdgpu/kernels/conv_common.h"

enum { DEPTH_1X1 = 16, TILE_1X1 = 4, STEP_1X1 = 16, PITCH_1X1 = CONV_1X1_CHANNELS + 1 };

KERNEL(CONV_1X1_THREADS)
conv2d_1x1(GLOBAL const float *RESTRICT input, GLOBAL const float *RESTRICT weights,
           GLOBAL const float *RESTRICT bias, GLOBAL const float *RESTRICT residual,
           GLOBAL float *RESTRICT output, ConvShape shape) {
  SHARED float filter_tile[DEPTH_1X1 * PITCH_1X1];
  SHARED float pixel_tile[DEPTH_1X1 * CONV_1X1_PIXELS];
  const int pixels = shape.out_h * shape.out_w;
  const int first_pixel = GROUP_X * CONV_1X1_PIXELS;
  const int first_k = GROUP_Y * CONV_1X1_CHANNELS;
  const int image = GROUP_Z;
  // What this work-item loads: one pixel, every fourth input channel; and one
  // input channel of every sixteenth filter.
  const int load_pixel = LOCAL_ID % CONV_1X1_PIXELS;
  const int load_row = LOCAL_ID / CONV_1X1_PIXELS;
  const int load_c = LOCAL_ID % DEPTH_1X1;
  const int load_k = LOCAL_ID / DEPTH_1X1;
  // Beyond the last pixel the last one is loaded again; nothing of it is stored.
  const int pixel = first_pixel + load_pixel < pixels ? first_pixel + load_pixel : pixels - 1;
  const int out_y = divide(pixel, shape.by_out_w);
  const int place = out_y * shape.stride_h * shape.w +
                    (pixel - out_y * shape.out_w) * shape.stride_w;
  const int my_pixel = LOCAL_ID % STEP_1X1;
  const int my_k = LOCAL_ID / STEP_1X1;
  float sums[TILE_1X1][TILE_1X1] = {{0.0f}};
  for (int first_c = 0; first_c < shape.c; first_c += DEPTH_1X1) {
    for (int c = load_row; c < DEPTH_1X1; c += CONV_1X1_THREADS / CONV_1X1_PIXELS) {
      const bool inside = first_c + c < shape.c;
      pixel_tile[c * CONV_1X1_PIXELS + load_pixel] =
          inside ? input[(image * shape.c + first_c + c) * shape.h * shape.w + place] : 0.0f;
    }
    for (int k = load_k; k < CONV_1X1_CHANNELS; k += CONV_1X1_THREADS / DEPTH_1X1) {
      const bool inside = first_k + k < shape.k && first_c + load_c < shape.c;
      filter_tile[load_c * PITCH_1X1 + k] =
          inside ? weights[(first_k + k) * shape.c + first_c + load_c] : 0.0f;
    }
    barrier_all();
    for (int c = 0; c < DEPTH_1X1; ++c) {
      for (int i = 0; i < TILE_1X1; ++i) {
        for (int j = 0; j < TILE_1X1; ++j) {
          sums[i][j] = multiply_add(filter_tile[c * PITCH_1X1 + my_k + STEP_1X1 * i],
                                    pixel_tile[c * CONV_1X1_PIXELS + my_pixel + STEP_1X1 * j],
                                    sums[i][j]);
        }
      }
    }
    barrier_all();
  }
  for (int i = 0; i < TILE_1X1; ++i) {
    for (int j = 0; j < TILE_1X1; ++j) {
      const int k = first_k + my_k + STEP_1X1 * i;
      const int at = first_pixel + my_pixel + STEP_1X1 * j;
      if (k >= shape.k || at >= pixels) continue;
      store_output(sums[i][j], k, (image * shape.k + k) * pixels + at, bias, residual, output,
                   shape);
    }
  }
}
