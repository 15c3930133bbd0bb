#include "backends/gl/shaders/shaders.h"

namespace sporkle::gl::shaders {

// Implicit matrix product for any problem. Shared memory holds, per pixel, four
// consecutive reduction indices in one vec4. The reduction runs over taps outside and
// channels inside (BY_TAPS 1), or over a table of taps and channels flattened
// together (BY_TAPS 0), which wastes less when a group has few channels.
const char igemm[] = R"glsl(
layout(std430, binding = 0) readonly buffer Input { float x[]; };
layout(std430, binding = 1) readonly buffer Weights { vec4 w[]; };
#if HAS_RESIDUAL
layout(std430, binding = 3) readonly buffer Residual { float residual[]; };
#endif
layout(std430, binding = 4) writeonly buffer Output { float y[]; };
#if !BY_TAPS
layout(std430, binding = 5) readonly buffer Taps { ivec4 taps[]; };
#endif

shared vec4 sa[2 * BK * BM4];
shared vec4 sb[2 * BKQ * BN];

#if BY_TAPS
#define IN_GROUP(i) (channel < GROUP_C - (i))
vec4 load_pixel(bool inside, int at, int channel) {
  vec4 v = vec4(0.0);
#if GROUP_C % BK == 0
  if (inside) v = vec4(x[at], x[at + PLANE_IN], x[at + 2 * PLANE_IN], x[at + 3 * PLANE_IN]);
#else
  if (inside) {
    if (IN_GROUP(0)) v.x = x[at];
    if (IN_GROUP(1)) v.y = x[at + PLANE_IN];
    if (IN_GROUP(2)) v.z = x[at + 2 * PLANE_IN];
    if (IN_GROUP(3)) v.w = x[at + 3 * PLANE_IN];
  }
#endif
  return v;
}
#define LOAD_B(i) \
  load_pixel(inside, at_tap + (channel + 4 * (i) * B_ROWS) * PLANE_IN, channel + 4 * (i) * B_ROWS)
#else
float load_tap(int entry, int base, int ih, int iw) {
  ivec4 e = taps[entry];
  bool inside = uint(ih + e.y) < uint(IN_H) && uint(iw + e.z) < uint(IN_W);
  return inside ? x[base + e.x] : 0.0;
}
vec4 load_pixel(int entry, int base, int ih, int iw) {
  return vec4(load_tap(entry, base, ih, iw), load_tap(entry + 1, base, ih, iw),
              load_tap(entry + 2, base, ih, iw), load_tap(entry + 3, base, ih, iw));
}
#define LOAD_B(i) load_pixel(t * BK + 4 * (b_row + (i) * B_ROWS), base, ih, iw)
#endif

void main() {
  int tid = int(gl_LocalInvocationIndex);
  int zero = int(args[0].x);
  uint slab = args[1].x + gl_WorkGroupID.x / SPLITS;
  int split = int(gl_WorkGroupID.x % SPLITS);
  int group = int(slab / SLABS);
  uint pixels = args[0].y;
  uint first = pixel_tile() * BN;

  int t = split * BLOCKS / SPLITS;
  int t_end = (split + 1) * BLOCKS / SPLITS + zero;

  int b_col = tid % BN;
  int b_row = min(tid / BN, BKQ - 1);
  int p_in = int(min(first + uint(b_col), pixels - 1u));
  int q_in = p_in % PLANE_OUT;
  int ih = (q_in / OUT_W) * STRIDE_H - PAD_TOP;
  int iw = (q_in % OUT_W) * STRIDE_W - PAD_LEFT;
  int base = int(args[0].z) + (p_in / PLANE_OUT) * IMAGE_IN + group * (GROUP_C * PLANE_IN) +
             ih * IN_W + iw;
  uint a_at = (slab * BLOCKS + uint(t)) * uint(BK * BM4) - args[1].y;
#if BY_TAPS
  int tap = t / BLOCKS_C;
  int block = t % BLOCKS_C;
  int channel = block * BK + 4 * b_row;
  int dy = (tap / KERNEL_W) * DILATION_H;
  int dx = (tap % KERNEL_W) * DILATION_W;
  bool inside = uint(ih + dy) < uint(IN_H) && uint(iw + dx) < uint(IN_W);
  int at_tap = base + dy * IN_W + dx;
#endif

  int warp = tid / 32;
  int lane = tid % 32;
  int m_at = (warp / WARPS_N) * (LANES_M * TM4) + lane_m(lane);
  int n_at = (warp % WARPS_N) * (LANES_N * TN) + lane_n(lane);

@for j TN
@for q TM4
  vec4 acc$q_$j = vec4(0.0);
@end
@end

@for i A_PASSES
  vec4 ra$i = w[a_at + uint(min(tid + $i * THREADS, BK * BM4 - 1))];
@end
@for i B_PASSES
  vec4 rb$i = LOAD_B($i);
@end
@for i A_PASSES
  if (tid + $i * THREADS < BK * BM4) sa[tid + $i * THREADS] = ra$i;
@end
@for i B_PASSES
  if (tid / BN + $i * B_ROWS < BKQ) sb[(b_row + $i * B_ROWS) * BN + b_col] = rb$i;
@end
  barrier();

  int buf = 0;
  while (t < t_end) {
    ++t;
    bool more = t < t_end;
    if (more) {
      a_at += uint(BK * BM4);
#if BY_TAPS
      channel += BK;
      if (++block == BLOCKS_C) {
        block = 0;
        channel = 4 * b_row;
        dx += DILATION_W;
        if (dx >= KERNEL_W * DILATION_W) {
          dx = 0;
          dy += DILATION_H;
        }
        inside = uint(ih + dy) < uint(IN_H) && uint(iw + dx) < uint(IN_W);
        at_tap = base + dy * IN_W + dx;
      }
#endif
@for i A_PASSES
      ra$i = w[a_at + uint(min(tid + $i * THREADS, BK * BM4 - 1))];
@end
@for i B_PASSES
      rb$i = LOAD_B($i);
@end
    }
    int ai = buf * (BK * BM4) + m_at;
    int bi = buf * (BKQ * BN) + n_at;
@for s BKQ
@for j TN
      vec4 b$j_$s = sb[bi + $s * BN + $j * LANES_N];
@end
@for i 4
@for q TM4
      vec4 a$q_$i_$s = sa[ai + (4 * $s + $i) * BM4 + $q * LANES_M];
@end
@for q TM4
@for j TN
      acc$q_$j = fma(a$q_$i_$s, vec4(b$j_$s[$i]), acc$q_$j);
@end
@end
@end
@end
    buf ^= 1;
    if (more) {
@for i A_PASSES
      if (tid + $i * THREADS < BK * BM4) sa[buf * (BK * BM4) + tid + $i * THREADS] = ra$i;
@end
@for i B_PASSES
      if (tid / BN + $i * B_ROWS < BKQ)
        sb[buf * (BKQ * BN) + (b_row + $i * B_ROWS) * BN + b_col] = rb$i;
@end
    }
    barrier();
  }

  uint m_first = (slab % SLABS) * BM + uint(4 * m_at);
  uint y_at = args[0].w + uint(group) * uint(GROUP_K * PLANE_OUT) + uint(split) * args[1].z;
@for j TN
  {
    uint p = first + uint(n_at + $j * LANES_N);
    if (p < pixels) {
      uint at = y_at + (p / PLANE_OUT) * IMAGE_OUT + p % PLANE_OUT;
@for q TM4
@for c 4
      {
        uint m = m_first + uint($q * LANES_M * 4 + $c);
        if (m < GROUP_K) {
          uint o = at + m * PLANE_OUT;
          float v = acc$q_$j[$c] + BIAS(uint(group) * (SLABS * BM) + m);
#if HAS_RESIDUAL
          v += residual[o];
#endif
          y[o] = activate(v);
        }
      }
@end
@end
    }
  }
@end
}
)glsl";

}  // namespace sporkle::gl::shaders
