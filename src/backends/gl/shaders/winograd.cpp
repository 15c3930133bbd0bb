#include "backends/gl/shaders/shaders.h"

namespace sporkle::gl::shaders {

// Input transform of F(2x2,3x3), F(4x4,3x3), F(3x3,4x4) or F(2x2,5x5): one thread, one depth
// row, one tile. With a stride a channel is several depth rows, one per phase of the stride.
// Loads are clamped instead of branched around; elements of the padding become zero
// after the load. Output: [position][depth][tile].
const char winograd_input[] = R"glsl(
layout(std430, binding = 0) readonly buffer Input { float x[]; };
layout(std430, binding = 4) writeonly buffer Output { float y[]; };

#if EDGE == 6
void transform(inout float a, inout float b, inout float c, inout float d, inout float e,
               inout float f) {
  float p = d - 4.0 * b;
  float q = e - 4.0 * c;
  float u = 2.0 * (d - b);
  float v = e - c;
  float first = 4.0 * a - 5.0 * c + e;
  f = 4.0 * b - 5.0 * d + f;
  a = first;
  b = q + p;
  c = q - p;
  d = v + u;
  e = v - u;
}
#else
void transform(inout float a, inout float b, inout float c, inout float d) {
  a = a - c;
  d = b - d;
  float sum = b + c;
  c = c - b;
  b = sum;
}
#endif

void main() {
  uint id = pixel_tile() * THREADS + gl_LocalInvocationIndex;
  uint tile = id % TILES;
  uint depth = id / TILES;
  if (depth >= DEPTH || tile >= args[0].y) return;
  int image = int(tile / (TILES_Y * TILES_X));
  int channel = int(depth) / (STRIDE_H * STRIDE_W);
  int phase = int(depth) % (STRIDE_H * STRIDE_W);
  int ih = int(tile / TILES_X % TILES_Y) * (TILE_H * STRIDE_H) + phase / STRIDE_W - PAD_TOP;
  int iw = int(tile % TILES_X) * (TILE_W * STRIDE_W) + phase % STRIDE_W - PAD_LEFT;
  int plane = int(args[0].z) + image * IMAGE_IN + channel * PLANE_IN;
@for j EDGE
  int col$j = clamp(iw + $j * STRIDE_W, 0, IN_W - 1);
  bool in$j = uint(iw + $j * STRIDE_W) < uint(IN_W);
@end
@for i EDGE
  int line$i = plane + clamp(ih + $i * STRIDE_H, 0, IN_H - 1) * IN_W;
  bool row$i = uint(ih + $i * STRIDE_H) < uint(IN_H);
@for j EDGE
  float d$i$j = x[line$i + col$j];
@end
@end
@for i EDGE
@for j EDGE
  d$i$j = row$i && in$j ? d$i$j : 0.0;
@end
@end
#if EDGE == 6
@for i EDGE
  transform(d$i0, d$i1, d$i2, d$i3, d$i4, d$i5);
@end
@for j EDGE
  transform(d0$j, d1$j, d2$j, d3$j, d4$j, d5$j);
@end
#else
@for i EDGE
  transform(d$i0, d$i1, d$i2, d$i3);
@end
@for j EDGE
  transform(d0$j, d1$j, d2$j, d3$j);
@end
#endif
@for i EDGE
@for j EDGE
  y[id + uint($i * EDGE + $j) * uint(DEPTH * TILES)] = d$i$j;
@end
@end
}
)glsl";

// Transform of the filters, once per plan: one thread, one depth row and output channel.
// args[0]: y depth rows of all slabs times block_m, z block_m, w depth; args[1]: x input
// channels, y output channels, z depth rows without padding. Output:
// [position][slab][depth][channel]; rows and channels of the padding become zero.
const char winograd_weights[] = R"glsl(
layout(std430, binding = 0) readonly buffer Input { float x[]; };
layout(std430, binding = 4) writeonly buffer Output { float y[]; };

