#include "backends/gl/shaders/shaders.h"

namespace sporkle::gl::shaders {

// Matrix product per group: output[m][p] = sum over k of weights[k][m] * input[k][p].
// Double-buffered tiles in shared memory, one barrier per step, fragments loaded one
// row ahead.
//
// GATHER 0: a 1x1 convolution whose pixels and planes are multiples of 4, so that all
// traffic is whole vec4s. GATHER 1: any convolution; the rows of the product are the taps
// outside and the channels inside. A column of the tile then holds four pixels that lie
// BN / 4 apart, so that neighbouring threads load and store neighbouring pixels.
const char gemm[] = R"glsl(
#if GATHER
#define QUAD float
#else
#define QUAD vec4
#endif
layout(std430, binding = 0) readonly buffer Input { QUAD x[]; };
layout(std430, binding = 1) readonly buffer Weights { vec4 w[]; };
#if HAS_RESIDUAL
layout(std430, binding = 3) readonly buffer Residual { QUAD residual[]; };
#endif
layout(std430, binding = 4) writeonly buffer Output { QUAD y[]; };

// One row more than two tiles: the last fragment load of a tile reads past it.
shared vec4 sa[(2 * BK + 1) * BM4];
shared vec4 sb[(2 * BK + 1) * BN4];

#if GATHER
// Loads are unconditional, at element 0 outside of the input; what they bring then is
// replaced by zero on the way to shared memory.
#if CHECKED || GROUP_C % BK != 0
bvec4 in_input(bvec4 inside, int channel) {
  return bvec4(uvec4(inside) * uint(channel < GROUP_C));
}
vec4 gather(ivec4 at, bvec4 ok) {
  ivec4 safe = at * ivec4(ok);
  return vec4(x[safe.x], x[safe.y], x[safe.z], x[safe.w]);
}
#define LOAD_B(i) gather(at + (offset + i * B_ROWS * PLANE_IN), in_input(inside, channel + i * B_ROWS))
#define STAGED_B(i, v) mix(vec4(0.0), v, in_input(inside, channel + i * B_ROWS))
#else
vec4 gather(ivec4 at) { return vec4(x[at.x], x[at.y], x[at.z], x[at.w]); }
#define LOAD_B(i) gather(at + (offset + i * B_ROWS * PLANE_IN))
#define STAGED_B(i, v) v
#endif
#elif DEPTH % BK != 0
#define LOAD_B(i) (row + i * B_ROWS < DEPTH ? x[b_at + uint(i * B_ROWS * PLANE4)] : vec4(0.0))
#else
#define LOAD_B(i) x[b_at + uint(i * B_ROWS * PLANE4)]
#endif
#if !GATHER
#define STAGED_B(i, v) v
#endif

void main() {
  int tid = int(gl_LocalInvocationIndex);
  int zero = int(args[0].x);
#if GROUPS_ALONG_Z
  // Neighbours in time share a group: the operands of all groups do not fit in a cache.
  uint slab = args[1].x + gl_WorkGroupID.z * SLABS + gl_WorkGroupID.x / SPLITS;
  uint first = gl_WorkGroupID.y * BN4;
#else
  uint slab = args[1].x + gl_WorkGroupID.x / SPLITS;
  uint first = pixel_tile() * (GATHER == 1 ? BN : BN4);
#endif
  int split = int(gl_WorkGroupID.x % SPLITS);
  uint group = slab / SLABS;
  uint pixels = GATHER == 1 ? args[0].y : args[0].y / 4u;

  int t = split * BLOCKS / SPLITS;
  int t_end = (split + 1) * BLOCKS / SPLITS + zero;

  int b_col = tid % BN4;
  int b_row = min(tid / BN4, BK - 1);
#if GATHER
  ivec4 at;
  uvec4 taps_inside = uvec4(0u);  // bit r: row r of the kernel; bit 16 + s: column s
@for l 4
  {
    int p = int(min(first + uint(b_col + $l * BN4), pixels - 1u));
    int q = p % PLANE_OUT;
    int ih = (q / OUT_W) * STRIDE_H - PAD_TOP;
    int iw = (q % OUT_W) * STRIDE_W - PAD_LEFT;
    at[$l] = int(args[0].z) + (p / PLANE_OUT) * IMAGE_IN +
             int(group) * (GROUP_C * PLANE_IN) + ih * IN_W + iw;
#if CHECKED
    for (int r = 0; r < KERNEL_H + zero; ++r)
      if (uint(ih + r * DILATION_H) < uint(IN_H)) taps_inside[$l] |= 1u << r;
    for (int s = 0; s < KERNEL_W + zero; ++s)
      if (uint(iw + s * DILATION_W) < uint(IN_W)) taps_inside[$l] |= 65536u << s;
#endif
  }
@end
  int block = t % BLOCKS_C;
  int r = t / BLOCKS_C / KERNEL_W;
  int s = t / BLOCKS_C % KERNEL_W;
  int channel = block * BK + b_row;
  int offset = r * (DILATION_H * IN_W) + s * DILATION_W + channel * PLANE_IN;
#if CHECKED
#define INSIDE notEqual(taps_inside >> r & taps_inside >> (16 + s) & 1u, uvec4(0u))
#else
#define INSIDE bvec4(true)
#endif
  bvec4 inside = INSIDE;
#else
  int row = t * BK + b_row;
  uint p_in = min(first + uint(b_col), pixels - 1u);
  uint b_at = args[0].z / 4u + (p_in / PLANE4) * IMAGE_IN4 + p_in % PLANE4 +
              group * uint(DEPTH * PLANE4) + uint(row) * PLANE4;
#endif
  uint a_at = (slab * BLOCKS + uint(t)) * uint(BK * BM4) - args[1].y;

  int warp = tid / 32;
  int lane = tid % 32;
  int m_at = (warp / WARPS_N) * (LANES_M * TM4) + lane_m(lane);
  int n_at = (warp % WARPS_N) * (LANES_N * TN4) + lane_n(lane);

@for j TN4
@for q TM4
@for c 4
  vec4 acc$q$c_$j = vec4(0.0);
@end
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
  if (tid / BN4 + $i * B_ROWS < BK) sb[(b_row + $i * B_ROWS) * BN4 + b_col] = STAGED_B($i, rb$i);
@end
  barrier();

  int buf = 0;
  for (; t < t_end; ++t) {
    bool more = t + 1 < t_end;
    if (more) {
      a_at += uint(BK * BM4);
#if GATHER
      channel += BK;
      offset += BK * PLANE_IN;
      if (++block == BLOCKS_C) {
        block = 0;
        channel = b_row;
        if (++s == KERNEL_W) {
          s = 0;
          ++r;
        }
        offset = r * (DILATION_H * IN_W) + s * DILATION_W + channel * PLANE_IN;
        inside = INSIDE;
      }
#else
      row += BK;
      b_at += uint(BK * PLANE4);
#endif
@for i A_PASSES
      ra$i = w[a_at + uint(min(tid + $i * THREADS, BK * BM4 - 1))];
@end
@for i B_PASSES
      rb$i = LOAD_B($i);
@end
    }
    int ai = buf * (BK * BM4) + m_at;
    int bi = buf * (BK * BN4) + n_at;
@for q TM4
    vec4 a$q = sa[ai + $q * LANES_M];
@end
@for j TN4
    vec4 b$j = sb[bi + $j * LANES_N];
@end
    for (int k = 0; k < BK + zero; k += 2 * PAIRS) {
@for s PAIRS
@for q TM4
      vec4 c$q_$s = sa[ai + (2 * $s + 1) * BM4 + $q * LANES_M];
@end
@for j TN4
      vec4 d$j_$s = sb[bi + (2 * $s + 1) * BN4 + $j * LANES_N];
@end
@for q TM4
@for c 4
@for j TN4
      acc$q$c_$j = fma(vec4(a$q[$c]), b$j, acc$q$c_$j);
@end
@end
@end
@for q TM4
      a$q = sa[ai + (2 * $s + 2) * BM4 + $q * LANES_M];
@end
@for j TN4
      b$j = sb[bi + (2 * $s + 2) * BN4 + $j * LANES_N];
@end
@for q TM4
@for c 4
@for j TN4
      acc$q$c_$j = fma(vec4(c$q_$s[$c]), d$j_$s, acc$q$c_$j);
@end
@end
@end
@end
      ai += 2 * PAIRS * BM4;
      bi += 2 * PAIRS * BN4;
    }
    buf ^= 1;
    if (more) {
@for i A_PASSES
      if (tid + $i * THREADS < BK * BM4) sa[buf * (BK * BM4) + tid + $i * THREADS] = ra$i;
@end
@for i B_PASSES
      if (tid / BN4 + $i * B_ROWS < BK)
        sb[buf * (BK * BN4) + (b_row + $i * B_ROWS) * BN4 + b_col] = STAGED_B($i, rb$i);
@end
    }
    barrier();
  }

  uint m_first = (slab % SLABS) * BM + uint(4 * m_at);
#if GATHER
  uint y_at = args[0].w + group * uint(GROUP_K * PLANE_OUT) + uint(split) * args[1].z;
@for j TN4
@for l 4
  {
    uint p = first + uint(n_at + $j * LANES_N + $l * BN4);
    if (p < pixels) {
      uint at_out = y_at + (p / PLANE_OUT) * IMAGE_OUT + p % PLANE_OUT;
@for q TM4
@for c 4
      {
        uint m = m_first + uint($q * LANES_M * 4 + $c);
        if (m < GROUP_K) {
          uint o = at_out + m * PLANE_OUT;
          float v = acc$q$c_$j[$l] + BIAS(group * (SLABS * BM) + m);
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
@end
#else
  uint y_at = args[0].w / 4u + group * uint(GROUP_K * PLANE4) + uint(split) * (args[1].z / 4u);
@for j TN4
  {
    uint p = first + uint(n_at + $j * LANES_N);
    if (p < pixels) {
      uint at = y_at + (p / PLANE4) * IMAGE_OUT4 + p % PLANE4;
@for q TM4
@for c 4
      {
        uint m = m_first + uint($q * LANES_M * 4 + $c);
        if (m < GROUP_K) {
          uint o = at + m * PLANE4;
          vec4 v = acc$q$c_$j + BIAS((slab / SLABS) * (SLABS * BM) + m);
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
#endif
}
)glsl";

}  // namespace sporkle::gl::shaders
