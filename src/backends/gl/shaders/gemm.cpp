#include "backends/gl/shaders/shaders.h"

namespace sporkle::gl::shaders {

// Matrix product per group: output[m][p] = sum over k of weights[k][m] * input[k][p].
// Pixels and planes are multiples of 4, so all traffic is whole vec4s. Double-buffered
// tiles in shared memory, one barrier per step, fragments loaded one row ahead.
const char gemm[] = R"glsl(
layout(std430, binding = 0) readonly buffer Input { vec4 x[]; };
layout(std430, binding = 1) readonly buffer Weights { vec4 w[]; };
#if HAS_RESIDUAL
layout(std430, binding = 3) readonly buffer Residual { vec4 residual[]; };
#endif
layout(std430, binding = 4) writeonly buffer Output { vec4 y[]; };

// One row more than two tiles: the last fragment load of a tile reads past it.
shared vec4 sa[(2 * BK + 1) * BM4];
shared vec4 sb[(2 * BK + 1) * BN4];

#if DEPTH % BK != 0
#define LOAD_B(i) (row + i * B_ROWS < DEPTH ? x[b_at + uint(i * B_ROWS * PLANE4)] : vec4(0.0))
#else
#define LOAD_B(i) x[b_at + uint(i * B_ROWS * PLANE4)]
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
  uint first = pixel_tile() * BN4;
#endif
  int split = int(gl_WorkGroupID.x % SPLITS);
  uint group = slab / SLABS;
  uint pixels = args[0].y / 4u;

  int t = split * BLOCKS / SPLITS;
  int t_end = (split + 1) * BLOCKS / SPLITS + zero;

  int b_col = tid % BN4;
  int b_row = min(tid / BN4, BK - 1);
  int row = t * BK + b_row;
  uint p_in = min(first + uint(b_col), pixels - 1u);
  uint b_at = args[0].z / 4u + (p_in / PLANE4) * IMAGE_IN4 + p_in % PLANE4 +
              group * uint(DEPTH * PLANE4) + uint(row) * PLANE4;
  uint a_at = (slab * BLOCKS + uint(t)) * uint(BK * BM4) - args[1].y;

  int warp = tid / 32;
  int lane = tid % 32;
  int m_at = (warp / WARPS_N) * (LANES_M * TM4) + lane / LANES_N;
  int n_at = (warp % WARPS_N) * (LANES_N * TN4) + lane % LANES_N;

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
  if (tid / BN4 + $i * B_ROWS < BK) sb[(b_row + $i * B_ROWS) * BN4 + b_col] = rb$i;
@end
  barrier();

  int buf = 0;
  for (; t < t_end; ++t) {
    bool more = t + 1 < t_end;
    if (more) {
      row += BK;
      a_at += uint(BK * BM4);
      b_at += uint(BK * PLANE4);
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
        sb[buf * (BK * BN4) + (b_row + $i * B_ROWS) * BN4 + b_col] = rb$i;
@end
    }
    barrier();
  }

  uint m_first = (slab % SLABS) * BM + uint(4 * m_at);
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
}
)glsl";

}  // namespace sporkle::gl::shaders
