#include "backends/gl/shaders/shaders.h"

namespace sporkle::gl::shaders {

// First layers: few input channels, one group. A workgroup keeps the input patch
// of TILE_H x TILE_W output pixels and the weights of CSTAGE channels in shared memory, a row of
// the patch cut into the phases of the stride, so that neighbouring threads read neighbouring
// elements. A thread slides a register window of one input row over TN adjacent pixels.
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

#define ROW4 (STRIDE_W * PATCH_W4)
#define X_COUNT (CSTAGE * PATCH_H * ROW4)
#define W_COUNT (CSTAGE * TAPS * BM4)
shared vec4 sx[X_COUNT];
shared vec4 sw[W_COUNT];

// Element i of a patch whose first channel, row and column are these. Loads are
// unconditional, inside the input; what lies in the padding is replaced by zero.
vec4 load_input(int i, int plane, int ih0, int iw0) {
  i = min(i, X_COUNT - 1);
  int ih = ih0 + i / ROW4 % PATCH_H;
  ivec4 iw = iw0 + i % PATCH_W4 * (4 * STRIDE_W) + i % ROW4 / PATCH_W4 +
             ivec4(0, 1, 2, 3) * STRIDE_W;
  ivec4 at = clamp(iw, ivec4(0), ivec4(IN_W - 1)) + plane + i / (PATCH_H * ROW4) * PLANE_IN +
             clamp(ih, 0, IN_H - 1) * IN_W;
  vec4 v = vec4(x[at.x], x[at.y], x[at.z], x[at.w]);
  bvec4 inside = lessThan(uvec4(iw), uvec4(uint(ih) < uint(IN_H) ? IN_W : 0));
  return mix(vec4(0.0), v, inside);
}
#define LOAD_X(i) load_input(i, plane, oh0 * STRIDE_H - PAD_TOP, ow0 * STRIDE_W - PAD_LEFT)
#define LOAD_W(i) w[w_at + uint(min(i, W_COUNT - 1))]

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
  int m_at = (warp / WARPS_N) * (LANES_M * TM4) + lane_m(lane);
  int segment = (warp % WARPS_N) * LANES_N + lane_n(lane);
  int seg_y = segment / SEGMENTS_X;
  int seg_x = segment % SEGMENTS_X;

@for q TM4
@for v TN4
@for l 4
  vec4 acc$q_$v$l = vec4(0.0);
@end
@end
@end

  int plane = int(args[0].z) + image * IMAGE_IN;
  uint w_at = slab * uint(IN_C * TAPS * BM4) - args[1].y;
#if AHEAD
@for i X_PASSES
  vec4 rx$i = LOAD_X(tid + $i * THREADS);
@end
@for i W_PASSES
  vec4 rw$i = LOAD_W(tid + $i * THREADS);
@end
#endif

  for (int c0 = 0; c0 < IN_C + zero; c0 += CSTAGE) {
    if (c0 > 0) barrier();
#if AHEAD
@for i X_PASSES
    if (tid + $i * THREADS < X_COUNT) sx[tid + $i * THREADS] = rx$i;
@end
@for i W_PASSES
    if (tid + $i * THREADS < W_COUNT) sw[tid + $i * THREADS] = rw$i;
@end
#else
    for (int i = tid; i < X_COUNT + zero; i += 4 * THREADS) {
@for i 4
      vec4 v$i = LOAD_X(i + $i * THREADS);
@end
@for i 4
      if (i + $i * THREADS < X_COUNT) sx[i + $i * THREADS] = v$i;
@end
    }
    for (int i = tid; i < W_COUNT + zero; i += 8 * THREADS) {
@for i 8
      vec4 v$i = LOAD_W(i + $i * THREADS);
@end
@for i 8
      if (i + $i * THREADS < W_COUNT) sw[i + $i * THREADS] = v$i;
@end
    }
#endif
    barrier();
    plane += CSTAGE * PLANE_IN;
    w_at += uint(W_COUNT);
#if AHEAD && CSTAGE < IN_C
    if (c0 + CSTAGE < IN_C) {
@for i X_PASSES
      rx$i = LOAD_X(tid + $i * THREADS);
@end
@for i W_PASSES
      rw$i = LOAD_W(tid + $i * THREADS);
@end
    }
#endif

    int wi = m_at;
    for (int c = 0; c < CSTAGE + zero; ++c) {
      for (int r = 0; r < KERNEL_H + zero; ++r) {
        int xi = (c * PATCH_H + seg_y * STRIDE_H + r * DILATION_H) * ROW4 + seg_x * TN4;
        float window[STRIDE_W * 4 * WINDOW4];
@for f STRIDE_W
@for v WINDOW4
        {
          vec4 v = sx[xi + $f * PATCH_W4 + $v];
          window[4 * ($f * WINDOW4 + $v)] = v.x;
          window[4 * ($f * WINDOW4 + $v) + 1] = v.y;
          window[4 * ($f * WINDOW4 + $v) + 2] = v.z;
          window[4 * ($f * WINDOW4 + $v) + 3] = v.w;
        }
@end
@end
@for s KERNEL_W
@for q TM4
        {
          vec4 a = sw[wi + $s * BM4 + $q * LANES_M];
@for v TN4
@for l 4
          acc$q_$v$l = fma(a, vec4(window[$s * DILATION_W % STRIDE_W * (4 * WINDOW4) +
                                          $s * DILATION_W / STRIDE_W + 4 * $v + $l]), acc$q_$v$l);
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
