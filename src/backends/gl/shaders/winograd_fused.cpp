#include "backends/gl/shaders/shaders.h"

namespace sporkle::gl::shaders {

// F(2x2,3x3) in one dispatch, without workspace, for problems too small for three: BM
// output channels x BN tiles per workgroup, SPLIT parts of it share the channels. Per step of ROWS channels the inputs of the tiles are transformed on their way to shared
// memory while those of the next step are loaded; a thread multiplies TM x TN at one position
// of the tile. At last the positions meet in shared memory for the output transform.
const char winograd_fused[] = R"glsl(
layout(std430, binding = 0) readonly buffer Input { float x[]; };
layout(std430, binding = 1) readonly buffer Weights { vec4 w[]; };
#if OUT_W % 2 == 0
#define QUAD vec2
#else
#define QUAD float
#endif
#if HAS_RESIDUAL
layout(std430, binding = 3) readonly buffer Residual { QUAD residual[]; };
#endif
layout(std430, binding = 4) writeonly buffer Output { QUAD y[]; };

#define POSITIONS 16  // of a tile of 4x4 inputs
#define ROWS (SPLIT * BK)
#define LANES_M (BM4 / TM4)
#define LANES_N (BN / TN)
#define PART_THREADS (POSITIONS * LANES_M * LANES_N)
// Padding keeps the positions that a warp reads in different banks.
#define V_PITCH (ROWS * BN + 8)
#define U_PITCH (ROWS * BM4 + 2)
#define QUADS (TM4 / ROUNDS)  // vectors of channels per round of the output transform
#define CHANNELS (4 * QUADS * LANES_M)
#define M_ROW (BN + (LANES_N > 4 ? 2 : 1))
#define M_PITCH ((CHANNELS * M_ROW + 31) / 32 * 32 + 16)
shared float area[POSITIONS * AREA];
shared vec4 su[POSITIONS * U_PITCH];

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
  int slab = int(gl_WorkGroupID.x);
  int first = int(pixel_tile()) * BN;
  int tiles = int(args[0].y);

@for i V_PASSES
  int pair$i = min(tid + $i * THREADS, ROWS * BN - 1);
  int channel$i = pair$i / BN;
  int tile$i = min(first + pair$i % BN, tiles - 1);
  int ih$i = tile$i / TILES_X % TILES_Y * 2 - PAD_TOP;
  int iw$i = tile$i % TILES_X * 2 - PAD_LEFT;
  int plane$i = int(args[0].z) + tile$i / (TILES_Y * TILES_X) * IMAGE_IN;
@for r 4
  int line$i_$r = plane$i + clamp(ih$i + $r, 0, IN_H - 1) * IN_W;
  int col$i_$r = clamp(iw$i + $r, 0, IN_W - 1);
  bool row_in$i_$r = uint(ih$i + $r) < uint(IN_H);
  bool col_in$i_$r = uint(iw$i + $r) < uint(IN_W);
@end
  int at$i = min(channel$i, IN_C - 1) * PLANE_IN;
@for r 4
@for s 4
  float d$i_$r$s = x[at$i + line$i_$r + col$i_$s];
@end
@end
@end
  // Rows of a position are contiguous in memory, positions are not.
@for i U_PASSES
  int e$i = min(tid + $i * THREADS, POSITIONS * ROWS * BM4 - 1);
  int u_to$i = e$i / (ROWS * BM4) * U_PITCH + e$i % (ROWS * BM4);
  uint u_from$i = uint((e$i / (ROWS * BM4) * SLABS + slab) * (DEPTH * BM4) + e$i % (ROWS * BM4));
  vec4 u$i = w[u_from$i];
@end

  int part = tid / PART_THREADS;
  int lane = tid % PART_THREADS % (LANES_M * LANES_N);
  int position = tid % PART_THREADS / (LANES_M * LANES_N);
  int m_at = lane / LANES_N;
  int n_at = lane % LANES_N;

@for j TN
@for q TM4
  vec4 acc$q_$j = vec4(0.0);
@end
@end

