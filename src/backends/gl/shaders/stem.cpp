#include "backends/gl/shaders/shaders.h"

namespace sporkle::gl::shaders {

// First layers: few input channels, one group. A workgroup keeps the input patch
// of TILE_H x TILE_W output pixels and the weights of CSTAGE channels in shared memory. A thread
// slides a register window of one input row over TN adjacent pixels.
const char stem[] = R"glsl(
layout(std430, binding = 0) readonly buffer Input { float x[]; };
layout(std430, binding = 1) readonly buffer Weights { vec4 w[]; };
#if OUT_W % 4 == 0
#define QUAD vec4
#else
#define QUAD float
#endif
#if HAS_RESIDUAL
layout(std430, binding = 3) readonly buffer Residual { QUAD residual[]; };
#endif
layout(std430, binding = 4) writeonly buffer Output { QUAD y[]; };

shared vec4 sx[CSTAGE * PATCH_H * PATCH_W4];
shared vec4 sw[CSTAGE * TAPS * BM4];

float load_input(int at, int iw) { return uint(iw) < uint(IN_W) ? x[at + iw] : 0.0; }

void store(uint o, QUAD v, float bias_m) {
  v += bias_m;
#if HAS_RESIDUAL
  v += residual[o];
#endif
  y[o] = activate(v);
}

void main() {
  int tid = int(gl_LocalInvocationIndex);
  int zero = int(args[0].x);
  uint slab = args[1].x + gl_WorkGroupID.x;
  int tile = int(min(pixel_tile(), args[0].y * TILES_Y * TILES_X - 1u));
  int image = tile / (TILES_Y * TILES_X);
  int oh0 = (tile / TILES_X) % TILES_Y * TILE_H;
  int ow0 = tile % TILES_X * TILE_W;

  int warp = tid / 32;
  int lane = tid % 32;
  int m_at = (warp / WARPS_N) * (LANES_M * TM4) + lane / LANES_N;
  int segment = (warp % WARPS_N) * LANES_N + lane % LANES_N;
  int seg_y = segment / SEGMENTS_X;
  int seg_x = segment % SEGMENTS_X;

@for q TM4
@for v TN4
@for l 4
  vec4 acc$q_$v$l = vec4(0.0);
@end
@end
@end

  for (int c0 = 0; c0 < IN_C + zero; c0 += CSTAGE) {
    barrier();
    for (int i = tid; i < CSTAGE * PATCH_H * PATCH_W4; i += THREADS) {
      int c = c0 + i / (PATCH_H * PATCH_W4);
      int ih = oh0 * STRIDE_H - PAD_TOP + (i / PATCH_W4) % PATCH_H;
      int iw = ow0 * STRIDE_W - PAD_LEFT + 4 * (i % PATCH_W4);
      int at = int(args[0].z) + image * IMAGE_IN + c * PLANE_IN + ih * IN_W;
      vec4 v = vec4(0.0);
      if (uint(ih) < uint(IN_H))
        v = vec4(load_input(at, iw), load_input(at, iw + 1), load_input(at, iw + 2),
                 load_input(at, iw + 3));
      sx[i] = v;
    }
    uint w_at = (slab * IN_C + uint(c0)) * uint(TAPS * BM4) - args[1].y;
    for (int i = tid; i < CSTAGE * TAPS * BM4; i += THREADS) sw[i] = w[w_at + uint(i)];
    barrier();

    int wi = m_at;
    for (int c = 0; c < CSTAGE + zero; ++c) {
      for (int r = 0; r < KERNEL_H + zero; ++r) {
        int xi = (c * PATCH_H + seg_y * STRIDE_H + r * DILATION_H) * PATCH_W4 +
                 seg_x * (TN * STRIDE_W / 4);
        float window[4 * WINDOW4];
@for v WINDOW4
        {
          vec4 v = sx[xi + $v];
          window[4 * $v] = v.x;
          window[4 * $v + 1] = v.y;
          window[4 * $v + 2] = v.z;
          window[4 * $v + 3] = v.w;
        }
@end
@for s KERNEL_W
@for q TM4
        {
          vec4 a = sw[wi + $s * BM4 + $q * LANES_M];
@for v TN4
@for l 4
          acc$q_$v$l = fma(a, vec4(window[(4 * $v + $l) * STRIDE_W + $s * DILATION_W]), acc$q_$v$l);
@end
@end
        }
@end
@end
        wi += KERNEL_W * BM4;
      }
    }
  }

  int oh = oh0 + seg_y;
  int ow = ow0 + seg_x * TN;
  uint m_first = slab * BM + uint(4 * m_at);
  uint y_at = args[0].w + uint(image) * IMAGE_OUT + uint(oh * OUT_W + ow);
  if (oh < OUT_H && pixel_tile() < args[0].y * TILES_Y * TILES_X) {
@for q TM4
@for c 4
    {
      uint m = m_first + uint($q * LANES_M * 4 + $c);
      if (m < GROUP_K) {
        uint o = y_at + m * PLANE_OUT;
        float b = BIAS(m);
#if OUT_W % 4 == 0
@for v TN4
        if (ow + 4 * $v < OUT_W)
          store(o / 4u + uint($v),
                vec4(acc$q_$v0[$c], acc$q_$v1[$c], acc$q_$v2[$c], acc$q_$v3[$c]), b);
@end
#else
@for v TN4
@for l 4
        if (ow + 4 * $v + $l < OUT_W) store(o + uint(4 * $v + $l), acc$q_$v$l[$c], b);
@end
@end
#endif
      }
    }
@end
@end
  }
}
)glsl";

}  // namespace sporkle::gl::shaders
