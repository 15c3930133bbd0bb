#include "backends/gl/shaders/shaders.h"

namespace sporkle::gl::shaders {

// Input transform of F(2x2,3x3), F(4x4,3x3) or F(2x2,5x5): one thread, one channel, one tile.
// Loads are clamped instead of branched around; elements of the padding become zero
// after the load. Output: [position][channel][tile].
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
  uint channel = id / TILES;
  if (channel >= IN_C || tile >= args[0].y) return;
  int image = int(tile / (TILES_Y * TILES_X));
  int ih = int(tile / TILES_X % TILES_Y) * TILE - PAD_TOP;
  int iw = int(tile % TILES_X) * TILE - PAD_LEFT;
  int plane = int(args[0].z) + image * IMAGE_IN + int(channel) * PLANE_IN;
@for j EDGE
  int col$j = clamp(iw + $j, 0, IN_W - 1);
  bool in$j = uint(iw + $j) < uint(IN_W);
@end
@for i EDGE
  int line$i = plane + clamp(ih + $i, 0, IN_H - 1) * IN_W;
  bool row$i = uint(ih + $i) < uint(IN_H);
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
  y[id + uint($i * EDGE + $j) * uint(IN_C * TILES)] = d$i$j;
@end
@end
}
)glsl";

// Output transform with bias, residual and activation; sums the splits of the
// product first. One thread, one output channel, one tile.
const char winograd_output[] = R"glsl(
layout(std430, binding = 0) readonly buffer Input { float x[]; };
#if OUT_W % TILE == 0
#define LANES TILE
#else
#define LANES 1
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
  if (channel >= OUT_C || tile >= args[0].y) return;
@for i EDGE
@for j EDGE
  float d$i$j = x[id + uint($i * EDGE + $j) * uint(OUT_C * TILES)];
@end
@end
#if SPLITS > 1
  for (uint split = 1u; split < SPLITS + args[0].x; ++split) {
    uint at = id + split * uint(EDGE * EDGE * OUT_C * TILES);
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
  float b = BIAS(channel);
@for i TILE
  if (oh + $i < OUT_H) {
#if LANES == 4
    store((o + $i * OUT_W) / 4u, vec4(f$i0, f$i1, f$i2, f$i3), b);
#elif LANES == 2
    store((o + $i * OUT_W) / 2u, vec2(f$i0, f$i1), b);
#else
@for j TILE
    if (ow + $j < OUT_W) store(o + uint($i * OUT_W + $j), f$i$j, b);
@end
#endif
  }
@end
}
)glsl";

}  // namespace sporkle::gl::shaders