// A column of the filter at the points 0, 1, -1, (2, -2,) infinity.
void transform(float g[TAPS], out float d[EDGE]) {
  float even = 0.0, odd = 0.0, even2 = 0.0, odd2 = 0.0;
@for i TAPS
  if ($i % 2 == 0) {
    even += g[$i];
    even2 += g[$i] * float(1 << $i);
  } else {
    odd += g[$i];
    odd2 += g[$i] * float(1 << $i);
  }
@end
#if EDGE == 6
  d[0] = 0.25 * g[0];
  d[1] = (even + odd) * (-1.0 / 6.0);
  d[2] = (even - odd) * (-1.0 / 6.0);
  d[3] = (even2 + odd2) * (1.0 / 24.0);
  d[4] = (even2 - odd2) * (1.0 / 24.0);
#else
  d[0] = g[0];
  d[1] = (even + odd) * 0.5;
  d[2] = (even - odd) * 0.5;
#endif
  d[EDGE - 1] = g[TAPS - 1];
}

void main() {
  uint id = pixel_tile() * THREADS + gl_LocalInvocationIndex;
  if (id >= args[0].y) return;
  uint depth = id / args[0].z % args[0].w;
  uint k = id / args[0].z / args[0].w * args[0].z + id % args[0].z;
  bool good = depth < DEPTH && k < OUT_C;
  int channel = int(depth) / (STRIDE_H * STRIDE_W);
  int phase = int(depth) % (STRIDE_H * STRIDE_W);
  int plane = good ? (int(k) * IN_C + channel) * (KERNEL_H * KERNEL_W) : 0;
  float g[TAPS], half_way[TAPS * EDGE], d[EDGE];
@for j TAPS
  {
    int s = $j * STRIDE_W + phase % STRIDE_W;
@for i TAPS
    {
      int r = $i * STRIDE_H + phase / STRIDE_W;
      bool inside = good && r < KERNEL_H && s < KERNEL_W;
      float v = x[inside ? plane + r * KERNEL_W + s : 0];
      g[$i] = inside ? v : 0.0;
    }
@end
    transform(g, d);
@for i EDGE
    half_way[$i * TAPS + $j] = d[$i];
@end
  }
@end
@for i EDGE
@for j TAPS
  g[$j] = half_way[$i * TAPS + $j];
@end
  transform(g, d);
@for j EDGE
  y[id + uint($i * EDGE + $j) * args[0].y] = d[$j];
@end
@end
}
)glsl";

// Output transform with bias, residual and activation; sums the splits of the
// product first. One thread, one output channel, one tile.
const char winograd_output[] = R"glsl(
layout(std430, binding = 0) readonly buffer Input { float x[]; };
// Rows of a tile are whole vectors where the output's width allows it. Else they go
// through shared memory, so that neighbouring threads store neighbouring pixels.
#if OUT_W % TILE == 0 && TILE != 3
#define LANES TILE
#else
#define LANES 1
#define PITCH (TILE | 1)
shared float staged[TILE * THREADS * PITCH];
shared uvec4 place[THREADS];  // first element of a tile, rows, columns, channel
#endif
#if LANES == 4
#define QUAD vec4
#elif LANES == 2
#define QUAD vec2
#else
#define QUAD float
#endif
#if HAS_RESIDUAL
layout(std430, binding = 3) readonly buffer Residual { QUAD residual[]; };
#endif
layout(std430, binding = 4) writeonly buffer Output { QUAD y[]; };

#if TILE == 4
void transform(float a, float b, float c, float d, float e, float f, out float p, out float q,
               out float r, out float s) {
  float bc = b + c;
  float de = d + e;
  float b_c = b - c;
  float d_e = d - e;
  p = a + bc + de;
  q = b_c + 2.0 * d_e;
  r = bc + 4.0 * de;
  s = b_c + 8.0 * d_e + f;
}
#elif TILE == 3
void transform(float a, float b, float c, float d, float e, float f, out float p, out float q,
               out float r) {
  p = a + (b + c) + (d + e);
  q = (b - c) + 2.0 * (d - e);
  r = (b + c) + 4.0 * (d + e) + f;
}
#elif EDGE == 6
void transform(float a, float b, float c, float d, float e, float f, out float p, out float q) {
  p = a + (b + c) + (d + e);
  q = (b - c) + 2.0 * (d - e) + f;
}
#else
void transform(float a, float b, float c, float d, out float p, out float q) {
  p = a + b + c;
  q = b - c - d;
}
#endif