  for (int t = 0; t < BLOCKS + zero; ++t) {
@for i V_PASSES
    {
      bool good = channel$i < IN_C;
@for r 4
@for s 4
      d$i_$r$s = good && row_in$i_$r && col_in$i_$s ? d$i_$r$s : 0.0;
@end
@end
@for s 4
      float ta$s = d$i_0$s - d$i_2$s;
      float tb$s = d$i_1$s + d$i_2$s;
      float tc$s = d$i_2$s - d$i_1$s;
      float te$s = d$i_1$s - d$i_3$s;
@end
#if V_PASSES * THREADS > ROWS * BN
      if (tid + $i * THREADS < ROWS * BN)
#endif
      {
        int to = pair$i;
        area[to] = ta0 - ta2;
        area[to + V_PITCH] = ta1 + ta2;
        area[to + 2 * V_PITCH] = ta2 - ta1;
        area[to + 3 * V_PITCH] = ta1 - ta3;
        area[to + 4 * V_PITCH] = tb0 - tb2;
        area[to + 5 * V_PITCH] = tb1 + tb2;
        area[to + 6 * V_PITCH] = tb2 - tb1;
        area[to + 7 * V_PITCH] = tb1 - tb3;
        area[to + 8 * V_PITCH] = tc0 - tc2;
        area[to + 9 * V_PITCH] = tc1 + tc2;
        area[to + 10 * V_PITCH] = tc2 - tc1;
        area[to + 11 * V_PITCH] = tc1 - tc3;
        area[to + 12 * V_PITCH] = te0 - te2;
        area[to + 13 * V_PITCH] = te1 + te2;
        area[to + 14 * V_PITCH] = te2 - te1;
        area[to + 15 * V_PITCH] = te1 - te3;
      }
    }
@end
@for i U_PASSES
#if U_PASSES * THREADS > POSITIONS * ROWS * BM4
    if (tid + $i * THREADS < POSITIONS * ROWS * BM4)
#endif
    su[u_to$i] = u$i;
@end
    barrier();
    if (t + 1 < BLOCKS) {
@for i V_PASSES
      channel$i += ROWS;
      at$i = min(channel$i, IN_C - 1) * PLANE_IN;
@for r 4
@for s 4
      d$i_$r$s = x[at$i + line$i_$r + col$i_$s];
@end
@end
@end
@for i U_PASSES
      u_from$i += uint(ROWS * BM4);
      u$i = w[u_from$i];
@end
    }
    int ui = position * U_PITCH + part * (BK * BM4) + m_at;
    int vi = position * V_PITCH + part * (BK * BN) + n_at;
    for (int k = 0; k < BK + zero; k += UNROLL) {
@for s UNROLL
@for q TM4
      vec4 p$q_$s = su[ui + $s * BM4 + $q * LANES_M];
@end
@for j TN
      float v$j_$s = area[vi + $s * BN + $j * LANES_N];
@end
@end
@for s UNROLL
@for j TN
@for q TM4
      acc$q_$j = fma(p$q_$s, vec4(v$j_$s), acc$q_$j);
@end
@end
@end
      ui += UNROLL * BM4;
      vi += UNROLL * BN;
    }
    barrier();
  }

@for h ROUNDS
  for (int p = 0; p < SPLIT + zero; ++p) {
    if (part == p) {
      int to = position * M_PITCH + 4 * m_at * M_ROW + n_at;
@for q TM4
#if $q / QUADS == $h
@for c 4
@for j TN
      {
        int at = to + (4 * ($q % QUADS) * LANES_M + $c) * M_ROW + $j * LANES_N;
        area[at] = p == 0 ? acc$q_$j[$c] : area[at] + acc$q_$j[$c];
      }
@end
@end
#endif
@end
    }
    barrier();
  }
  for (int e = tid; e < CHANNELS * BN + zero; e += THREADS) {
    int tile = first + e % BN;
    int row = e / BN;
    int m = slab * BM + $h * CHANNELS + row;
@for p 16
    float d$p = area[$p * M_PITCH + row * M_ROW + e % BN];
@end
    if (tile < tiles && m < OUT_C) {
      float a0 = d0 + d4 + d8, a1 = d1 + d5 + d9, a2 = d2 + d6 + d10, a3 = d3 + d7 + d11;
      float b0 = d4 - d8 - d12, b1 = d5 - d9 - d13, b2 = d6 - d10 - d14, b3 = d7 - d11 - d15;
      int oh = tile / TILES_X % TILES_Y * 2;
      int ow = tile % TILES_X * 2;
      uint o = args[0].w + uint(tile / (TILES_Y * TILES_X) * IMAGE_OUT + m * PLANE_OUT +
                                oh * OUT_W + ow);
      float b = BIAS(m);
#if OUT_W % 2 == 0
      store(o / 2u, vec2(a0 + a1 + a2, a1 - a2 - a3), b);
      if (oh + 1 < OUT_H) store((o + OUT_W) / 2u, vec2(b0 + b1 + b2, b1 - b2 - b3), b);
#else
      bool right = ow + 1 < OUT_W;
      store(o, a0 + a1 + a2, b);
      if (right) store(o + 1u, a1 - a2 - a3, b);
      if (oh + 1 < OUT_H) {
        store(o + OUT_W, b0 + b1 + b2, b);
        if (right) store(o + OUT_W + 1u, b1 - b2 - b3, b);
      }
#endif
    }
  }
  barrier();
@end
}
)glsl";

}  // namespace sporkle::gl::shaders
