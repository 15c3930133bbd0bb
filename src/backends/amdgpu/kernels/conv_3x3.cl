// 3x3 filters without groups or dilation, stride 1 or 2 in both directions, any
// padding. A workgroup computes 8x8 pixels of 32 channels; a work-item two
// neighbouring pixels of 8 channels. Four input channels at a time lie in LDS,
// with the pixels around the tile, zero where they are padding.
//
// Workgroups: x tiles of pixels, y channels / 32, z images.
#include "backends/amdgpu/kernels/conv_common.h"

enum {
  DEPTH_3X3 = 4,
  TAPS_3X3 = 9,
  PIXELS_3X3 = 2,
  CHANNELS_3X3 = 8,
  PAIRS_3X3 = CONV_3X3_SIDE * CONV_3X3_SIDE / PIXELS_3X3,
  ROW_PAIRS_3X3 = CONV_3X3_SIDE / PIXELS_3X3
};

#define HALO_3X3(stride) ((CONV_3X3_SIDE - 1) * (stride) + 3)

// One kernel per stride: the tile of the input is an array of constant size, and
// its rows are found with constant divisors.
#define CONV_3X3(name, stride)                                                                    \
  KERNEL(CONV_3X3_THREADS)                                                                        \
  name(GLOBAL const float *RESTRICT input, GLOBAL const float *RESTRICT weights,                  \
       GLOBAL const float *RESTRICT bias, GLOBAL const float *RESTRICT residual,                  \
       GLOBAL float *RESTRICT output, ConvShape shape) {                                          \
    SHARED float pixel_tile[DEPTH_3X3 * HALO_3X3(stride) * HALO_3X3(stride)];                                 \
    SHARED float filter_tile[DEPTH_3X3 * TAPS_3X3 * CONV_3X3_CHANNELS];                                 \
    const int tile_y = divide(GROUP_X, shape.by_tiles);                                           \
    const int first_y = tile_y * CONV_3X3_SIDE;                                                            \
    const int first_x = (GROUP_X - tile_y * shape.tiles) * CONV_3X3_SIDE;                                  \
    const int first_k = GROUP_Y * CONV_3X3_CHANNELS;                                              \
    const int image = GROUP_Z;                                                                    \
    const int top = first_y * (stride) - shape.pad_top;                                           \
    const int left = first_x * (stride) - shape.pad_left;                                         \
    const int my_y = LOCAL_ID % PAIRS_3X3 / ROW_PAIRS_3X3;                                                \
    const int my_x = LOCAL_ID % ROW_PAIRS_3X3 * PIXELS_3X3;                                            \
    const int my_k = LOCAL_ID / PAIRS_3X3 * CHANNELS_3X3;                                              \
    float sums[CHANNELS_3X3][PIXELS_3X3] = {{0.0f}};                                                \
    for (int first_c = 0; first_c < shape.c; first_c += DEPTH_3X3) {                                  \
      for (int i = LOCAL_ID; i < DEPTH_3X3 * HALO_3X3(stride) * HALO_3X3(stride); i += CONV_3X3_THREADS) {    \
        const int c = first_c + i / (HALO_3X3(stride) * HALO_3X3(stride));                                \
        const int y = top + i % (HALO_3X3(stride) * HALO_3X3(stride)) / HALO_3X3(stride);                     \
        const int x = left + i % HALO_3X3(stride);                                                    \
        const bool inside =                                                                       \
            c < shape.c && y >= 0 && y < shape.h && x >= 0 && x < shape.w;                        \
        pixel_tile[i] =                                                                           \
            inside ? input[((image * shape.c + c) * shape.h + y) * shape.w + x] : 0.0f;           \
      }                                                                                           \
      for (int i = LOCAL_ID; i < DEPTH_3X3 * TAPS_3X3 * CONV_3X3_CHANNELS; i += CONV_3X3_THREADS) {     \
        const int k = i / (DEPTH_3X3 * TAPS_3X3);                                                       \
        const int tap = i % (DEPTH_3X3 * TAPS_3X3);                                                     \
        const bool inside = first_k + k < shape.k && first_c + tap / TAPS_3X3 < shape.c;            \
        filter_tile[tap * CONV_3X3_CHANNELS + k] =                                                \
            inside ? weights[((first_k + k) * shape.c + first_c) * TAPS_3X3 + tap] : 0.0f;          \
      }                                                                                           \
      barrier_all();                                                                              \
      for (int tap = 0; tap < DEPTH_3X3 * TAPS_3X3; ++tap) {                                            \
        const int row = tap / TAPS_3X3 * HALO_3X3(stride) + my_y * (stride) + tap % TAPS_3X3 / 3;         \
        const int place = row * HALO_3X3(stride) + my_x * (stride) + tap % 3;                         \
        for (int i = 0; i < CHANNELS_3X3; ++i) {                                                   \
          const float weight = filter_tile[tap * CONV_3X3_CHANNELS + my_k + i];                   \
          for (int j = 0; j < PIXELS_3X3; ++j) {                                                   \
            sums[i][j] = multiply_add(weight, pixel_tile[place + j * (stride)], sums[i][j]);      \
          }                                                                                       \
        }                                                                                         \
      }                                                                                           \
      barrier_all();                                                                              \
    }                                                                                             \
    for (int i = 0; i < CHANNELS_3X3; ++i) {                                                       \
      for (int j = 0; j < PIXELS_3X3; ++j) {                                                       \
        const int k = first_k + my_k + i;                                                         \
        const int y = first_y + my_y;                                                             \
        const int x = first_x + my_x + j;                                                         \
        if (k >= shape.k || y >= shape.out_h || x >= shape.out_w) continue;                       \
        store_output(sums[i][j], k, ((image * shape.k + k) * shape.out_h + y) * shape.out_w + x,  \
                     bias, residual, output, shape);                                              \
      }                                                                                           \
    }                                                                                             \
  }

CONV_3X3(conv2d_3x3, 1)
CONV_3X3(conv2d_3x3_stride2, 2)