void store(uint o, QUAD v, float bias_k) {
  v += bias_k;
#if HAS_RESIDUAL
  v += residual[o];
#endif
  y[o] = activate(v);
}

void main() {
  uint id = pixel_tile() * THREADS + gl_LocalInvocationIndex;
  uint tile = id % TILES;
  uint channel = id / TILES;
  bool good = channel < OUT_C && tile < args[0].y;
#if LANES != 1
  if (!good) return;
#endif
  uint from = good ? id : 0u;
@for i EDGE
@for j EDGE
  float d$i$j = x[from + uint($i * EDGE + $j) * uint(OUT_C * TILES)];
@end
@end
#if SPLITS > 1
  for (uint split = 1u; split < SPLITS + args[0].x; ++split) {
    uint at = from + split * uint(EDGE * EDGE * OUT_C * TILES);
@for i EDGE
@for j EDGE
    d$i$j += x[at + uint($i * EDGE + $j) * uint(OUT_C * TILES)];
@end
@end
  }
#endif
#if TILE == 4
@for j EDGE
  float e0$j, e1$j, e2$j, e3$j;
  transform(d0$j, d1$j, d2$j, d3$j, d4$j, d5$j, e0$j, e1$j, e2$j, e3$j);
@end
@for i TILE
  float f$i0, f$i1, f$i2, f$i3;
  transform(e$i0, e$i1, e$i2, e$i3, e$i4, e$i5, f$i0, f$i1, f$i2, f$i3);
@end
#elif TILE == 3
@for j EDGE
  float e0$j, e1$j, e2$j;
  transform(d0$j, d1$j, d2$j, d3$j, d4$j, d5$j, e0$j, e1$j, e2$j);
@end
@for i TILE
  float f$i0, f$i1, f$i2;
  transform(e$i0, e$i1, e$i2, e$i3, e$i4, e$i5, f$i0, f$i1, f$i2);
@end
#elif EDGE == 6
@for j EDGE
  float e0$j, e1$j;
  transform(d0$j, d1$j, d2$j, d3$j, d4$j, d5$j, e0$j, e1$j);
@end
@for i TILE
  float f$i0, f$i1;
  transform(e$i0, e$i1, e$i2, e$i3, e$i4, e$i5, f$i0, f$i1);
@end
#else
@for j EDGE
  float e0$j, e1$j;
  transform(d0$j, d1$j, d2$j, d3$j, e0$j, e1$j);
@end
@for i TILE
  float f$i0, f$i1;
  transform(e$i0, e$i1, e$i2, e$i3, f$i0, f$i1);
@end
#endif

  uint oh = tile / TILES_X % TILES_Y * TILE;
  uint ow = tile % TILES_X * TILE;
  uint o = args[0].w + tile / (TILES_Y * TILES_X) * IMAGE_OUT + channel * PLANE_OUT +
           oh * OUT_W + ow;
#if LANES != 1
  float b = BIAS(channel);
@for i TILE
  if (oh + $i < OUT_H) {
#if LANES == 4
    store((o + $i * OUT_W) / 4u, vec4(f$i0, f$i1, f$i2, f$i3), b);
#else
    store((o + $i * OUT_W) / 2u, vec2(f$i0, f$i1), b);
#endif
  }
@end
#else
  uint lane = gl_LocalInvocationIndex;
  place[lane] = uvec4(o, good ? min(uint(OUT_H) - oh, uint(TILE)) : 0u,
                      min(uint(OUT_W) - ow, uint(TILE)), channel);
@for i TILE
@for j TILE
  staged[($i * THREADS + lane) * PITCH + $j] = f$i$j;
@end
@end
  barrier();
  for (uint e = lane; e < TILE * TILE * THREADS; e += THREADS) {
    uint column = e % TILE;
    uint source = e / TILE % THREADS;
    uint row = e / (TILE * THREADS);
    uvec4 at = place[source];
    if (row < at.y && column < at.z)
      store(at.x + row * OUT_W + column, staged[(row * THREADS + source) * PITCH + column],
            BIAS(at.w));
  }
#endif
}
)glsl";

}  // namespace sporkle::gl::shaders
